package engine

import (
	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/units"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// bin remembers where the time series' present bin began.
type bin struct {
	from     vtime.Time
	gpu      float64 // joules
	drawn    drawn
	regions  []regionBin
	grams    float64
	services []serviceBin
}

type serviceBin struct{ busySeconds, allocSeconds float64 }

var latencyQuantiles = []float64{0.5, 0.95, 0.99}

// closeBin writes the points of the bin that ends now and opens the next.
func (w *world) closeBin() { w.closeBinAt(w.queue.Now()) }

func (w *world) closeBinAt(now vtime.Time) {
	w.meter.accumulateTo(now)
	seconds := now.Sub(w.bin.from).Seconds()
	if seconds <= 0 {
		return
	}
	if w.bin.services == nil {
		w.bin.services = make([]serviceBin, len(w.services))
	}
	for i, s := range w.services {
		s.unseen.Add(&s.fleet.Stats.Latency)
		w.collect(s)
		w.out.Points = append(w.out.Points, s.point(w, now, seconds, w.bin.services[i]))
		w.bin.services[i] = serviceBin{s.busySeconds, s.allocSeconds}
		s.total.Add(&s.inBin)
		s.inBin.Reset()
	}
	w.out.Points = append(w.out.Points, w.regionPoints(now, seconds)...)
	w.out.Points = append(w.out.Points, w.clusterPoint(now, seconds))
	w.pointNodes(now)
	w.bin.from, w.bin.gpu, w.bin.grams, w.bin.drawn = now, w.meter.gpu, w.meter.grams, w.meter.drawn()
}

func (s *service) point(w *world, now vtime.Time, seconds float64, before serviceBin) results.Point {
	st := &s.inBin
	p := results.Point{
		T: now.Seconds(), Service: s.cfg.Name,
		ArrivalRate: some(float64(st.Arrived) / seconds), CapacityRate: some(s.capacity(w)),
		ServedRate: some(float64(st.Served) / seconds), LostRate: some(float64(st.Dropped+st.TimedOut) / seconds),
		Queued: some(float64(s.fleet.Waiting(now))), ReplicasDesired: some(float64(s.desired)), ReplicasReady: some(float64(s.fleet.Ready())),
	}
	if q, ok := st.Latency.QuantilesSeconds(latencyQuantiles); ok {
		p.LatencyP50, p.LatencyP95, p.LatencyP99 = &q[0], &q[1], &q[2]
	}
	if alloc := s.allocSeconds - before.allocSeconds; alloc > 0 {
		p.GPUBusyRatio = some((s.busySeconds - before.busySeconds) / alloc)
	}
	return p
}

// capacity is what the ready replicas could serve with full batches, in req/s.
func (s *service) capacity(w *world) float64 {
	c := 0.0
	for _, p := range w.cluster.Pods(s.index) {
		if p.Phase == cluster.Ready {
			c += s.cfg.Pools[p.Node.Pool].level(w.limits[p.Node.Pool].level).Full
		}
	}
	return c
}

func (w *world) clusterPoint(now vtime.Time, seconds float64) results.Point {
	m, b, d := &w.meter, &w.bin, w.meter.drawn()
	hours := seconds / 3600
	kWh := units.KWh((d.node - b.drawn.node) * d.pue)
	p := w.nodesPoint(now, func(*cluster.Node) bool { return true })
	p.GPUWatts, p.FacilityWatts = some((m.gpu-b.gpu)/seconds), some((d.node-b.drawn.node)*d.pue/seconds)
	p.CO2eRate = some((m.grams - b.grams) / hours)
	watts := func(of ...kind) *float64 {
		sum := 0.0
		for _, k := range of {
			sum += d.parts[k] - b.drawn.parts[k]
		}
		return some(sum * d.pue / seconds)
	}
	p.BusyWatts, p.IdleWatts, p.HostWatts = watts(kindBusy), watts(kindContext, kindBare), watts(kindBase, kindHost)
	p.BootWatts, p.SleepWatts = watts(kindBoot), watts(kindSleep)
	if kWh > 0 {
		p.CarbonIntensity = some((m.grams - b.grams) / kWh)
	}
	return p
}

// nodesPoint counts the nodes that are meant, and what is on them.
func (w *world) nodesPoint(now vtime.Time, meant func(*cluster.Node) bool) results.Point {
	var on, asleep, gpus, allocated float64
	for _, n := range w.cluster.Nodes() {
		if !meant(n) {
			continue
		}
		switch n.State {
		case cluster.Asleep:
			asleep++
		case cluster.On, cluster.Booting, cluster.Waking:
			on++
			gpus += float64(len(n.GPUs))
		}
		for i := range n.GPUs {
			for _, p := range n.GPUs[i].Pods {
				allocated += w.cfg.Cluster.Services[p.Service].Needs[n.Pool].Part
			}
		}
	}
	return results.Point{T: now.Seconds(), NodesOn: &on, NodesAsleep: &asleep, GPUsOn: &gpus, GPUsAllocated: &allocated}
}

func some(x float64) *float64 { return &x }
