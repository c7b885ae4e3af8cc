package forecast

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/units"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// model has replicas of 100 req/s at most: 80 at the tests' maxUtilisation.
func model(history []float64, step time.Duration) policies.Model {
	return policies.Model{
		Service: "ranker", MaxBatch: 1, Instances: 1, ColdStart: time.Minute,
		Pools: []policies.Pool{{
			Name: "t4", GPUsPerNode: 2, PodsPerNode: 2, MaxNodes: 50, Share: 1, ProvisionDelay: 90 * time.Second,
			BatchSeconds: []float64{0, 0.01}, BusyWatts: []float64{0, 70},
		}},
		History: history, HistoryStep: step,
	}
}

func config() *Config {
	c := newConfig().(*Config)
	c.MaxUtilisation = 0.8
	c.ScaleDownDelay = 0
	return c
}

// daily is the rate of a day with its peak at 12 h and its trough at midnight.
func daily(t time.Duration) float64 {
	return 1000 - 800*math.Cos(2*math.Pi*t.Hours()/24)
}

// days returns that rate before the window, in steps.
func days(n int, step time.Duration) []float64 {
	v := make([]float64, time.Duration(n)*24*time.Hour/step)
	for i := range v {
		v[i] = daily(time.Duration(i)*step + step/2)
	}
	return v
}

