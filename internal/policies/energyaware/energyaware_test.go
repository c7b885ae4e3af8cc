package energyaware

import (
	"strings"
	"testing"
	"time"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/policies/capacity"
	"github.com/kwatt-sim/kwatt/internal/units"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// model has single requests of 10 ms (100 req/s a replica at most), two GPUs a
// node, one replica each, 50 W a node and 30 W a loaded GPU.
func model() policies.Model {
	return policies.Model{
		Service: "ranker", MaxBatch: 1, Instances: 1,
		Pools: []policies.Pool{{
			Name: "t4", GPUsPerNode: 2, PodsPerNode: 2, MaxNodes: 20, Share: 1,
			BatchSeconds: []float64{0, 0.01}, BusyWatts: []float64{0, 70},
			ContextWatts: 30, BareWatts: 10, NodeBaseWatts: 50,
		}},
	}
}

func config() *Config {
	c := newConfig().(*Config)
	c.MaxUtilisation, c.Headroom = 0.8, 0
	return c
}

func newTest(t *testing.T, c *Config, m policies.Model) *scaler {
	t.Helper()
	s, err := newScaler(c, m)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestDecide(t *testing.T) {
	for _, c := range []struct {
		name     string
		rate     float64
		headroom float64
		want     int
		reason   string
	}{
		// Without an SLO a replica gets 80 req/s at most.
		{"no load", 0, 0, 1, "0.0 req/s + 0 %: 1 replicas (t4 1) draw least, 90 W predicted at 0 % busy"},
		{"one is enough", 80, 0, 1, "80.0 req/s + 0 %: 1 replicas (t4 1) draw least, 122 W predicted at 80 % busy"},
		{"two are needed", 81, 0, 2, "2 replicas (t4 2)"},
		{"headroom", 80, 0.1, 2, "80.0 req/s + 10 %: 2 replicas"},
		// Two nodes, four loaded GPUs, and 2.4 busy GPUs of 40 W more: 220 + 96.
		{"a part of a node", 240, 0, 3, "3 replicas (t4 3) draw least, 296 W predicted at 80 % busy"},
		{"more than there is", 1e6, 0, 40, "more than 40 replicas serve within the bounds"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := config()
			cfg.Headroom = c.headroom
			d := newTest(t, cfg, model()).Decide(policies.Observation{Valid: true, ArrivalRate: c.rate, Desired: 5})
			if d.Replicas != c.want || !strings.Contains(d.Reason, c.reason) {
				t.Errorf("%d: %s\nwant %d: …%s…", d.Replicas, d.Reason, c.want, c.reason)
			}
		})
	}
}

func TestNoTelemetryKeepsWhatRuns(t *testing.T) {
	d := newTest(t, config(), model()).Decide(policies.Observation{Desired: 7})
	if d.Replicas != 7 {
		t.Errorf("%+v", d)
	}
}

// TestSLO halves what a replica may get: M/D/1 at p95 of 20 ms.
func TestSLO(t *testing.T) {
	m := model()
	m.LatencyTarget, m.LatencyQuantile = 0.02, 0.95
	s := newTest(t, config(), m)
	d := s.Decide(policies.Observation{Valid: true, ArrivalRate: 400})
	free := newTest(t, config(), model()).Decide(policies.Observation{Valid: true, ArrivalRate: 400})
	if d.Replicas <= free.Replicas {
		t.Errorf("%d replicas with a tight SLO, %d without", d.Replicas, free.Replicas)
	}
	predicted := capacity.Server(m, m.Pools[0]).Predict(400 / float64(d.Replicas))
	if predicted.P95 > 0.02 {
		t.Errorf("p95 of %d replicas is %g s", d.Replicas, predicted.P95)
	}
	if fewer := capacity.Server(m, m.Pools[0]).Predict(400 / float64(d.Replicas-1)); fewer.P95 < 0.0199 {
		t.Errorf("one replica fewer would do: p95 %g s", fewer.P95)
	}
	if !strings.Contains(d.Reason, "p95 ") || !strings.Contains(d.Reason, " s of 0.02 s") {
		t.Errorf("reason: %s", d.Reason)
	}
	m.LatencyTarget = 0.005
	if _, err := newScaler(config(), m); err == nil || !strings.HasPrefix(err.Error(), "energyAware: service ranker: no pool meets") {
		t.Errorf("an SLO below the service time: %v", err)
	}
}

func TestScaleDownDelay(t *testing.T) {
	s := newTest(t, config(), model())
	at := func(d time.Duration, rate float64) policies.Decision {
		return s.Decide(policies.Observation{Now: vtime.At(d), Valid: true, ArrivalRate: rate})
	}
	if d := at(0, 800); d.Replicas != 10 {
		t.Fatalf("%+v", d)
	}
	if d := at(5*time.Minute, 80); d.Replicas != 10 || !strings.HasSuffix(d.Reason, "; 10 held, the most within 5m") {
		t.Errorf("within the delay: %+v", d)
	}
	if d := at(5*time.Minute+15*time.Second, 80); d.Replicas != 1 {
		t.Errorf("after the delay: %+v", d)
	}
}

// TestPools: the frugal pool is filled first, though named last.
func TestPools(t *testing.T) {
	m := model()
	hungry := m.Pools[0]
	hungry.Name, hungry.ContextWatts, hungry.BusyWatts = "a100", 60, []float64{0, 300}
	m.Pools = []policies.Pool{hungry, m.Pools[0]}
	d := newTest(t, config(), m).Decide(policies.Observation{Valid: true, ArrivalRate: 80 * 42})
	if d.Replicas != 42 || !strings.Contains(d.Reason, "(a100 2, t4 40)") {
		t.Errorf("%+v", d)
	}
}

// TestHosts: what a node adds to its GPUs' watts above bare counts, by hand
// 50 + 2·10 + 1.5·(20 + 0.8·40) W; so the pool that is frugal by its boards alone is
// filled last: 113 W a replica, the other 103 W.
func TestHosts(t *testing.T) {
	m := model()
	m.Pools[0].HostPerWatt = 0.5
	at := policies.Observation{Valid: true, ArrivalRate: 80}
	if d := newTest(t, config(), m).Decide(at); !strings.Contains(d.Reason, "148 W predicted") {
		t.Error(d.Reason)
	}
	other := model().Pools[0]
	other.Name, other.BusyWatts = "other", []float64{0, 90}
	m.Pools = append(m.Pools, other)
	if d := newTest(t, config(), m).Decide(at); !strings.Contains(d.Reason, "(other 1)") {
		t.Error(d.Reason)
	}
	m.Pools[0].HostPerWatt = 0
	if d := newTest(t, config(), m).Decide(at); !strings.Contains(d.Reason, "(t4 1)") {
		t.Error(d.Reason)
	}
}

func TestConfigured(t *testing.T) {
	c := config()
	five := 5
	c.MinReplicas, c.MaxReplicas, c.Interval = 3, &five, units.Duration(time.Minute)
	s := newTest(t, c, model())
	if low, high := s.Decide(policies.Observation{Valid: true}), s.Decide(policies.Observation{Valid: true, ArrivalRate: 1e5}); low.Replicas != 3 || high.Replicas != 5 {
		t.Errorf("bounds 3..5 give %d and %d", low.Replicas, high.Replicas)
	}
	if s.Interval() != time.Minute {
		t.Errorf("interval %s", s.Interval())
	}
	kind, err := policies.Find("energyAware")
	if err != nil {
		t.Fatal(err)
	}
	c.MinReplicas = 6
	if p := kind.Check(c); len(p) != 1 || p[0].Path != "maxReplicas" {
		t.Errorf("minReplicas above maxReplicas: %v", p)
	}
}

func BenchmarkDecide(b *testing.B) {
	s, err := newScaler(config(), model())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s.Decide(policies.Observation{Valid: true, ArrivalRate: 2000})
	}
}
