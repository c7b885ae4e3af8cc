package forecast

import (
	"bytes"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kwatt-sim/kwatt/internal/forecast"
	"github.com/kwatt-sim/kwatt/internal/forecast/lstm"
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

// seen is an observation without lag: telemetry's window ends now and is short.
func seen(now time.Duration, rate float64) policies.Observation {
	return policies.Observation{Now: vtime.At(now), At: vtime.At(now), Valid: true, ArrivalRate: rate}
}

// steps returns the series behind a scaler.
func steps(s *scaler) *series { return s.outlook.(*series) }

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
		d := s.Decide(seen(now, daily(now)))
		need := max(daily(now), daily(now+s.horizon))
		if served := 80 * float64(d.Replicas); served < 0.99*need || served > 1.05*need+160 {
			t.Fatalf("at %s %d replicas serve %.0f req/s, %.0f needed: %s", now, d.Replicas, served, need, d.Reason)
		}
	}
	d := s.Decide(seen(24*time.Hour, daily(0)))
	if !strings.HasPrefix(d.Reason, "Holt-Winters (") || !strings.Contains(d.Reason, "p95 of the next 2m45s is ") {
		t.Errorf("reason: %s", d.Reason)
	}
}

func TestFloorOfTheObservedRate(t *testing.T) {
	s := newTest(t, config(), model(days(2, 5*time.Minute), 5*time.Minute))
	d := s.Decide(seen(0, 3200)) // the forecast is near 200
	if d.Replicas != 40 || !strings.Contains(d.Reason, "now 3200.0 req/s; 40 replicas serve 3200.0 req/s") {
		t.Errorf("a flash sale: %+v", d)
	}
}

func TestStages(t *testing.T) {
	s := newTest(t, config(), model(nil, 0))
	if d := s.Decide(policies.Observation{Desired: 6}); d.Replicas != 6 || d.Reason != "neither history nor telemetry yet" {
		t.Errorf("nothing known: %+v", d)
	}
	if d := s.Decide(seen(time.Minute, 400)); d.Replicas != 5 || !strings.HasPrefix(d.Reason, "no forecast yet, now 400.0 req/s") {
		t.Errorf("the first rate: %+v", d)
	}
	for i, want := range []string{"naive", "damped trend"} {
		now := time.Duration(i)*2*time.Hour + 5*time.Minute
		for at := time.Minute; at < now; at += time.Minute {
			if vtime.At(at) > steps(s).stepEnd.Add(-steps(s).step) {
				steps(s).see(seen(at, 400))
			}
		}
		if d := s.Decide(seen(now, 400)); !strings.HasPrefix(d.Reason, want+": p95") {
			t.Errorf("stage %d: %s", i, d.Reason)
		}
	}
}

// TestEveryModel provides ahead of a day that repeats; the oracle exactly.
func TestEveryModel(t *testing.T) {
	for _, method := range forecast.Methods() {
		c := config()
		c.Model = method.Name
		m := model(days(3, 5*time.Minute), 5*time.Minute)
		if method.Oracle {
			if _, err := newScaler(c, m); err == nil {
				t.Error("an oracle that is told nothing is accepted")
			}
			m.Future = future{}
		}
		s := newTest(t, c, m)
		short := 0
		for now := time.Duration(0); now < 24*time.Hour; now += 15 * time.Second {
			d := s.Decide(seen(now, daily(now)))
			need := max(daily(now), daily(now+s.horizon))
			if served := 80 * float64(d.Replicas); served < need {
				short++
				if served < 0.97*need && method.Name != "Naive" {
					t.Fatalf("%s: at %s %d replicas serve %.0f req/s, %.0f needed: %s", method.Name, now, d.Replicas, served, need, d.Reason)
				}
			} else if method.Oracle && served > need+80 {
				t.Fatalf("%s: at %s %d replicas for %.0f req/s: %s", method.Name, now, d.Replicas, need, d.Reason)
			}
		}
		// A tenth above: the steepest rise is 10 req/s within the horizon.
		if short > 600 && method.Name != "Naive" || method.Oracle && short > 0 {
			t.Errorf("%s: %d of 5760 decisions are short", method.Name, short)
		}
	}
}

// future is the day of the tests, as an oracle is told it.
type future struct{}

func (future) Rate(t vtime.Time) float64         { return daily(time.Duration(t)) }
func (future) Intensity(int, vtime.Time) float64 { return 300 }
func (future) End() vtime.Time                   { return vtime.At(24 * time.Hour) }

func (future) Highest(from, to vtime.Time) float64 {
	top := 0.0
	for at := from; at <= to; at = at.Add(time.Second) {
		top = max(top, daily(time.Duration(at)))
	}
	return top
}

