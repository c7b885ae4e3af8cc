package engine

import (
	"fmt"
	"slices"
	"time"

	"github.com/kwatt-sim/kwatt/internal/carbon"
	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/serving"
	"github.com/kwatt-sim/kwatt/internal/units"
)

// finish closes the books at the scenario's end and checks them.
func (w *world) finish() (*results.Run, error) {
	end := w.cfg.Duration
	w.closeBinAt(end)
	if w.cfg.EnergyMarks != nil {
		w.markEnergyAt(end)
	}
	if w.cfg.Probe != nil {
		w.readMetersAt(end)
	}
	if what := w.meter.check(); what != "" {
		return nil, w.broken(what)
	}
	w.out.Services = map[string]metrics.Values{}
	all := serving.Stats{}
	withSLO := serving.Stats{} // of the services that promise a latency
	for _, s := range w.services {
		ledger := s.ledger(w)
		if ledger.Missing() != 0 {
			return nil, w.broken(fmt.Sprintf("requests of %s are not conserved: %+v", s.cfg.Name, ledger))
		}
		w.out.Ledger = w.out.Ledger.Plus(ledger)
		all.Add(&s.total)
		v := metrics.Values{}
		requestMetrics(v, &s.total)
		if s.cfg.Serving.SLO > 0 {
			withSLO.Add(&s.total)
			attainment(v, &s.total)
		}
		w.serviceMetrics(v, s)
		w.out.Services[s.cfg.Name] = v
	}
	for _, r := range w.routed {
		if what := r.check(); what != "" {
			return nil, w.broken(what)
		}
		w.out.Services[r.cfg.Name] = w.routedMetrics(r)
	}
	v := metrics.Values{}
	requestMetrics(v, &all)
	attainment(v, &withSLO)
	w.clusterMetrics(v, float64(all.Served))
	w.out.Metrics = v
	w.out.Spread, w.out.EnergyByComponent = w.spread(float64(all.Served)), w.components()
	for i, j := range w.meter.byGrade {
		if w.meter.node > 0 {
			w.out.EnergyByGrade[i] = j / w.meter.node
		}
	}
	w.out.Warnings = w.warnings()
	return &w.out, nil
}

func (w *world) broken(what string) error {
	return &InvariantError{Policy: w.cfg.Policy, Seed: w.seed, At: w.queue.Now(), What: what}
}

func (s *service) ledger(w *world) results.Ledger {
	return results.Ledger{
		Arrivals: s.total.Arrived, Served: s.total.Served, Dropped: s.total.Dropped, TimedOut: s.total.TimedOut,
		InFlight: s.fleet.InFlight(w.cfg.Duration),
	}
}

func requestMetrics(v metrics.Values, st *serving.Stats) {
	v["requests_arrived_total"] = float64(st.Arrived)
	v["requests_served_total"] = float64(st.Served)
	v["requests_dropped_total"] = float64(st.Dropped)
	v["requests_timed_out_total"] = float64(st.TimedOut)
	if mean, ok := st.Latency.MeanSeconds(); ok {
		v["latency_mean_seconds"] = mean
		q, _ := st.Latency.QuantilesSeconds([]float64{0.5, 0.9, 0.95, 0.99, 0.999})
		for i, name := range []string{"p50", "p90", "p95", "p99", "p999"} {
			v["latency_"+name+"_seconds"] = q[i]
		}
	}
	put(v, "batch_size_mean", float64(st.BatchItems), float64(st.Batches))
}

// attainment is over the requests whose outcome is known: what did not get an
// answer misses the promise, what is in flight at the end counts neither way.
func attainment(v metrics.Values, st *serving.Stats) {
	put(v, "slo_attainment_ratio", float64(st.WithinSLO), float64(st.Served+st.Dropped+st.TimedOut))
}

func (w *world) serviceMetrics(v metrics.Values, s *service) {
	put(v, "gpu_busy_ratio", s.busySeconds, s.allocSeconds)
	v["replicas_mean"] = s.readySeconds / w.cfg.Duration.Seconds()
	v["replicas_max"] = float64(s.readyMax)
	v["scale_events_total"] = float64(s.scaleEvents)
	v["pending_pod_seconds"] = w.cluster.PendingSeconds(s.index, w.cfg.Duration)
	v["energy_attributed_kwh"] = units.KWh(s.joules * w.cfg.pueAt(s.cfg))
}

