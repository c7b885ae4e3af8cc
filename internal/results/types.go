// Package results is the results directory: its types, and how it is written
// and read. Everything but manifest.json is a pure function of the binary, the
// effective scenario and the seeds.
package results

import (
	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/grade"
	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// SchemaVersion is the version of summary.json.
const SchemaVersion = 1

// Ledger counts requests. Arrivals = Served + Dropped + TimedOut + InFlight,
// always; the engine refuses to report a run that breaks it.
type Ledger struct {
	Arrivals int64 `json:"arrivals"`
	Served   int64 `json:"served"`
	Dropped  int64 `json:"dropped"`
	TimedOut int64 `json:"timedOut"`
	InFlight int64 `json:"inFlight"` // at the scenario's end
}

// Run is one (policy, seed): all that a replication leaves behind.
type Run struct {
	Policy   string
	Seed     uint64
	Metrics  metrics.Values            // over all requests and the whole cluster
	Services map[string]metrics.Values // the PerService part of the catalogue
	Ledger   Ledger
	// EnergyByGrade is the share (0..1) of node energy that rests on numbers
	// of each grade, from A to X; the shares sum to 1.
	EnergyByGrade [grade.Count]float64
	// EnergyByComponent is the facility's kWh by what drew it: a GPU model and
	// busy, context, bare, base, host, boot or sleep.
	EnergyByComponent map[string]float64
	// Spread is the standard uncertainty that the power figures leave in a metric,
	// in its unit, by component. A component is wrong by the same factor in every
	// run, whatever its seed and policy; two of them are wrong independently. It is
	// negative where the metric falls when the component's figures rise.
	Spread map[string]map[string]float64
	// Energy is that of the nodes over time, by pool; nil unless it was asked for.
	Energy    []EnergySlot `json:",omitempty"`
	Points    []Point
	Nodes     []NodePoint       `json:",omitempty"` // in order of time; nil unless it was asked for
	Decisions []decisions.Entry // in order of time
	Warnings  []string          // sorted, without duplicates
}

// EnergySlot is a part of the window in which no grid changes.
type EnergySlot struct {
	From   vtime.Time
	Joules []float64 // of the nodes, without PUE, by pool
	// Sigma is the standard uncertainty in J that the power figures leave in it, by
	// pool and component.
	Sigma []map[string]float64
}

// Point is one row of timeseries.csv: a service, or the cluster when Service
// is empty, over one bin that ends at T. A pointer is nil where the column
// does not apply (or, for a latency, where nothing was served).
type Point struct {
	T       float64 `json:"t"` // seconds since the scenario's start, end of the bin
	Service string  `json:"service,omitempty"`

	// Of a service.
	ArrivalRate     *float64 `json:"arrivalRate,omitempty"`  // req/s over the bin
	CapacityRate    *float64 `json:"capacityRate,omitempty"` // req/s that the ready replicas could serve at full batches
	ServedRate      *float64 `json:"servedRate,omitempty"`   // req/s
	LostRate        *float64 `json:"lostRate,omitempty"`     // dropped and timed out, req/s
	LatencyP50      *float64 `json:"latencyP50,omitempty"`   // s
	LatencyP95      *float64 `json:"latencyP95,omitempty"`   // s
	LatencyP99      *float64 `json:"latencyP99,omitempty"`   // s
	Queued          *float64 `json:"queued,omitempty"`       // requests waiting at T
	ReplicasDesired *float64 `json:"replicasDesired,omitempty"`
	ReplicasReady   *float64 `json:"replicasReady,omitempty"`
	GPUBusyRatio    *float64 `json:"gpuBusyRatio,omitempty"` // of the allocated, over the bin

	// Of the cluster.
	NodesOn       *float64 `json:"nodesOn,omitempty"`
	NodesAsleep   *float64 `json:"nodesAsleep,omitempty"`
	GPUsOn        *float64 `json:"gpusOn,omitempty"`
	GPUsAllocated *float64 `json:"gpusAllocated,omitempty"`
	GPUWatts      *float64 `json:"gpuWatts,omitempty"`      // mean over the bin
	FacilityWatts *float64 `json:"facilityWatts,omitempty"` // mean over the bin, PUE included
	// FacilityWatts by what drew them; they add up to it.
	BusyWatts       *float64 `json:"busyWatts,omitempty"`       // GPUs with a kernel
	IdleWatts       *float64 `json:"idleWatts,omitempty"`       // GPUs without one
	HostWatts       *float64 `json:"hostWatts,omitempty"`       // the hosts of nodes that are on
	BootWatts       *float64 `json:"bootWatts,omitempty"`       // nodes that boot or wake
	SleepWatts      *float64 `json:"sleepWatts,omitempty"`      // nodes asleep
	CarbonIntensity *float64 `json:"carbonIntensity,omitempty"` // g/kWh
	CO2eRate        *float64 `json:"co2eRate,omitempty"`        // operational, g/h
}

// Estimate is a mean over replications with its confidence interval.
type Estimate struct {
	Mean   float64 `json:"mean"`
	CILow  float64 `json:"ciLow"`
	CIHigh float64 `json:"ciHigh"`
	N      int     `json:"n"`
	// ModelLow and ModelHigh bound the mean by the uncertainty of the power
	// figures, at the same confidence; both are absent where the metric does not
	// rest on them. More seeds do not make it narrower.
	ModelLow  float64 `json:"modelLow,omitzero"`
	ModelHigh float64 `json:"modelHigh,omitzero"`
}

// Replication is one seed's figures in summary.json.
type Replication struct {
	Seed    uint64         `json:"seed"`
	Metrics metrics.Values `json:"metrics"`
	Ledger  Ledger         `json:"ledger"`
}

// PolicySummary is a policy over all its seeds.
type PolicySummary struct {
	Name          string                    `json:"name"`
	Oracle        bool                      `json:"oracle,omitempty"` // it is told the future: a bound, nothing to run
	Metrics       map[string]Estimate       `json:"metrics"`
	Services      map[string]ServiceSummary `json:"services"`
	Replications  []Replication             `json:"replications"`
	EnergyByGrade map[string]float64        `json:"energyByGrade"` // share of node energy by grade letter, mean over seeds
	// EnergyByComponent is what the facility's energy was drawn for, the component
	// that leaves most of its uncertainty first.
	EnergyByComponent []Component `json:"energyByComponent,omitempty"`
}

// Component is a part of the facility's energy whose power figures are wrong
// together, if they are.
type Component struct {
	Name        string  `json:"name"`        // "nvidia-h100-sxm busy"
	Share       float64 `json:"share"`       // of energy_kwh, 0..1
	Uncertainty float64 `json:"uncertainty"` // standard uncertainty that it leaves in energy_kwh, over energy_kwh
}

// ServiceSummary is one service under one policy.
type ServiceSummary struct {
	Metrics map[string]Estimate `json:"metrics"`
}

// Comparison is one policy against the first one, on one metric, paired by seed.
type Comparison struct {
	Base       string  `json:"base"`
	Policy     string  `json:"policy"`
	Metric     string  `json:"metric"`
	DeltaRatio float64 `json:"deltaRatio"` // mean paired difference / mean of base
	CILow      float64 `json:"ciLow"`      // of DeltaRatio
	CIHigh     float64 `json:"ciHigh"`
	// ModelLow and ModelHigh bound DeltaRatio by the uncertainty of the power
	// figures, which is the same under both policies and mostly cancels.
	ModelLow  float64 `json:"modelLow,omitzero"`
	ModelHigh float64 `json:"modelHigh,omitzero"`
	P         float64 `json:"p"`       // exact sign-flip, Holm-corrected over the metrics shown
	Verdict   string  `json:"verdict"` // better | worse | different | "~" (cannot tell)
}

// ScenarioRef names the scenario a result came from.
type ScenarioRef struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"` // of scenario.effective.yaml
	// FilesSHA256 is over the files that the scenario names, "" when it names none.
	FilesSHA256 string `json:"filesSha256,omitempty"`
	// Start is the date of the window's start, RFC 3339, in the trace's time
	// zone; "" when the scenario has none.
	Start           string  `json:"start,omitempty"`
	DurationSeconds float64 `json:"durationSeconds"` // of the window
}