func newTest(t *testing.T, c *Config, m policies.Model) *scaler {
	t.Helper()
	s, err := newScaler(c, m)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestProvidesAhead follows a day that repeats: at each tick there must be
// enough for the rate at the horizon, and not much more.
func TestProvidesAhead(t *testing.T) {
	s := newTest(t, config(), model(days(3, 5*time.Minute), 5*time.Minute))
	if s.horizon != 60*time.Second+90*time.Second+15*time.Second {
		t.Fatalf("horizon %s", s.horizon)
	}
	for now := time.Duration(0); now < 24*time.Hour; now += 15 * time.Second {
		d := s.Decide(policies.Observation{Now: vtime.At(now), Valid: true, ArrivalRate: daily(now)})
		need := max(daily(now), daily(now+s.horizon))
		if served := 80 * float64(d.Replicas); served < 0.99*need || served > 1.05*need+160 {
			t.Fatalf("at %s %d replicas serve %.0f req/s, %.0f needed: %s", now, d.Replicas, served, need, d.Reason)
		}
	}
	d := s.Decide(policies.Observation{Now: vtime.At(24 * time.Hour), Valid: true, ArrivalRate: daily(0)})
	if !strings.HasPrefix(d.Reason, "Holt-Winters (") || !strings.Contains(d.Reason, "p95 of the next 2m45s is ") {
		t.Errorf("reason: %s", d.Reason)
	}
}

func TestFloorOfTheObservedRate(t *testing.T) {
	s := newTest(t, config(), model(days(2, 5*time.Minute), 5*time.Minute))
	d := s.Decide(policies.Observation{Valid: true, ArrivalRate: 3200}) // the forecast is near 200
	if d.Replicas != 40 || !strings.Contains(d.Reason, "now 3200.0 req/s; 40 replicas serve 3200.0 req/s") {
		t.Errorf("a flash sale: %+v", d)
	}
}

func TestStages(t *testing.T) {
	s := newTest(t, config(), model(nil, 0))
	if d := s.Decide(policies.Observation{Desired: 6}); d.Replicas != 6 || d.Reason != "neither history nor telemetry yet" {
		t.Errorf("nothing known: %+v", d)
	}
	if d := s.Decide(policies.Observation{Now: vtime.At(time.Minute), Valid: true, ArrivalRate: 400}); d.Replicas != 5 || !strings.HasPrefix(d.Reason, "no forecast yet, now 400.0 req/s") {
		t.Errorf("the first rate: %+v", d)
	}
	for i, want := range []string{"naive", "damped trend"} {
		now := vtime.At(time.Duration(i) * 2 * time.Hour).Add(5 * time.Minute)
		for at := vtime.At(time.Minute); at < now; at = at.Add(time.Minute) {
			if at > s.series.stepEnd.Add(-s.series.step) {
				s.series.see(at, 400, true)
			}
		}
		if d := s.Decide(policies.Observation{Now: now, Valid: true, ArrivalRate: 400}); !strings.HasPrefix(d.Reason, want+": p95") {
			t.Errorf("stage %d: %s", i, d.Reason)
		}
	}
}

// TestGapInTelemetry: an hour without observations leaves a gap, no zeros.
func TestGapInTelemetry(t *testing.T) {
	s := newTest(t, config(), model(days(2, 5*time.Minute), 5*time.Minute))
	d := s.Decide(policies.Observation{Now: vtime.At(time.Hour)})
	if !math.IsNaN(s.series.values[len(s.series.values)-1]) {
		t.Errorf("an unseen step is %g", s.series.values[len(s.series.values)-1])
	}
	if served, need := 80*float64(d.Replicas), daily(time.Hour+s.horizon); served < 0.9*need || served > 1.3*need+80 {
		t.Errorf("%d replicas for %.0f req/s: %s", d.Replicas, need, d.Reason)
	}
}

func TestBoundsAndDelay(t *testing.T) {
	c := config()
	ten := 10
	c.MinReplicas, c.MaxReplicas, c.ScaleDownDelay = 2, &ten, units.Duration(time.Minute)
	s := newTest(t, c, model(nil, 0))
	decide := func(at time.Duration, rate float64) policies.Decision {
		return s.Decide(policies.Observation{Now: vtime.At(at), Valid: true, ArrivalRate: rate})
	}
	if d := decide(0, 1e6); d.Replicas != 10 || !strings.HasSuffix(d.Reason, "10 replicas serve 800.0 req/s, all there is room for") {
		t.Errorf("above: %+v", d)
	}
	if d := decide(time.Minute, 1); d.Replicas != 10 || !strings.HasSuffix(d.Reason, "; 10 held, the most within 1m") {
		t.Errorf("held: %+v", d)
	}
	if d := decide(75*time.Second, 1); d.Replicas != 2 {
		t.Errorf("below: %+v", d)
	}
}

func TestResample(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		name     string
		history  []float64
		from, to time.Duration
		want     []float64
	}{
		{"the same", []float64{1, 2}, time.Minute, time.Minute, []float64{1, 2}},
		{"means", []float64{1, 3, 5, 7}, time.Minute, 2 * time.Minute, []float64{2, 6}},
		{"the oldest part does not fill a step", []float64{9, 1, 3}, time.Minute, 2 * time.Minute, []float64{2}},
		{"a gap within a step", []float64{nan, 4, nan, nan}, time.Minute, 2 * time.Minute, []float64{4, nan}},
		{"lines", []float64{0, 10}, 2 * time.Minute, time.Minute, []float64{0, 2.5, 7.5, 10}},
		{"beside a gap", []float64{0, nan}, 2 * time.Minute, time.Minute, []float64{0, nan, nan, nan}},
		{"none", nil, 0, time.Minute, nil},
	} {
		got := resample(c.history, c.from, c.to)
		if !slices.EqualFunc(got, c.want, func(a, b float64) bool { return a == b || a != a && b != b }) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestCheck(t *testing.T) {
	if p := check(newConfig().(*Config)); p != nil {
		t.Errorf("the defaults: %v", p)
	}
	for _, c := range []struct {
		set  func(*Config)
		path string
	}{
		{func(c *Config) { c.Step = units.Duration(7 * time.Minute) }, "season"},
		{func(c *Config) { c.Step, c.Interval = units.Duration(time.Second), units.Duration(time.Second) }, "step"},
		{func(c *Config) { c.Interval = units.Duration(10 * time.Minute) }, "interval"},
		{func(c *Config) { one := 1; c.MinReplicas, c.MaxReplicas = 2, &one }, "maxReplicas"},
	} {
		cfg := newConfig().(*Config)
		c.set(cfg)
		if p := check(cfg); len(p) != 1 || p[0].Path != c.path || p[0].Hint == "" {
			t.Errorf("want a fault of %s, got %v", c.path, p)
		}
	}
}

func TestNoPoolMeetsTheSLO(t *testing.T) {
	m := model(nil, 0)
	m.LatencyTarget, m.LatencyQuantile = 0.001, 0.95
	if _, err := newScaler(config(), m); err == nil || !strings.HasPrefix(err.Error(), "forecast: service ranker: no pool meets") {
		t.Errorf("%v", err)
	}
}

// BenchmarkDay is a day of decisions with its four fits.
func BenchmarkDay(b *testing.B) {
	history := days(7, 5*time.Minute)
	for b.Loop() {
		s, err := newScaler(config(), model(history, 5*time.Minute))
		if err != nil {
			b.Fatal(err)
		}
		for now := time.Duration(0); now < 24*time.Hour; now += 15 * time.Second {
			s.Decide(policies.Observation{Now: vtime.At(now), Valid: true, ArrivalRate: daily(now)})
		}
	}
}
