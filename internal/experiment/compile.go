// Package experiment turns a scenario into worlds and runs policies × seeds in
// parallel, paired by seed.
package experiment

import (
	"fmt"
	"slices"
	"time"

	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/kube/scheduler"
	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/powermodel"
	"github.com/kwatt-sim/kwatt/internal/scenario"
	"github.com/kwatt-sim/kwatt/internal/serving"
	"github.com/kwatt-sim/kwatt/internal/vtime"
	"github.com/kwatt-sim/kwatt/internal/workload"
)

// How a time series is cut: a point a minute, or fewer for long scenarios.
const (
	shortestBin = time.Minute
	maxBins     = 1440
)

// History that a forecaster gets to see.
const (
	historyStep = 5 * time.Minute
	historySpan = 28 * 24 * time.Hour
)

// warmUtilisation sizes a service's first replicas when the scenario does not.
const warmUtilisation = 0.6

// world is what all policies of a scenario share.
type world struct {
	file     *scenario.File
	spec     *scenario.Spec
	pools    []cluster.Pool
	deployed []deployed
}

// Compile makes the engine's configuration for each named policy.
func Compile(f *scenario.File, names []string) ([]*engine.Config, error) {
	w := newWorld(f)
	var out []*engine.Config
	for _, name := range names {
		c, _, err := w.policy(name)
		if err != nil {
			return nil, fmt.Errorf("policy %s: %w", name, err)
		}
		out = append(out, c)
	}
	return out, nil
}

// Plan is a scenario under one policy: the engine's configuration, and what a
// control plane needs of it besides.
type Plan struct {
	Config  *engine.Config
	Objects *scheduler.Config  // nodes and pods as Kubernetes objects, and the KubeSchedulerConfiguration
	Scalers []*scenario.Scaler // by service
}

// NewPlan makes the plan of the named policy.
func NewPlan(f *scenario.File, name string) (*Plan, error) {
	w := newWorld(f)
	c, config, err := w.policy(name)
	if err != nil {
		return nil, fmt.Errorf("policy %s: %w", name, err)
	}
	plan := &Plan{Config: c, Objects: config}
	p, err := findPolicy(w.spec, name)
	if err != nil {
		return nil, err
	}
	for _, s := range w.spec.Services {
		plan.Scalers = append(plan.Scalers, p.ScalerFor(s.Name))
	}
	return plan, nil
}

func newWorld(f *scenario.File) *world {
	w := &world{file: f, spec: &f.Scenario.Spec}
	for i, p := range w.spec.Cluster.NodePools {
		w.pools = append(w.pools, compilePool(p, f.Boards[i], w.spec.PricesOf(i)))
	}
	w.deploy()
	return w
}

func compilePool(p scenario.NodePool, gpu powermodel.GPU, prices scenario.Cost) cluster.Pool {
	return cluster.Pool{
		Name: p.Name, Node: powermodel.NewNode(gpu, p.GPU.PerNode),
		Initial: p.Nodes.Initial, Min: p.Nodes.Min, Max: p.Nodes.MaxNodes(),
		ProvisionDelay: p.ProvisionDelay.D(), WakeDelay: p.WakeDelay.D(),
		NodeHour: float64(p.GPU.PerNode) * prices.GPUHour[p.GPU.Model],
	}
}

// policy makes the engine's and the scheduler's configuration of one policy.
func (w *world) policy(name string) (*engine.Config, *scheduler.Config, error) {
	p, err := findPolicy(w.spec, name)
	if err != nil {
		return nil, nil, err
	}
	c := &engine.Config{
		Policy:   name,
		Duration: vtime.At(w.spec.Duration.D()),
		Bin:      binFor(w.spec.Duration.D()),
		Telemetry: engine.Telemetry{
			ScrapeInterval: w.spec.Telemetry.ScrapeInterval.D(),
			Window:         w.spec.Telemetry.Window.D(),
			Lag:            w.spec.Telemetry.Lag.D(),
		},
		Grids: w.grids(),
		Cluster: cluster.Config{
			Pools: w.pools, EmptiestFirst: p.Scheduler.EmptiestFirst(),
			Autoscaler: cluster.Autoscaler{
				Enabled: p.Nodes.Autoscale, Expander: cluster.Expander(p.Nodes.Expander), ConsolidateAfter: p.Nodes.ConsolidateAfter.D(),
				Underutilized: p.Nodes.ConsolidationPolicy == "WhenEmptyOrUnderutilized", Sleep: p.Nodes.Sleep,
			},
		},
	}
	w.facilities(c)
	if w.spec.Carbon.Embodied == "include" {
		c.EmbodiedLifetime = w.spec.Carbon.Lifetime.D()
	}
	on := make([][]poolService, len(w.deployed))
	for i := range on {
		on[i] = w.addService(c, w.deployed[i])
	}
	if len(limitKinds(w.file, name)) > 0 {
		w.addLimits(c)
	}
	config, err := w.schedulerConfig(p, c)
	if err != nil {
		return nil, nil, err
	}
	c.Cluster.NewScheduler = newScheduler(config, c)
	shares, err := w.addRouters(c, p, on)
	if err != nil {
		return nil, nil, err
	}
	for i := range on {
		if err := w.addScaler(c, p, i, on[i], config.Services[i], shares[i]); err != nil {
			return nil, nil, fmt.Errorf("service %s: %w", c.Services[i].Name, err)
		}
	}
	return c, config, nil
}

