// Package decisions is the vocabulary of the decision ledger: what a policy,
// the scheduler or the cluster did, what it saw, and which rules shaped it.
package decisions

// The kinds of entries.
const (
	Scale         = "scale" // a scaler changed the replicas
	Tick          = "tick"  // a scaler left the replicas as they are
	Route         = "route" // a router changed the regions' shares
	Bind          = "bind"  // the scheduler placed a pod
	Unschedulable = "unschedulable"
	PodReady      = "pod-ready"  // a pod begins to serve
	PodDrain      = "pod-drain"  // a pod takes no new requests: it is to go
	PodGone       = "pod-gone"   // a pod has left, and its place is free
	Preempt       = "preempt"    // the scheduler chose a pod to make room for another
	Evict         = "evict"      // the node autoscaler moves a pod
	NodeOn        = "node-on"    // a node was asked for
	NodeReady     = "node-ready" // it joined
	NodeDrain     = "node-drain" // it was cordoned, its pods are to move
	NodeOff       = "node-off"
	PowerCap      = "power-cap" // the boards of a pool are held down, or let go
	SMClock       = "sm-clock"  // the same, by locking their clock
	NodeSleep     = "node-sleep"
	NodeWake      = "node-wake"
)

// Kinds returns the kinds of entries, those of scalers first, then those of
// pods and nodes in the order of their lives.
func Kinds() []string {
	return []string{Scale, Tick, PowerCap, SMClock, Route, Bind, Unschedulable, Preempt, Evict, PodReady, PodDrain, PodGone,
		NodeOn, NodeWake, NodeReady, NodeDrain, NodeSleep, NodeOff}
}

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
	Routing   *Routing   `json:"routing,omitempty"`   // of route
	Placement *Placement `json:"placement,omitempty"` // of bind and unschedulable
	Expansion *Expansion `json:"expansion,omitempty"` // of node-on and node-wake
	Cap       *Limit     `json:"cap,omitempty"`       // of power-cap, in W
	Clock     *Limit     `json:"clock,omitempty"`     // of sm-clock, in MHz; 0 while the boards set their own
}

// Limit is what holds the boards of a pool down, before and from now on.
type Limit struct {
	Pool string  `json:"pool"`
	From float64 `json:"from"`
	To   float64 `json:"to"`
}

// Scaling is how a scaler came to its replicas.
type Scaling struct {
	Ready    int       `json:"ready"`
	Seen     *float64  `json:"seen,omitempty"` // when telemetry was scraped, in s since the start; nil before it shows anything
	Rate     float64   `json:"rate"`           // req/s, as telemetry shows it
	P95      float64   `json:"p95"`            // s, likewise; 0 when nothing completed
	Wanted   int       `json:"wanted"`         // what the readings asked for, before any clamp
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

// Routing is how a router came to its shares.
type Routing struct {
	Seen    *float64      `json:"seen,omitempty"` // when telemetry was scraped, in s since the start; nil at the opening
	Demand  float64       `json:"demand"`         // req/s of the service, as telemetry shows it
	Unit    string        `json:"unit,omitempty"` // of the regions' costs; none for fixed shares
	Regions []RegionShare `json:"regions"`
}

// RegionShare is what a router gives to a region.
type RegionShare struct {
	Region string   `json:"region"`
	Share  float64  `json:"share"`            // 0..1
	Before *float64 `json:"before,omitempty"` // the share that was written down before
	Limit  *float64 `json:"limit,omitempty"`  // req/s that it is filled to
	Cost   *float64 `json:"cost,omitempty"`   // what regions are ordered by; nil where no replica keeps the SLO
}

// Placement is how the scheduler chose a node, or found none.
type Placement struct {
	Evaluated int          `json:"evaluated"`           // nodes that were filtered
	Feasible  int          `json:"feasible"`            // nodes that passed
	GPU       *int         `json:"gpu,omitempty"`       // of the node, that the device plugin gives; of bind
	Waited    float64      `json:"waited,omitempty"`    // s since the pod was created
	Nominated string       `json:"nominated,omitempty"` // the node on which preemption makes room
	Cycle     *Cycle       `json:"cycle,omitempty"`     // these two only when asked for
	Nodes     []NodeResult `json:"nodes,omitempty"`     // in the scheduler's order
}

// Cycle is what the plugins of a scheduling cycle said of the pod itself.
type Cycle struct {
	Profile    string              `json:"profile"` // its schedulerName
	PreFilter  []PluginStatus      `json:"preFilter,omitempty"`
	Candidates map[string][]string `json:"candidates,omitempty"` // nodes to which a PreFilter plugin narrows the choice
	Filter     []string            `json:"filter,omitempty"`     // plugins that filter nodes, in order; the one that rejects a node is its last
	PreScore   []PluginStatus      `json:"preScore,omitempty"`
	PostFilter []string            `json:"postFilter,omitempty"` // plugins called when no node is left
	Reserve    []string            `json:"reserve,omitempty"`    // and those called for the chosen node
	Permit     []string            `json:"permit,omitempty"`
	PreBind    []string            `json:"preBind,omitempty"`
	Bind       []string            `json:"bind,omitempty"`
}

// PluginStatus is a plugin's answer in the framework's words.
type PluginStatus struct {
	Plugin string `json:"plugin"`
	Code   string `json:"code"` // Success, Skip or Unschedulable, ...
	Reason string `json:"reason,omitempty"`
}

// NodeResult is a node in one scheduling cycle.
type NodeResult struct {
	Node     string        `json:"node"`
	Rejected string        `json:"rejected,omitempty"` // the plugin that filtered the node out
	Reason   string        `json:"reason,omitempty"`   // its message
	Total    int64         `json:"total,omitempty"`    // sum of Final
	Scores   []PluginScore `json:"scores,omitempty"`   // in the profile's order; none when the node was the only one left
}

// PluginScore is one plugin's opinion of a node.
type PluginScore struct {
	Plugin string `json:"plugin"`
	Raw    int64  `json:"raw"`   // what Score returned
	Final  int64  `json:"final"` // normalised to 0..100 and weighted
}

// Expansion is how the node autoscaler chose the pool that grows.
type Expansion struct {
	Expander string   `json:"expander"`
	Pending  int      `json:"pending"`        // pods that the nodes on their way leave without a place
	Unit     string   `json:"unit,omitempty"` // of the options' costs; none for an expander that draws
	Options  []Option `json:"options"`        // in the order of the pools
}

// Option is one pool that could grow.
type Option struct {
	Pool   string  `json:"pool"`
	Nodes  int     `json:"nodes"`          // that it would bring up
	Asleep bool    `json:"asleep"`         // they sleep, and would wake
	Pods   int     `json:"pods"`           // that would find a place on them
	Cost   float64 `json:"cost,omitempty"` // what the expander takes the least of
	Chosen bool    `json:"chosen,omitempty"`
}