// addServices sums what adds up over services, and takes their GPUs together.
func (w *world) addServices(v metrics.Values, services []*service) {
	var busy, alloc float64
	for _, s := range services {
		busy += s.busySeconds
		alloc += s.allocSeconds
		v["replicas_mean"] += s.readySeconds / w.cfg.Duration.Seconds()
		v["scale_events_total"] += float64(s.scaleEvents)
		v["pending_pod_seconds"] += w.cluster.PendingSeconds(s.index, w.cfg.Duration)
		v["energy_attributed_kwh"] += units.KWh(s.joules * w.cfg.pueAt(s.cfg))
	}
	put(v, "gpu_busy_ratio", busy, alloc)
}

func (w *world) clusterMetrics(v metrics.Values, served float64) {
	m := &w.meter
	w.addServices(v, w.services)
	v["replicas_max"] = float64(m.readyMax)
	put(v, "gpu_allocated_ratio", m.gpuAllocated, m.gpuOn)
	v["gpu_hours"] = m.gpuOn / 3600
	v["node_hours"] = m.nodeOn / 3600
	facility := m.facility()
	v["energy_gpu_kwh"] = units.KWh(m.gpu)
	v["energy_node_kwh"] = units.KWh(m.node)
	v["energy_kwh"] = units.KWh(facility)
	v["energy_idle_kwh"] = units.KWh(m.gpuIdle)
	v["energy_unattributed_kwh"] = units.KWh(m.unattributedFacility())
	put(v, "joules_per_request", facility, served)

	embodied := w.embodiedGrams()
	v["co2e_operational_grams"] = m.grams
	v["co2e_embodied_grams"] = embodied
	v["co2e_grams"] = m.grams + embodied
	if served > 0 {
		v["co2e_grams_per_million_requests"] = 1e6 * carbon.SCI(m.grams, embodied, int64(served))
	}
	if total, ok := w.bill(facility, embodied); ok {
		v["cost_usd"] = total
		put(v, "cost_usd_per_million_requests", 1e6*total, served)
	}
}

func (w *world) embodiedGrams() float64 {
	g := 0.0
	for i := range w.cfg.Cluster.Pools {
		g += w.embodiedOf(i)
	}
	return g
}

// embodiedOf is one pool's part of it.
func (w *world) embodiedOf(pool int) float64 {
	if w.cfg.EmbodiedLifetime == 0 {
		return 0
	}
	reserved := time.Duration(w.meter.reservedByPool[pool] * 1e9)
	return carbon.EmbodiedGrams(w.cfg.Cluster.Pools[pool].Node.EmbodiedKg*1000, reserved, w.cfg.EmbodiedLifetime)
}

// gpuHours returns the powered GPU-hours by model.
func (w *world) gpuHours() map[string]float64 {
	h := map[string]float64{}
	for i, p := range w.cfg.Cluster.Pools {
		h[p.Node.GPU.Name] += w.meter.gpuOnByPool[i] / 3600
	}
	return h
}

// put sets a ratio unless its denominator is 0.
func put(v metrics.Values, name string, numerator, denominator float64) {
	if denominator > 0 {
		v[name] = numerator / denominator
	}
}

func (w *world) warnings() []string {
	var ws []string
	for _, s := range w.services {
		if slices.ContainsFunc(w.cluster.Pods(s.index), func(p *cluster.Pod) bool { return p.Phase == cluster.Pending }) {
			ws = append(ws, fmt.Sprintf("it ends with pods of %s that have no place on any node: give its pools more nodes (decisions.jsonl has the reason)", s.cfg.Name))
		}
		t := &s.total
		if lost := t.Dropped + t.TimedOut; float64(lost) > 0.01*float64(t.Arrived) {
			ws = append(ws, fmt.Sprintf("it loses more than 1 %% of the requests of %s: its latencies are those of the survivors", s.cfg.Name))
		}
	}
	slices.Sort(ws)
	return ws
}
