package scenario

import "github.com/kwatt-sim/kwatt/internal/units"

// Telemetry is how late and how smoothed a scaler sees the world.
type Telemetry struct {
	// ScrapeInterval between two looks at the replicas.
	ScrapeInterval units.Duration `yaml:"scrapeInterval" kwatt:"default=15s,min=1s,max=1h"`
	// Window over which a metric is averaged.
	Window units.Duration `yaml:"window" kwatt:"default=60s,min=1s,max=24h"`
	// Lag from a scrape to the metrics API's answer.
	Lag units.Duration `yaml:"lag" kwatt:"default=5s,min=0,max=1h"`
}

// Cluster is the nodes that can be had.
type Cluster struct {
	// NodePools of equal nodes.
	NodePools []NodePool `yaml:"nodePools" kwatt:"required,minItems=1"`
}

// NodePool is a group of equal nodes.
type NodePool struct {
	// Name of the pool.
	Name string `yaml:"name" kwatt:"required,name"`
	// GPU of its nodes.
	GPU PoolGPU `yaml:"gpu" kwatt:"required"`
	// Nodes is how many there are and can be.
	Nodes PoolNodes `yaml:"nodes" kwatt:"required"`
	// Zone of the nodes, their label topology.kubernetes.io/zone.
	Zone string `yaml:"zone,omitempty"`
	// CarbonZone is the grid that feeds the pool when it is another than
	// spec.carbon's: a builtin zone, of the same year and signal.
	CarbonZone string `yaml:"carbonZone,omitempty"`
	// CPU cores that pods can ask for, per node. The default is an assumption.
	CPU int `yaml:"cpu" kwatt:"default=64,min=1,max=4096"`
	// Memory that pods can ask for, per node. The default is an assumption.
	Memory string `yaml:"memory" kwatt:"default=512Gi"`
	// Labels of the nodes, besides those that kubelet and NVIDIA's feature
	// discovery would set.
	Labels map[string]string `yaml:"labels,omitempty"`
	// Taints of the nodes.
	Taints []Taint `yaml:"taints,omitempty"`
	// ProvisionDelay from asking for a node to its being ready, boot included.
	ProvisionDelay units.Duration `yaml:"provisionDelay" kwatt:"default=90s,min=0,max=24h"`
	// WakeDelay from sleep to ready.
	WakeDelay units.Duration `yaml:"wakeDelay" kwatt:"default=20s,min=0,max=24h"`
}

// Taint keeps pods away that do not tolerate it.
type Taint struct {
	// Key of the taint, for example nvidia.com/gpu.
	Key string `yaml:"key" kwatt:"required"`
	// Value of the taint.
	Value string `yaml:"value,omitempty"`
	// Effect: NoSchedule or PreferNoSchedule.
	Effect string `yaml:"effect" kwatt:"required,enum=NoSchedule|PreferNoSchedule"`
}

// PoolGPU is the GPUs of a pool's nodes.
type PoolGPU struct {
	// Model of the catalogue; see `sim power list`.
	Model string `yaml:"model" kwatt:"required"`
	// PerNode is the number of GPUs in a node.
	PerNode int `yaml:"perNode" kwatt:"default=1,min=1,max=16"`
	// PowerModel is the file of a power model whose figures replace the
	// catalogue's, relative to the scenario file; sim power fit writes one. With
	// one that is complete, Model may be a GPU that the catalogue lacks.
	PowerModel string `yaml:"powerModel,omitempty"`
	// PowerCap holds each board down to this draw, such as 250W: batches that want
	// more take longer. The board's own limit when unset.
	PowerCap *units.Watts `yaml:"powerCap,omitempty"`
	// SMClockMHz locks the clock of the multiprocessors. It takes a powerModel with
	// a clock sweep.
	SMClockMHz *float64 `yaml:"smClockMHz,omitempty" kwatt:"exclusiveMin=0,max=100000"`
}

// PoolNodes is how many nodes a pool has.
type PoolNodes struct {
	// Initial nodes, powered on when the window opens.
	Initial int `yaml:"initial" kwatt:"required,min=0,max=100000"`
	// Min nodes that stay powered on.
	Min int `yaml:"min" kwatt:"default=0,min=0,max=100000"`
	// Max nodes that can be had; initial when unset.
	Max *int `yaml:"max,omitempty" kwatt:"min=0,max=100000"`
}

// Carbon is the grid, the facility and the hardware's making. Exactly one of
// zone, file and constant is set; constant 0 leaves the grid out.
type Carbon struct {
	// Zone of a builtin series; see docs/carbon.md.
	Zone string `yaml:"zone,omitempty"`
	// Year of the builtin series.
	Year int `yaml:"year,omitempty" kwatt:"min=1990,max=2100"`
	// File is a CSV series instead, relative to the scenario file.
	File string `yaml:"file,omitempty"`
	// TimeZone of the region, for a file: an IANA name.
	TimeZone string `yaml:"timeZone,omitempty"`
	// Timestamps of a file that state no zone: UTC (unset), or Local for what the
	// clocks of timeZone show.
	Timestamps string `yaml:"timestamps,omitempty" kwatt:"enum=UTC|Local"`
	// Constant intensity in g/kWh instead of a series.
	Constant *float64 `yaml:"constant,omitempty" kwatt:"min=0,max=10000"`
	// Signal of the series: average or marginal.
	Signal string `yaml:"signal" kwatt:"default=average,enum=average|marginal"`
	// Alignment of trace and series: Instant takes the region's local time at
	// the trace's instant; LocalClock reads the trace's clock as the region's.
	Alignment string `yaml:"alignment" kwatt:"default=Instant,enum=Instant|LocalClock"`
	// PUE is facility energy over node energy.
	PUE float64 `yaml:"pue" kwatt:"default=1.2,min=1,max=10"`
	// Embodied emissions: include or exclude.
	Embodied string `yaml:"embodied" kwatt:"default=include,enum=include|exclude"`
	// Lifetime of the hardware, for the embodied share.
	Lifetime units.Duration `yaml:"lifetime" kwatt:"default=35040h,exclusiveMin=0"`
}

