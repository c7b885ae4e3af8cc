// Package policies is what every scaling policy shares: what it may see, what
// it may say, and how it makes itself known. A policy is one folder below
// this one; it sees values, returns values and holds no pointer into the world.
package policies

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// Observation is what telemetry shows a scaler: scraped at intervals, averaged
// over a window and late by the lag, so never the truth of Now.
type Observation struct {
	Now     vtime.Time
	Desired int // replicas asked for last (spec.replicas)
	Ready   int // replicas that serve; counted by the control plane, without lag
	// Draining replicas take no new requests and end with those they have. The
	// API server still shows them as ready.
	Draining int
	// Intensity of each pool's grid now in g CO2e/kWh, by Model.Pools: published by
	// others, so without telemetry's lag.
	Intensity []float64
	// Valid is false until the first scrape has arrived; then all below is zero.
	Valid       bool
	At          vtime.Time    // of the newest scrape that is seen
	Window      time.Duration // over which telemetry averages
	ArrivalRate float64       // req/s over the window, whole service, refused ones included
	Latency     Latency       // over the window
	Pods        []Pod         // every pod of the service that is not draining, by age
}

// Latency holds quantiles of a service's latency in seconds; all are 0 when
// nothing completed.
type Latency struct{ P50, P90, P95, P99 float64 }

// Pod is one replica: as the API server shows it (without lag), and with what
// the metrics pipeline reports of it.
type Pod struct {
	Name    string
	Created vtime.Time
	Started vtime.Time // when it found its node; vtime.Forever while it waits for one
	Running bool       // its container runs: the image is pulled
	Ready   bool
	ReadyAt vtime.Time // when it became ready; vtime.Forever while it is not
	// HasMetrics is false for a pod that no scrape in the window saw.
	HasMetrics bool
	Metrics    PodMetrics
}

// PodMetrics are a pod's means over the telemetry window.
type PodMetrics struct {
	RequestRate    float64 // req/s routed to the pod
	ServedRate     float64 // req/s completed
	BatchRate      float64 // batches/s executed
	InFlight       float64 // requests waiting or in service
	Queued         float64 // requests waiting
	BusyRatio      float64 // 0..1, share of the time with a kernel running
	QueueSeconds   float64 // mean wait of a served request before its batch started
	LatencySeconds float64 // mean latency of a served request
	GPUWatts       float64 // draw of the device the pod runs on, all its pods included
	CPUCores       float64 // mean CPU use; meaningful when Model.HasCPU
}

// Decision is what a scaler asks for. Replicas equal to Observation.Desired
// means no change. The rest is for the decision ledger.
type Decision struct {
	Replicas int
	Reason   string // one short sentence with the figures behind it
	Wanted   int    // what the readings asked for, before any clamp
	Readings []decisions.Reading
	Clamps   []decisions.Clamp // what turned Wanted into Replicas, in order
	// Limits is what holds the boards of each pool down, by Model.Pools; nil leaves all
	// as they are. Services that share a pool get the highest of what they ask for, and
	// none where the kinds differ. The engine sets the lowest of Pool.Limits of the kind
	// that is not below.
	Limits      []Limit
	LimitReason string // why, for the ledger
	// Err, if set, ends the run: whoever decides could not be asked, and a benchmark
	// does not go on with a guess.
	Err error
}

// Scaler decides how many replicas a service should have.
type Scaler interface {
	// Interval is the time between two calls of Decide, the first at the start.
	Interval() time.Duration
	// Decide must be a function of the observations so far.
	Decide(Observation) Decision
}

// Opener is a Scaler that needs something outside of the process. The engine
// opens it before the replication begins, and closes it at its end; a scenario is
// checked without.
type Opener interface {
	// Open returns an error when it cannot be had. Nothing waits for an answer once
	// ctx is done.
	Open(ctx context.Context, r Replication) (closer func(), err error)
}

// Replication is a run of one policy with one seed.
type Replication struct {
	Policy string
	Seed   uint64
}

// Model is what a policy may know about its service and cluster before the
// run: the published curves, and the future of the trace only if it is an oracle.
type Model struct {
	Service       string
	Start         time.Time // of the window, in the trace's time zone; zero when it has no date
	Initial       int       // replicas at the start
	MaxBatch      int
	Instances     int
	Contended     bool    // a batch that starts beside k-1 others takes k times as long
	ServiceCV     float64 // coefficient of variation of a batch's time around its mean
	MaxQueueDelay time.Duration
	QueueTimeout  time.Duration
	// LatencyTarget is the SLO in seconds at LatencyQuantile (0.95 for p95);
	// 0 when the service states none.
	LatencyTarget   float64
	LatencyQuantile float64
	ColdStart       time.Duration // expected time from placement to ready
	// SlowestStart is the longest that jitter makes of ColdStart.
	SlowestStart time.Duration
	Containers   []Container // of a pod, in order
	HasCPU       bool        // whether PodMetrics.CPUCores means anything
	Pools        []Pool      // pools whose GPUs the service can use, in scenario order
	// History is the scaled request rate before the scenario's window, oldest
	// first, each the mean over HistoryStep; empty when the trace starts with
	// the window. NaN where missing.
	History     []float64
	HistoryStep time.Duration
	// PUE is facility energy over node energy; the prices are in the scenario's
	// currency.
	PUE, EnergyPerKWh, CarbonPerTonne float64
	// Future is set for a configuration that declares itself an oracle (see
	// Kind.Oracle), and nil for every other.
	Future Future
}

