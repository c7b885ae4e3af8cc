// Package scenario is the scenario file: its types, defaults and validation.
// The doc comments of the types are what `sim explain` and the JSON Schema say.
package scenario

import "github.com/kwatt-sim/kwatt/internal/units"

// APIVersion and Kind head every scenario file.
const (
	APIVersion = "kwatt.dev/v1alpha1"
	Kind       = "Scenario"
)

// Scenario is an experiment: services with their load, a cluster, and the
// policies to compare on them.
type Scenario struct {
	// APIVersion is kwatt.dev/v1alpha1.
	APIVersion string `yaml:"apiVersion" kwatt:"required,enum=kwatt.dev/v1alpha1"`
	// Kind is Scenario.
	Kind string `yaml:"kind" kwatt:"required,enum=Scenario"`
	// Metadata names the scenario.
	Metadata Metadata `yaml:"metadata" kwatt:"required"`
	// Spec is what is simulated.
	Spec Spec `yaml:"spec" kwatt:"required"`
}

// Metadata names a scenario.
type Metadata struct {
	// Name is the scenario's name, and that of its results folder: lower-case
	// letters, digits and dashes.
	Name string `yaml:"name" kwatt:"required,name"`
	// Description is a line for people; it stands at the head of the report.
	Description string `yaml:"description,omitempty"`
}

// Spec is what is simulated.
type Spec struct {
	// Duration of the simulated window.
	Duration units.Duration `yaml:"duration" kwatt:"default=24h,exclusiveMin=0,max=8784h"`
	// Seeds are the replications; every policy runs with each of them.
	Seeds Seeds `yaml:"seeds"`
	// Services share the cluster.
	Services []Service `yaml:"services" kwatt:"required,minItems=1"`
	// Telemetry is how late and how smoothed a scaler sees the world.
	Telemetry Telemetry `yaml:"telemetry"`
	// Cluster is the nodes that can be had.
	Cluster Cluster `yaml:"cluster" kwatt:"required"`
	// Regions are clusters of their own, each with some of the node pools, that share
	// the users: a policy's routing sends each request to one of them. Unset: all
	// pools are one cluster beside its users.
	Regions []Region `yaml:"regions,omitempty"`
	// Carbon is the grid, the facility and the hardware's making.
	Carbon Carbon `yaml:"carbon" kwatt:"required"`
	// Cost is the prices.
	Cost Cost `yaml:"cost"`
	// Policies are compared with the first one.
	Policies []Policy `yaml:"policies" kwatt:"required,minItems=1"`
	// Regret also runs what bounds the policies, and reports how much more than it
	// each of them needs: an oracle with the least energy, carbon and cost that
	// keep the SLO, and the best static fleet. Every service must promise a
	// latency. It takes about as many runs again as six policies with all seeds.
	Regret bool `yaml:"regret,omitempty"`
}

// Seeds are consecutive seeds, one replication each, paired across policies.
type Seeds struct {
	// First seed.
	First uint64 `yaml:"first" kwatt:"default=1"`
	// Count of replications.
	Count int `yaml:"count" kwatt:"default=10,min=1,max=10000"`
}

// Service is a model behind an endpoint, its load and how it is served.
type Service struct {
	// Name of the service: lower-case letters, digits and dashes.
	Name string `yaml:"name" kwatt:"required,name"`
	// Workload is the requests that arrive.
	Workload Workload `yaml:"workload" kwatt:"required"`
	// Model is how long a batch takes, and on which GPUs it can run.
	Model Model `yaml:"model" kwatt:"required"`
	// GPU is how much of a GPU one replica takes.
	GPU GPUShare `yaml:"gpu"`
	// Batching is the dynamic batcher, in Triton's terms.
	Batching Batching `yaml:"batching"`
	// Queue is each replica's queue.
	Queue Queue `yaml:"queue"`
	// Routing of requests over ready replicas: LeastRequest (the better of two
	// random choices), RoundRobin or Random.
	Routing string `yaml:"routing" kwatt:"default=LeastRequest,enum=LeastRequest|RoundRobin|Random"`
	// Startup is the cold start of a replica.
	Startup Startup `yaml:"startup"`
	// Pod is what a replica is for Kubernetes; unset: one container that asks for
	// nothing but its part of a GPU.
	Pod PodSource `yaml:"pod"`
	// CPU is what a replica uses of its host's CPU, for an HPA that scales on it.
	CPU *CPUUse `yaml:"cpu,omitempty"`
	// DisruptionBudget limits how many replicas may be evicted at a time, as a
	// PodDisruptionBudget does; unset: any.
	DisruptionBudget *DisruptionBudget `yaml:"disruptionBudget,omitempty"`
	// Replicas at the start.
	Replicas Replicas `yaml:"replicas"`
	// SLO is what the service promises.
	SLO SLO `yaml:"slo"`
}

// PodSource is where a service's pods come from; at most one is set. The GPU
// is that of the service's gpu field: a template need not ask for it, and may
// not ask for another amount.
type PodSource struct {
	// Deployment is the file of an apps/v1 Deployment, relative to the scenario
	// file; its pod template is used, its replicas are the policy's affair.
	Deployment string `yaml:"deployment,omitempty"`
	// Template is a Kubernetes PodTemplateSpec, written here.
	Template map[string]any `yaml:"template,omitempty"`
}

// CPUUse is a replica's use of its host's CPU: idle + perRequest × served rate.
type CPUUse struct {
	// Idle use in cores.
	Idle float64 `yaml:"idle" kwatt:"default=0,min=0,max=1024"`
	// PerRequest is the CPU time of one request.
	PerRequest units.Duration `yaml:"perRequest" kwatt:"default=0s,min=0,max=1h"`
}

