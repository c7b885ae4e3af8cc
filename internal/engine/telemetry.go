package engine

import (
	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/serving"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// scrape is one look at a service: counters since its beginning, and the
// latencies since the look before.
type scrape struct {
	at      vtime.Time
	arrived int64
	latency *metrics.Histogram
	pods    map[*cluster.Pod]podSample
}

// podSample is a pod's counters since it began. Gauges are added up over the
// looks, so that two samples give their mean between them.
type podSample struct {
	load                    serving.Load
	busyNs                  int64
	gpuJoules, gpuSeconds   float64 // of its device
	looks, inFlight, queued int64
}

// scrape looks at every service, and moves what happened since the last look
// into the bin.
func (w *world) scrape() {
	w.meter.accumulate() // takes the replicas' busy time
	now := w.queue.Now()
	for _, s := range w.services {
		x := scrape{at: now, pods: w.samplePods(s, now), latency: s.oldHistogram(now, w.cfg.Telemetry)}
		*x.latency = s.fleet.Stats.Latency
		x.latency.Add(&s.unseen)
		s.unseen.Reset()
		w.collect(s)
		x.arrived = s.total.Arrived + s.inBin.Arrived
		s.scrapes = append(s.scrapes, x)
	}
}

func (w *world) samplePods(s *service, now vtime.Time) map[*cluster.Pod]podSample {
	pods := make(map[*cluster.Pod]podSample, s.fleet.Ready())
	for _, p := range w.cluster.Pods(s.index) {
		r := w.replicas[p]
		if r == nil {
			continue // pending or starting
		}
		load := r.Load(now)
		r.counters.load = load
		r.counters.looks++
		r.counters.inFlight += int64(load.InFlight)
		r.counters.queued += int64(load.Waiting)
		pods[p] = r.counters
	}
	return pods
}

// collect moves the fleet's statistics into the bin.
func (w *world) collect(s *service) {
	if w.cfg.Progress != nil {
		w.cfg.Progress(s.fleet.Stats.Arrived)
	}
	s.inBin.Add(&s.fleet.Stats)
	s.fleet.Stats.Reset()
}

// oldHistogram drops the scrapes that no observation can reach any more and
// returns the room of one of their histograms.
func (s *service) oldHistogram(now vtime.Time, t Telemetry) *metrics.Histogram {
	reach := now.Add(-t.Lag - t.Window - 2*t.ScrapeInterval)
	var h *metrics.Histogram
	for len(s.scrapes) > 1 && s.scrapes[1].at < reach {
		h = s.scrapes[0].latency
		s.scrapes = s.scrapes[1:]
	}
	if h == nil {
		h = new(metrics.Histogram)
	}
	return h
}

// observe returns what the metrics pipeline shows of a service now: the means
// between the newest scrape that is older than the lag, and the one a window
// before it.
func (w *world) observe(s *service) policies.Observation {
	now := w.queue.Now()
	o := policies.Observation{Now: now, Desired: s.desired, Ready: s.fleet.Ready(), Window: w.cfg.Telemetry.Window}
	for k, on := range s.cfg.Pools {
		if on.Times != nil {
			o.Intensity = append(o.Intensity, w.cfg.Grids[k].IntensityAt(now))
		}
	}
	newest := -1
	for i, x := range s.scrapes {
		if x.at <= now.Add(-w.cfg.Telemetry.Lag) {
			newest = i
		}
	}
	oldest := max(newest, 0)
	for oldest > 0 && s.scrapes[newest].at.Sub(s.scrapes[oldest].at) < w.cfg.Telemetry.Window {
		oldest--
	}
	var from, to scrape
	if newest >= 0 {
		to = s.scrapes[newest]
		if newest > oldest {
			from = s.scrapes[oldest]
		} // else the first scrape looks back to the start
		o.Valid, o.At = true, to.at
		o.ArrivalRate = float64(to.arrived-from.arrived) / to.at.Sub(from.at).Seconds()
		o.Latency = s.latency(s.scrapes[:newest+1], from.at)
	}
	for _, p := range w.cluster.Pods(s.index) {
		if p.Phase == cluster.Draining {
			o.Draining++
			continue
		}
		pod := policies.Pod{
			Name: p.Name, Created: p.Created, Started: p.Bound, Running: p.Pulled <= now,
			Ready: p.Phase == cluster.Ready, ReadyAt: p.ReadyAt,
		}
		pod.Metrics, pod.HasMetrics = s.podMetrics(from, to, p)
		o.Pods = append(o.Pods, pod)
	}
	return o
}

// podMetrics averages a pod over the scrapes' span, or since it became ready;
// ok is false when the newer scrape did not see it serve for any time.
func (s *service) podMetrics(from, to scrape, p *cluster.Pod) (m policies.PodMetrics, ok bool) {
	b, seen := to.pods[p]
	seconds := to.at.Sub(max(from.at, p.ReadyAt)).Seconds()
	if !seen || seconds <= 0 {
		return m, false
	}
	a := from.pods[p] // the zero sample when it was not there
	looks := float64(b.looks - a.looks)
	m = policies.PodMetrics{
		RequestRate: float64(b.load.Routed-a.load.Routed) / seconds,
		ServedRate:  float64(b.load.Served-a.load.Served) / seconds,
		BatchRate:   float64(b.load.Batches-a.load.Batches) / seconds,
		InFlight:    float64(b.inFlight-a.inFlight) / looks,
		Queued:      float64(b.queued-a.queued) / looks,
		BusyRatio:   min(float64(b.busyNs-a.busyNs)/1e9/seconds, 1),
		GPUWatts:    (b.gpuJoules - a.gpuJoules) / (b.gpuSeconds - a.gpuSeconds),
	}
	if served := float64(b.load.Served - a.load.Served); served > 0 {
		m.QueueSeconds = float64(b.load.WaitNs-a.load.WaitNs) / 1e9 / served
		m.LatencySeconds = float64(b.load.LatencyNs-a.load.LatencyNs) / 1e9 / served
	}
	m.CPUCores = s.cfg.CPUIdle + float64(s.cfg.CPUPerRequest.Seconds()*m.ServedRate)
	return m, true
}

var observedQuantiles = []float64{0.5, 0.9, 0.95, 0.99}

// latency is that of the scrapes after from, as the replicas measure it: without
// the network to the clients.
func (s *service) latency(scrapes []scrape, from vtime.Time) policies.Latency {
	var h metrics.Histogram
	for _, x := range scrapes {
		if x.at > from {
			h.Add(x.latency)
		}
	}
	q, _ := h.QuantilesSeconds(observedQuantiles)
	if network := float64(s.cfg.Serving.Network) / 1e9; network > 0 {
		for i := range q {
			q[i] = max(q[i]-network, 0)
		}
	}
	return policies.Latency{P50: q[0], P90: q[1], P95: q[2], P99: q[3]}
}