// Future is what is to come, from the start of the scenario's window on.
type Future interface {
	// Highest returns the highest arrival rate in req/s between two instants,
	// events included; 0 where the window has ended.
	Highest(from, to vtime.Time) float64
	// Rate returns the arrival rate in req/s at an instant; 0 outside the window.
	Rate(t vtime.Time) float64
	// Intensity returns the g CO2e/kWh of a pool's grid, by Model.Pools.
	Intensity(pool int, t vtime.Time) float64
	// End returns the end of the window.
	End() vtime.Time
}

// Container is what a pod's container asks for: resource names such as cpu,
// memory and nvidia.com/gpu, in thousandths.
type Container struct {
	Name     string
	Requests map[string]int64
}

// Pool is one node pool as the service sees it.
type Pool struct {
	Name           string
	GPU            string
	GPUsPerNode    int
	PodsPerNode    int // how many replicas of this service fit on an empty node
	MaxNodes       int
	ProvisionDelay time.Duration
	// BatchSeconds[b] is the mean service time of a batch of b requests, share
	// and MIG slowdown included; index 0 is unused, the length is MaxBatch+1.
	BatchSeconds []float64
	// BusyWatts[b] is the draw of the whole GPU while it runs a batch of b.
	BusyWatts []float64
	// Share is the part of the device that a replica's busy time loads.
	Share         float64
	ContextWatts  float64 // a GPU with a loaded model, idle
	BareWatts     float64 // a powered GPU without a context
	NodeBaseWatts float64 // a powered node without its GPUs
	// HostPerWatt is what the node adds to each watt that its GPUs draw above bare.
	HostPerWatt float64
	BootWatts   float64 // a node while it boots
	NodeHour    float64 // price of an hour of a powered node
	// EmbodiedPerHour is the g CO2e of a node's making that an hour of it bears.
	EmbodiedPerHour float64
	// CapWatts is the power cap in force: the pool's, or the board's own. ClockMHz is
	// the locked SM clock in force, 0 when the board sets its own.
	CapWatts, ClockMHz float64
	// ClockSweep is whether it is known what locked clocks do to the board.
	ClockSweep bool
	// Limits are those that may be set in the run, below what is in force: power caps
	// ascending, then SM clocks ascending.
	Limits []Limited
}

// MaxReplicas returns how many replicas the pools can hold.
func (m Model) MaxReplicas() int {
	n := 0
	for _, p := range m.Pools {
		n += p.MaxNodes * p.PodsPerNode
	}
	return n
}

// Problem is a fault of a policy's configuration.
type Problem struct {
	Path    string // below the policy's own config, for example "metrics[0].pods.target"
	Message string
	Hint    string
}

// Kind makes a policy known: its YAML key, its configuration, its constructor.
type Kind struct {
	Name string // the key under scaler, for example "energyAware"
	// NewConfig returns a pointer to a configuration with the defaults set.
	NewConfig func() any
	// Check returns what the structure alone cannot tell is wrong; may be nil.
	Check func(config any) []Problem
	// Suits returns what the configuration wants of a service that it does not
	// have; may be nil. Of the model, Service, Start, HasCPU, the containers' names
	// and Name, GPU and ClockSweep of the pools that can run it are filled in.
	Suits func(config any, m Model) []Problem
	// Oracle reports whether the configuration is told the future: a bound to
	// compare with, which results and reports mark as such; may be nil.
	Oracle func(config any) bool
	// ReadsGrid reports whether the configuration decides by the grid's intensity:
	// on another grid it would have decided otherwise; may be nil.
	ReadsGrid func(config any) bool
	// SetsLimits returns the kinds of limits that the configuration may ask for;
	// others are ignored; may be nil.
	SetsLimits func(config any) []LimitKind
	// Caveats returns what a reader must know before believing a run of the
	// configuration over a window of a trace; may be nil.
	Caveats func(config any, w Window) []string
	// New makes a scaler for one service in one replication.
	New func(config any, m Model) (Scaler, error)
}

// Window is the part of a trace that a service is run on.
type Window struct {
	Trace    string // its name; "" for a constant rate
	Source   string // what the trace says it comes from
	From, To time.Time
}

// FileConfig is a configuration that can name a file of its own format. The
// loader resolves the path, reads the file and hands its bytes over.
type FileConfig interface {
	// NamedFile returns the field and the path the user wrote there, "" for none.
	NamedFile() (field, path string)
	// SetFile takes what the file of this name holds.
	SetFile(data []byte, name string) error
}

// ManifestConfig is a configuration that can be read from a Kubernetes
// manifest. The loader resolves the path, parses the file and hands it over;
// Check then says what is wrong with it, with paths in the manifest.
type ManifestConfig interface {
	// Manifest returns the path the user named, "" for none.
	Manifest() string
	// SetManifest takes what the file holds: maps, lists, strings, bools,
	// float64 and int.
	SetManifest(object map[string]any)
}

var kinds []Kind

// Register makes a policy known; each policy's package calls it from init.
func Register(k Kind) {
	for _, have := range kinds {
		if have.Name == k.Name {
			panic("policies: " + k.Name + " is registered twice")
		}
	}
	kinds = append(kinds, k)
	slices.SortFunc(kinds, func(a, b Kind) int { return strings.Compare(a.Name, b.Name) })
}

// Kinds returns the registered policies by name.
func Kinds() []Kind { return slices.Clone(kinds) }

// Find returns the policy with this name.
func Find(name string) (Kind, error) {
	var names []string
	for _, k := range kinds {
		if k.Name == name {
			return k, nil
		}
		names = append(names, k.Name)
	}
	return Kind{}, fmt.Errorf("unknown scaler %q: want one of %s", name, strings.Join(names, ", "))
}
