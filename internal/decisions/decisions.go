// Package decisions is the vocabulary of the decision ledger: what a policy,
// the scheduler or the cluster did, what it saw, and which rules shaped it.
package decisions

// The kinds of entries.
const (
	Scale         = "scale" // a scaler changed the replicas
	Tick          = "tick"  // a scaler left the replicas as they are
	Bind          = "bind"  // the scheduler placed a pod
	Unschedulable = "unschedulable"
	Preempt       = "preempt"    // the scheduler chose a pod to make room for another
	Evict         = "evict"      // the node autoscaler moves a pod
	NodeOn        = "node-on"    // a node was asked for
	NodeReady     = "node-ready" // it joined
	NodeDrain     = "node-drain" // it was cordoned, its pods are to move
	NodeOff       = "node-off"
	NodeSleep     = "node-sleep"
	NodeWake      = "node-wake"
)

// Entry is one line of the ledger.
type Entry struct {
	T         float64    `json:"t"` // seconds since the scenario's start
	Service   string     `json:"service,omitempty"`
	Kind      string     `json:"kind"`
	From      int        `json:"from,omitempty"` // replicas
	To        int        `json:"to,omitempty"`
	Pod       string     `json:"pod,omitempty"`
	Node      string     `json:"node,omitempty"`
	Reason    string     `json:"reason,omitempty"`
	Scaling   *Scaling   `json:"scaling,omitempty"`   // of scale and tick
	Placement *Placement `json:"placement,omitempty"` // of bind and unschedulable
}

// Scaling is how a scaler came to its replicas.
type Scaling struct {
	Ready    int       `json:"ready"`
	Rate     float64   `json:"rate"`   // req/s, as telemetry shows it
	P95      float64   `json:"p95"`    // s, likewise; 0 when nothing completed
	Wanted   int       `json:"wanted"` // what the readings asked for, before any clamp
	Readings []Reading `json:"readings,omitempty"`
	Clamps   []Clamp   `json:"clamps,omitempty"` // what turned Wanted into the replicas, in order
}

// Reading is one metric that a scaler saw.
type Reading struct {
	Name     string  `json:"name"`
	Value    float64 `json:"value"`
	Target   float64 `json:"target,omitempty"`   // 0 when there is none
	Replicas int     `json:"replicas,omitempty"` // that this metric alone asks for
	Problem  string  `json:"problem,omitempty"`  // why it could not be used, in the controller's words
}

// Clamp is one rule that changed the wanted replicas. Of an HPA, Reason is that
// of the HorizontalPodAutoscaler's condition, such as ScaleDownStabilized.
type Clamp struct {
	Reason  string `json:"reason"`
	From    int    `json:"from"`
	To      int    `json:"to"`
	Message string `json:"message,omitempty"`
}

// Placement is how the scheduler chose a node, or found none.
type Placement struct {
	Evaluated int          `json:"evaluated"`       // nodes that were filtered
	Feasible  int          `json:"feasible"`        // nodes that passed
	Nodes     []NodeResult `json:"nodes,omitempty"` // in the scheduler's order; only when asked for
}

// NodeResult is a node in one scheduling cycle.
type NodeResult struct {
	Node     string        `json:"node"`
	Rejected string        `json:"rejected,omitempty"` // the plugin that filtered the node out
	Reason   string        `json:"reason,omitempty"`   // its message
	Total    int64         `json:"total,omitempty"`    // sum of Final
	Scores   []PluginScore `json:"scores,omitempty"`   // in the profile's order
}

// PluginScore is one plugin's opinion of a node.
type PluginScore struct {
	Plugin string `json:"plugin"`
	Raw    int64  `json:"raw"`   // what Score returned
	Final  int64  `json:"final"` // normalised to 0..100 and weighted
}