// DisruptionBudget is a PodDisruptionBudget; exactly one of its fields is set,
// to a number of pods or a percentage of the replicas, such as 25%.
type DisruptionBudget struct {
	// MinAvailable replicas that must stay ready.
	MinAvailable *units.Share `yaml:"minAvailable,omitempty"`
	// MaxUnavailable replicas that may be missing.
	MaxUnavailable *units.Share `yaml:"maxUnavailable,omitempty"`
}

// Replicas is how a service starts.
type Replicas struct {
	// Initial replicas, ready when the window opens, unless the scaler is
	// static. Unset: enough to serve the first rate at 60 % of saturation, at
	// least one.
	Initial *int `yaml:"initial,omitempty" kwatt:"min=0,max=100000"`
}

// Model is how long a batch takes: a published profile, or an inline service
// time. Exactly one of profile and serviceTime is set.
type Model struct {
	// Profile of published figures; see docs/profiles.md.
	Profile string `yaml:"profile,omitempty"`
	// Variant of the profile, for example tensorrt-int8.
	Variant string `yaml:"variant,omitempty"`
	// Noise is the coefficient of variation of a profile's batch times
	// (lognormal, mean kept).
	Noise float64 `yaml:"noise" kwatt:"default=0.03,min=0,max=2"`
	// ServiceTime stated here instead of a profile.
	ServiceTime *ServiceTime `yaml:"serviceTime,omitempty"`
}

// ServiceTime is an inline service time, the same on every GPU.
type ServiceTime struct {
	// Distribution around the mean: Deterministic, Exponential or LogNormal.
	Distribution string `yaml:"distribution" kwatt:"default=Deterministic,enum=Deterministic|Exponential|LogNormal"`
	// Mean of a batch of any size. Exactly one of mean, batches, and
	// base with perItem is set.
	Mean *units.Duration `yaml:"mean,omitempty" kwatt:"exclusiveMin=0"`
	// CV is the coefficient of variation of a LogNormal.
	CV *float64 `yaml:"cv,omitempty" kwatt:"exclusiveMin=0,max=10"`
	// Base is α of the affine model α + β·batch.
	Base *units.Duration `yaml:"base,omitempty" kwatt:"min=0"`
	// PerItem is β of the affine model α + β·batch.
	PerItem *units.Duration `yaml:"perItem,omitempty" kwatt:"min=0"`
	// Batches is a table; between its points the time is linear in the batch.
	Batches []BatchTime `yaml:"batches,omitempty"`
}

// BatchTime is one point of an inline table.
type BatchTime struct {
	// Batch size.
	Batch int `yaml:"batch" kwatt:"required,min=1,max=1048576"`
	// Time of a batch of this size.
	Time units.Duration `yaml:"time" kwatt:"required,exclusiveMin=0"`
}

// GPUShare is how much of a GPU one replica takes.
type GPUShare struct {
	// Share of the GPU: 1 is whole; 0.25 is time-sliced four ways.
	Share *float64 `yaml:"share,omitempty" kwatt:"exclusiveMin=0,max=1"`
	// MIG slice, for example 1g.10gb, instead of a share.
	MIG string `yaml:"mig,omitempty"`
}

// Batching is the dynamic batcher, in Triton's terms.
type Batching struct {
	// MaxBatch is the largest batch.
	MaxBatch int `yaml:"maxBatch" kwatt:"default=1,min=1,max=65536"`
	// MaxQueueDelay is how long a request may wait for its batch to fill.
	MaxQueueDelay units.Duration `yaml:"maxQueueDelay" kwatt:"default=0s,min=0"`
	// Instances of the model in a replica; they share its queue. With a
	// profile they also share the GPU: a batch that starts beside k-1 running
	// ones takes k times as long.
	Instances int `yaml:"instances" kwatt:"default=1,min=1,max=64"`
}

// Queue is each replica's queue.
type Queue struct {
	// Capacity in waiting requests; beyond it requests are dropped.
	Capacity int `yaml:"capacity" kwatt:"default=4096,min=1,max=16777216"`
	// Timeout after which a waiting request gives up; unset never.
	Timeout *units.Duration `yaml:"timeout,omitempty" kwatt:"exclusiveMin=0"`
}

// Startup is the cold start of a replica on a ready node.
type Startup struct {
	// ImagePull is the mean time to pull the image on a node without it.
	ImagePull units.Duration `yaml:"imagePull" kwatt:"default=20s,min=0"`
	// ModelLoad is the mean time to load the model.
	ModelLoad units.Duration `yaml:"modelLoad" kwatt:"default=40s,min=0"`
	// Jitter varies both uniformly by this part, up and down.
	Jitter float64 `yaml:"jitter" kwatt:"default=0.2,min=0,max=1"`
}

// SLO is what the service promises.
type SLO struct {
	// Latency target by quantile.
	Latency *LatencySLO `yaml:"latency,omitempty"`
	// CarbonPerRequest in CO2e per served request.
	CarbonPerRequest *units.Grams `yaml:"carbonPerRequest,omitempty"`
}

// LatencySLO is a latency target; exactly one quantile is set.
type LatencySLO struct {
	// P50 is the target for the median.
	P50 *units.Duration `yaml:"p50,omitempty" kwatt:"exclusiveMin=0"`
	// P90 is the target for the 90th percentile.
	P90 *units.Duration `yaml:"p90,omitempty" kwatt:"exclusiveMin=0"`
	// P95 is the target for the 95th percentile.
	P95 *units.Duration `yaml:"p95,omitempty" kwatt:"exclusiveMin=0"`
	// P99 is the target for the 99th percentile.
	P99 *units.Duration `yaml:"p99,omitempty" kwatt:"exclusiveMin=0"`
}