// TestWithoutSafetyNet: the forecast alone decides, however wrong it is.
func TestWithoutSafetyNet(t *testing.T) {
	c := config()
	c.SafetyNet = false
	s := newTest(t, c, model(days(2, 5*time.Minute), 5*time.Minute))
	if d := s.Decide(seen(0, 3200)); d.Replicas > 4 { // the forecast is near 200
		t.Errorf("the observed rate counts: %+v", d)
	}
	if d := newTest(t, c, model(nil, 0)).Decide(seen(0, 3200)); d.Replicas != 40 {
		t.Errorf("without a forecast the observed rate is all there is: %+v", d)
	}
}

// TestRatesAreBookedWhereTheyWereMeasured: a rate that telemetry shows late
// belongs to the step in which its window has its centre.
func TestRatesAreBookedWhereTheyWereMeasured(t *testing.T) {
	s := newTest(t, config(), model(nil, 0))
	late := func(now, at time.Duration, rate float64) {
		s.Decide(policies.Observation{Now: vtime.At(now), At: vtime.At(at), Window: 2 * time.Minute, Valid: true, ArrivalRate: rate})
	}
	late(time.Minute, 30*time.Second, 100)                 // since the start: centre at 15 s
	late(6*time.Minute, 5*time.Minute+50*time.Second, 200) // centre at 4m50s
	if n := len(steps(s).values); n != 0 {
		t.Fatalf("%d steps are closed before a rate beyond them was measured", n)
	}
	late(7*time.Minute, 6*time.Minute+10*time.Second, 900) // centre at 5m10s
	if v := steps(s).values; len(v) != 1 || v[0] != 150 {
		t.Errorf("the first step is %v, want 150", v)
	}
}

func TestCaveats(t *testing.T) {
	final := policies.Window{Trace: "worldcup98-final", From: time.Date(1998, 7, 12, 12, 0, 0, 0, time.UTC)}
	semi := policies.Window{Trace: "worldcup98-final", From: time.Date(1998, 7, 7, 12, 0, 0, 0, time.UTC)}
	for _, c := range []struct {
		model  string
		w      policies.Window
		oracle bool
		want   string
	}{
		{"HoltWinters", semi, false, ""},
		{"PerfectForesight", final, true, "it is an oracle"},
		{"LSTM", final, false, ""},
		{"LSTM", semi, false, "its LSTM was trained on worldcup98-final from 1998-07-06 to 1998-07-11"},
	} {
		cfg := config()
		cfg.Model = c.model
		got := strings.Join(cfg.caveats(c.w), "; ")
		if cfg.oracle() != c.oracle || !strings.HasPrefix(got, c.want) || got != "" && c.want == "" {
			t.Errorf("%s: oracle %t, %q", c.model, cfg.oracle(), got)
		}
	}
}

// TestModelsAreTheMethods: the enum of the schema names what can be had.
func TestModelsAreTheMethods(t *testing.T) {
	field, _ := reflect.TypeFor[Config]().FieldByName("Model")
	var names []string
	for _, m := range forecast.Methods() {
		names = append(names, m.Name)
	}
	if want := "default=HoltWinters,enum=" + strings.Join(names, "|"); field.Tag.Get("kwatt") != want {
		t.Errorf("the tag is %s, want %s", field.Tag.Get("kwatt"), want)
	}
}

func TestWeightsOfAFile(t *testing.T) {
	var b bytes.Buffer
	if err := lstm.Builtin().Write(&b); err != nil {
		t.Fatal(err)
	}
	c := config()
	c.Model, c.Weights = "LSTM", "mine.json"
	if err := c.SetFile(b.Bytes(), "mine.json"); err != nil {
		t.Fatal(err)
	}
	s := newTest(t, c, model(days(2, 5*time.Minute), 5*time.Minute))
	if d := s.Decide(seen(0, 200)); !strings.HasPrefix(d.Reason, "LSTM ("+lstm.Builtin().Hash[:8]+"): p95") {
		t.Errorf("reason: %s", d.Reason)
	}
	cut := bytes.Replace(b.Bytes(), []byte(`"seed":1`), []byte(`"seed":2`), 1)
	if err := c.SetFile(cut, "mine.json"); err == nil || !strings.Contains(err.Error(), "mine.json: the file does not match its hash") {
		t.Errorf("changed weights: %v", err)
	}
}

// TestGapInTelemetry: an hour without observations leaves a gap, no zeros.
func TestGapInTelemetry(t *testing.T) {
	s := newTest(t, config(), model(days(2, 5*time.Minute), 5*time.Minute))
	d := s.Decide(policies.Observation{Now: vtime.At(time.Hour)})
	if !math.IsNaN(steps(s).values[len(steps(s).values)-1]) {
		t.Errorf("an unseen step is %g", steps(s).values[len(steps(s).values)-1])
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
		return s.Decide(seen(at, rate))
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
		{func(c *Config) { c.Weights = "mine.json" }, "weights"},
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
			s.Decide(seen(now, daily(now)))
		}
	}
}