// Cost is the prices, in one currency.
type Cost struct {
	// GPUHour is the price of an hour of a powered GPU, by model.
	GPUHour map[string]float64 `yaml:"gpuHour,omitempty" kwatt:"min=0,max=1e6"`
	// EnergyPerKWh is the tariff of facility energy.
	EnergyPerKWh float64 `yaml:"energyPerKWh" kwatt:"default=0,min=0,max=1e6"`
	// CarbonPerTonne is the price of a tonne of CO2e.
	CarbonPerTonne float64 `yaml:"carbonPerTonne" kwatt:"default=0,min=0,max=1e6"`
	// Currency is a label; metric names say usd whatever it is.
	Currency string `yaml:"currency" kwatt:"default=USD"`
}

// Policy is a scaler, a scheduler profile and node management. Every service
// needs a scaler: its own, or the one for all.
type Policy struct {
	// Name of the policy in tables and files.
	Name string `yaml:"name" kwatt:"required,name"`
	// Scaler for all services: one key, the kind of scaler.
	Scaler *Scaler `yaml:"scaler,omitempty"`
	// Scalers by service name, for those that differ.
	Scalers map[string]Scaler `yaml:"scalers,omitempty"`
	// Routing says to which region requests go; Nearest when unset. It takes
	// spec.regions.
	Routing *Routing `yaml:"routing,omitempty"`
	// Scheduler places pods on nodes.
	Scheduler Scheduler `yaml:"scheduler"`
	// Nodes is when nodes are powered on and off.
	Nodes NodePolicy `yaml:"nodes"`
}

// Scaler is exactly one key, the kind of scaler, with its configuration.
type Scaler struct {
	Kind   string
	Config any // what policies.Kind.NewConfig returns, filled in
}

// Scheduler is the kube-scheduler that places pods on nodes: upstream's code
// with one of kwatt's profiles, or with a configuration of your own.
type Scheduler struct {
	// Profile: Default (kube-scheduler's own), BinPacking (fullest node first),
	// EnergyAware (fewest marginal watts) or CarbonAware (fewest marginal grams
	// of CO2e an hour). Default when neither this nor config is set.
	Profile string `yaml:"profile,omitempty" kwatt:"enum=Default|BinPacking|EnergyAware|CarbonAware"`
	// Config is the file of a KubeSchedulerConfiguration instead, relative to the
	// scenario file.
	Config string `yaml:"config,omitempty"`
	// Ties among equal nodes go to the first in kube-scheduler's list of nodes
	// (NodeOrder, what kube-scheduler 1.36 does) or to one drawn by the seed (Seeded).
	Ties string `yaml:"ties" kwatt:"default=NodeOrder,enum=NodeOrder|Seeded"`
	// PodDeletionCost that a controller sets on pods for scale-down: None leaves
	// the choice to the ReplicaSet, which takes from the nodes that hold most of
	// its pods; EmptiestNode empties nodes. Unset: EmptiestNode with the profiles
	// BinPacking, EnergyAware and CarbonAware, else None.
	PodDeletionCost string `yaml:"podDeletionCost,omitempty" kwatt:"enum=None|EmptiestNode"`
}

// EmptiestFirst reports whether scale-down takes from the emptiest nodes first.
func (s *Scheduler) EmptiestFirst() bool {
	if s.PodDeletionCost != "" {
		return s.PodDeletionCost == "EmptiestNode"
	}
	return s.Profile != "" && s.Profile != "Default"
}

// NodePolicy is when nodes are powered on and off.
type NodePolicy struct {
	// Autoscale adds nodes for pods that find no place and removes empty ones.
	Autoscale bool `yaml:"autoscale" kwatt:"default=true"`
	// Expander chooses the pool that grows, in Cluster Autoscaler's terms:
	// LeastWaste (least idle part of the new GPUs), Price (cheapest per pod),
	// MostPods, Random; and Power (fewest watts per pod).
	Expander string `yaml:"expander" kwatt:"default=LeastWaste,enum=LeastWaste|Price|MostPods|Random|Power"`
	// ConsolidationPolicy in Karpenter's terms: WhenEmpty removes empty nodes,
	// WhenEmptyOrUnderutilized also drains nodes whose pods fit on others.
	ConsolidationPolicy string `yaml:"consolidationPolicy" kwatt:"default=WhenEmpty,enum=WhenEmpty|WhenEmptyOrUnderutilized"`
	// ConsolidateAfter is how long no pod must have come or gone on a node before
	// it is removed.
	ConsolidateAfter units.Duration `yaml:"consolidateAfter" kwatt:"default=10m,min=0"`
	// Sleep puts a removed node to sleep instead of off.
	Sleep bool `yaml:"sleep" kwatt:"default=false"`
}