// Grades holds the worst grade that each kind of figure rests on.
type Grades struct {
	Power       grade.Grade `json:"power"`
	ServiceTime grade.Grade `json:"serviceTime"`
	Carbon      grade.Grade `json:"carbon"`
}

// Note is a sentence the report must show: a source to attribute, an
// assumption (a carbon year that is not the trace's), or a warning.
type Note struct {
	Kind string `json:"kind"` // source | assumption | warning
	Text string `json:"text"`
}

// Summary is summary.json.
type Summary struct {
	SchemaVersion int             `json:"schemaVersion"`
	Scenario      ScenarioRef     `json:"scenario"`
	Currency      string          `json:"currency"` // of the metrics that say usd
	Policies      []PolicySummary `json:"policies"`
	Comparisons   []Comparison    `json:"comparisons"`
	// Regret holds the policies against bounds, where the scenario asks for it.
	Regret *RegretReport `json:"regret,omitempty"`
	Grades Grades        `json:"grades"`
	Notes  []Note        `json:"notes"`
	// CarbonSensitivity is there when it was asked for.
	CarbonSensitivity *CarbonSensitivity `json:"carbonSensitivity,omitempty"`
}

// Manifest is manifest.json, the only file with wall-clock, host and versions.
type Manifest struct {
	Tool      string            `json:"tool"` // "kwatt sim"
	Version   string            `json:"version"`
	GoVersion string            `json:"goVersion"`
	OS        string            `json:"os"`
	Arch      string            `json:"arch"`
	Host      string            `json:"host"`
	CPUs      int               `json:"cpus"`
	Started   string            `json:"started"`  // RFC 3339
	Finished  string            `json:"finished"` // RFC 3339
	Command   []string          `json:"command"`
	Files     map[string]string `json:"files"` // name → SHA-256 of every other file
}
