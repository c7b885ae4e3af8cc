package carbonaware

import (
	"strings"
	"testing"
	"time"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// model has replicas that may get 80 req/s, on two pools of which the second is
// three times as large.
func model() policies.Model {
	pool := policies.Pool{Name: "a", GPUsPerNode: 1, PodsPerNode: 1, MaxNodes: 10, Share: 1, BatchSeconds: []float64{0, 0.01}, BusyWatts: []float64{0, 70}, ContextWatts: 30}
	other := pool
	other.Name, other.MaxNodes = "b", 30
	return policies.Model{Service: "ranker", MaxBatch: 1, Instances: 1, Pools: []policies.Pool{pool, other}}
}

func config() *Config {
	c := newConfig().(*Config)
	c.MaxUtilisation, c.Headroom, c.ScaleDownDelay = 0.8, 0, 0
	return c
}

func newTest(t *testing.T, c *Config) *scaler {
	t.Helper()
	s, err := newScaler(c, model())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func seen(at time.Duration, rate float64, grid ...float64) policies.Observation {
	if len(grid) == 1 {
		grid = append(grid, grid[0])
	}
	return policies.Observation{Now: vtime.At(at), Valid: true, ArrivalRate: rate, Desired: 5, Intensity: grid}
}

// Replicas are 80·0.7 = 56 req/s on a clean grid and 80 on a dirty one.
func TestSlackIsSpentWhereTheGridIsDirty(t *testing.T) {
	for _, c := range []struct {
		grid []float64
		want int
	}{
		{[]float64{50}, 15}, {[]float64{200}, 15}, {[]float64{300}, 12}, {[]float64{400}, 10}, {[]float64{900}, 10},
		{[]float64{0, 400}, 12}, // the mean over 40 replicas is 300
	} {
		d := newTest(t, config()).Decide(seen(0, 800, c.grid...))
		if d.Replicas != c.want {
			t.Errorf("%v g/kWh: %d replicas, want %d: %s", c.grid, d.Replicas, c.want, d.Reason)
		}
	}
	if d := newTest(t, config()).Decide(policies.Observation{Desired: 7}); d.Replicas != 7 || d.Reason != "no telemetry yet" {
		t.Errorf("%+v", d)
	}
}

// The operator's README: each threshold is the upper limit, the previous one the
// lower, and above all of them the last holds.
func TestCapsAreTheOperators(t *testing.T) {
	c := config()
	c.MaxReplicasByCarbonIntensity = []Cap{{437, 11}, {504, 8}, {571, 5}}
	for _, x := range []struct {
		grid float64
		want int
	}{{1, 11}, {437, 11}, {437.5, 8}, {504, 8}, {571, 5}, {572, 5}, {5000, 5}, {0, 5}} {
		d := newTest(t, c).Decide(seen(0, 3000, x.grid))
		if d.Replicas != x.want || len(d.Clamps) != 1 || d.Clamps[0].To != x.want || d.Wanted <= x.want {
			t.Errorf("%v g/kWh: %+v, want %d", x.grid, d, x.want)
		}
	}
	if d := newTest(t, c).Decide(seen(0, 300, 571)); d.Replicas != 4 || d.Clamps != nil {
		t.Errorf("a cap that does not bind: %+v", d)
	}
}

// Eco mode goes off when each minute of the duration is at or above the threshold.
func TestEcoModeOff(t *testing.T) {
	c := config()
	c.MaxReplicasByCarbonIntensity = []Cap{{500, 10}, {600, 4}}
	c.EcoModeOff = &EcoModeOff{MaxReplicas: 20, CarbonIntensityDuration: IntensityDuration{555, 45}}
	s := newTest(t, c)
	for _, x := range []struct {
		minute int
		grid   float64
		want   int
	}{
		{0, 400, 10}, {1, 555, 4}, {40, 580, 4}, {44, 580, 4}, {45, 580, 20}, {90, 560, 20}, {91, 554, 4}, {92, 555, 4}, {135, 555, 4}, {136, 555, 20},
	} {
		if d := s.Decide(seen(time.Duration(x.minute)*time.Minute, 3000, x.grid)); d.Replicas != x.want {
			t.Errorf("minute %d at %v g/kWh: %d replicas, want %d: %s", x.minute, x.grid, d.Replicas, x.want, d.Reason)
		}
	}
}

func TestScaleDownDelay(t *testing.T) {
	c := config()
	c.ScaleDownDelay = newConfig().(*Config).ScaleDownDelay
	s := newTest(t, c)
	s.Decide(seen(0, 800, 400))
	if d := s.Decide(seen(time.Minute, 80, 400)); d.Replicas != 10 || !strings.Contains(d.Reason, "; 10 held") {
		t.Errorf("%+v", d)
	}
	if d := s.Decide(seen(10*time.Minute, 80, 400)); d.Replicas != 1 {
		t.Errorf("%+v", d)
	}
}

func TestCheck(t *testing.T) {
	if p := check(config()); p != nil {
		t.Errorf("the defaults: %v", p)
	}
	for _, c := range []struct {
		set  func(*Config)
		path string
	}{
		{func(c *Config) { c.Load.DirtyAbove = 200 }, "load.dirtyAbove"},
		{func(c *Config) { c.MaxReplicasByCarbonIntensity = []Cap{{500, 3}, {400, 2}} }, "maxReplicasByCarbonIntensity[1].carbonIntensityThreshold"},
		{func(c *Config) { c.MinReplicas, c.MaxReplicasByCarbonIntensity = 3, []Cap{{500, 2}} }, "maxReplicasByCarbonIntensity[0].maxReplicas"},
		{func(c *Config) { c.EcoModeOff = &EcoModeOff{} }, "ecoModeOff"},
	} {
		cfg := config()
		c.set(cfg)
		if p := check(cfg); len(p) != 1 || p[0].Path != c.path || p[0].Hint == "" {
			t.Errorf("want a fault of %s, got %v", c.path, p)
		}
	}
}