// limitKinds are the kinds of limits that a policy's scalers may set in the run.
func limitKinds(f *scenario.File, policy string) (kinds []policies.LimitKind) {
	for _, kind := range []policies.LimitKind{policies.PowerCap, policies.SMClock} {
		sets := func(k policies.Kind, config any) bool {
			return k.SetsLimits != nil && slices.Contains(k.SetsLimits(config), kind)
		}
		if anyScaler(f, policy, sets) {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// addLimits adds what the services are under limits that may be set in the run.
func (w *world) addLimits(c *engine.Config) {
	for i := range c.Services {
		for k := range c.Services[i].Pools {
			if on := &c.Services[i].Pools[k]; on.Times != nil {
				on.Limits = engineLimits(&w.spec.Services[w.deployed[i].service], w.pools[k].Node.GPU)
			}
		}
	}
}

// grids are the carbon intensities of the pools.
func (w *world) grids() []engine.Grid {
	grids := make([]engine.Grid, len(w.pools))
	for i := range grids {
		grids[i] = w.file.CarbonClock
		if own := w.file.PoolClocks[i]; own != nil {
			grids[i] = own
		}
	}
	return grids
}

func findPolicy(spec *scenario.Spec, name string) (*scenario.Policy, error) {
	for i := range spec.Policies {
		if spec.Policies[i].Name == name {
			return &spec.Policies[i], nil
		}
	}
	return nil, fmt.Errorf("the scenario has no such policy")
}

// binFor is the shortest multiple of a minute that makes at most maxBins.
func binFor(duration time.Duration) time.Duration {
	n := (duration + maxBins*shortestBin - 1) / (maxBins * shortestBin)
	return max(n, 1) * shortestBin
}

// addService adds a service, without its scaler, to the engine's and the
// cluster's lists, and returns its figures by pool.
func (w *world) addService(c *engine.Config, d deployed) []poolService {
	s := &w.spec.Services[d.service]
	on := make([]poolService, len(w.pools))
	for k, pool := range w.pools {
		on[k] = poolService{need: cluster.Need{Refused: cluster.OtherRegion}}
		if w.spec.RegionOf(k) == d.region {
			on[k] = onPool(s, pool.Node.GPU)
		}
	}
	es := engine.Service{
		Name: d.name, Curve: w.file.Curves[d.service],
		Process: workload.Process{Name: s.Workload.Arrivals.Process},
		Serving: servingConfig(s, c.Duration),
	}
	if d.region >= 0 {
		es.Serving.Network = int64(w.spec.Regions[d.region].NetworkLatency)
	}
	if cv := s.Workload.Arrivals.CV; cv != nil {
		es.Process.CV = *cv
	}
	cs := cluster.Service{
		Name: d.object, ImagePull: s.Startup.ImagePull.D(), ModelLoad: s.Startup.ModelLoad.D(), Jitter: s.Startup.Jitter,
	}
	if s.CPU != nil {
		es.CPUIdle, es.CPUPerRequest = s.CPU.Idle, s.CPU.PerRequest.D()
	}
	if b := s.DisruptionBudget; b != nil {
		cs.Budget = &cluster.Budget{MinAvailable: b.MinAvailable, MaxUnavailable: b.MaxUnavailable}
	}
	for _, ps := range on {
		es.Pools = append(es.Pools, ps.engine)
		cs.Needs = append(cs.Needs, ps.need)
	}
	c.Services = append(c.Services, es)
	c.Cluster.Services = append(c.Cluster.Services, cs)
	return on
}

func servingConfig(s *scenario.Service, end vtime.Time) serving.Config {
	c := serving.Config{
		MaxBatch: s.Batching.MaxBatch, MaxQueueDelay: int64(s.Batching.MaxQueueDelay), Instances: s.Batching.Instances,
		QueueCapacity: s.Queue.Capacity, Horizon: end,
		Routing: map[string]serving.Routing{"LeastRequest": serving.LeastRequest, "RoundRobin": serving.RoundRobin, "Random": serving.Random}[s.Routing],
	}
	if s.Queue.Timeout != nil {
		c.QueueTimeout = int64(*s.Queue.Timeout)
	}
	if target, _, ok := s.SLO.Latency.Target(); ok {
		c.SLO = int64(target)
	}
	return c
}

// addScaler gives the service its scaler, and the replicas to start with: what
// the scaler asks for before the window opens, when it sees no telemetry yet. Of
// the first requests it gets a share.
func (w *world) addScaler(c *engine.Config, p *scenario.Policy, i int, on []poolService, pod scheduler.Service, share float64) error {
	s, es := &w.spec.Services[w.deployed[i].service], &c.Services[i]
	sc := p.ScalerFor(s.Name)
	kind, err := policies.Find(sc.Kind)
	if err != nil {
		return err
	}
	m := behindNetwork(w.model(s, es, on, share), es)
	if len(c.Routed) > 0 {
		m.History = nil // of the service: the region's part of it is not known
	}
	m.HasCPU = s.CPU != nil
	if m.Containers, err = pod.Containers(); err != nil {
		return err
	}
	grids := usableGrids(c, es)
	if kind.Oracle != nil && kind.Oracle(sc.Config) {
		m.Future = future{es.Curve, grids}
	}
	es.NewScaler = func() (policies.Scaler, error) { return kind.New(sc.Config, m) }
	first, err := es.NewScaler()
	if err != nil {
		return err
	}
	opening := policies.Observation{Desired: m.Initial}
	for _, g := range grids {
		opening.Intensity = append(opening.Intensity, g.IntensityAt(0))
	}
	es.Initial = max(first.Decide(opening).Replicas, 0)
	return nil
}
