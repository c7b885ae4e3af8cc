package experiment

import (
	"math"
	"time"

	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/powermodel"
	"github.com/kwatt-sim/kwatt/internal/scenario"
	"github.com/kwatt-sim/kwatt/internal/vtime"
	"github.com/kwatt-sim/kwatt/internal/workload"
)

// usableGrids are those of the pools that can run the service, as
// policies.Model lists them.
func usableGrids(c *engine.Config, es *engine.Service) []engine.Grid {
	var out []engine.Grid
	for k, ps := range es.Pools {
		if ps.Times != nil {
			out = append(out, c.Grids[k])
		}
	}
	return out
}

// future is what an oracle is told.
type future struct {
	*workload.Curve
	grids []engine.Grid
}

func (f future) Intensity(pool int, t vtime.Time) float64 { return f.grids[pool].IntensityAt(t) }
func (f future) End() vtime.Time                          { return vtime.At(f.Duration) }

// model is what a policy may know before the run; share is the part of the first
// requests that is the service's.
func (w *world) model(s *scenario.Service, es *engine.Service, on []poolService, share float64) policies.Model {
	m := policies.Model{
		Service: es.Name, Start: w.file.Start(), MaxBatch: s.Batching.MaxBatch, Instances: s.Batching.Instances,
		Contended: s.Model.ServiceTime == nil, MaxQueueDelay: s.Batching.MaxQueueDelay.D(), QueueTimeout: time.Duration(es.Serving.QueueTimeout),
		ColdStart:    s.Startup.ImagePull.D() + s.Startup.ModelLoad.D(),
		SlowestStart: time.Duration((1 + s.Startup.Jitter) * float64(s.Startup.ImagePull.D()+s.Startup.ModelLoad.D())),
		History:      es.Curve.History(historyStep, historySpan), HistoryStep: historyStep,
		PUE: w.spec.Carbon.PUE, EnergyPerKWh: w.spec.Cost.EnergyPerKWh, CarbonPerTonne: w.spec.Cost.CarbonPerTonne,
	}
	for k, ps := range on {
		if ps.engine.Times != nil { // one region's, so all alike
			m.PUE, m.EnergyPerKWh = w.spec.PUEOf(k), w.spec.PricesOf(k).EnergyPerKWh
			break
		}
	}
	if target, quantile, ok := s.SLO.Latency.Target(); ok {
		m.LatencyTarget, m.LatencyQuantile = target.Seconds(), quantile
	}
	fullest := 0.0
	for k, ps := range on {
		if ps.engine.Times == nil {
			continue
		}
		fullest = max(fullest, ps.engine.Full)
		m.ServiceCV = ps.cv
		node := w.pools[k].Node
		m.Pools = append(m.Pools, policies.Pool{
			Name: w.pools[k].Name, GPU: node.GPU.Name, GPUsPerNode: node.GPUs,
			PodsPerNode: podsPerNode(node, ps), MaxNodes: w.pools[k].Max,
			ProvisionDelay: w.pools[k].ProvisionDelay, BatchSeconds: ps.seconds, BusyWatts: ps.engine.BusyWatts,
			Share: ps.engine.Load, ContextWatts: node.GPU.Context.Value, BareWatts: node.GPU.Bare.Value,
			NodeBaseWatts: node.BaseWatts.Value, HostPerWatt: node.HostPerWatt.Value,
			BootWatts: node.BootWatts.Value, NodeHour: w.pools[k].NodeHour, EmbodiedPerHour: w.embodiedPerHour(node),
			CapWatts: node.GPU.CapWatts, ClockMHz: node.GPU.Limit().ClockMHz, ClockSweep: len(node.GPU.ClockLaw) > 0,
			Limits: modelLimits(s, node.GPU),
		})
	}
	if s.Replicas.Initial != nil {
		m.Initial = *s.Replicas.Initial
	} else {
		// At least one: an HPA never leaves zero.
		m.Initial = max(int(math.Ceil(share*es.Curve.Rate(0)/(warmUtilisation*fullest))), 1)
	}
	m.Initial = min(m.Initial, m.MaxReplicas())
	return m
}

// embodiedPerHour is the g CO2e of a node's making that an hour of it bears.
func (w *world) embodiedPerHour(n powermodel.Node) float64 {
	if w.spec.Carbon.Embodied != "include" {
		return 0
	}
	return n.EmbodiedKg * 1000 / w.spec.Carbon.Lifetime.D().Hours()
}

// podsPerNode is how many replicas of a service fit on an empty node.
func podsPerNode(n powermodel.Node, on poolService) int {
	return n.GPUs * int(math.Round(1/on.need.Part))
}
