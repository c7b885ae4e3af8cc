package oracle

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/policies/capacity"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// told is a future of rates and intensities, a minute each.
type told struct{ rates, grid []float64 }

func (f told) at(v []float64, t vtime.Time) float64 {
	if i := int(t / vtime.At(time.Minute)); t >= 0 && i < len(v) {
		return v[i]
	}
	return 0
}
func (f told) Rate(t vtime.Time) float64             { return f.at(f.rates, t) }
func (f told) Intensity(_ int, t vtime.Time) float64 { return f.at(f.grid, t) }
func (f told) End() vtime.Time                       { return vtime.At(time.Duration(len(f.rates)) * time.Minute) }
func (f told) Highest(from, to vtime.Time) float64 {
	top := 0.0
	for t := from; t <= to; t = t.Add(time.Second) {
		top = max(top, f.Rate(t))
	}
	return top
}

// model has replicas of 100 req/s at most, two to a node, on a board that draws
// 40 W more while it is busy.
func model(f told) policies.Model {
	return policies.Model{
		Service: "ranker", MaxBatch: 1, Instances: 1, ColdStart: 30 * time.Second, SlowestStart: 36 * time.Second, Future: f, PUE: 1.2,
		Pools: []policies.Pool{{
			Name: "t4", GPUsPerNode: 2, PodsPerNode: 2, MaxNodes: 3, Share: 1, ProvisionDelay: time.Minute,
			BatchSeconds: []float64{0, 0.01}, BusyWatts: []float64{0, 70}, ContextWatts: 30, BareWatts: 10, NodeBaseWatts: 50, BootWatts: 70, HostPerWatt: 0.1,
		}},
	}
}

func config() *Config {
	c := NewConfig()
	half := 0.5
	c.Utilisation = &half // 50 req/s a replica
	return c
}

func plannerOf(t rapid.TB, c *Config, m policies.Model) *planner {
	t.Helper()
	rates, err := ratesOf(c, m)
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPlanner(c, m, capacity.NewSearch(m, rates))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A short dip is ridden out when a start costs more than it saves, and a long
// one is not.
func TestAPlanWeighsStarts(t *testing.T) {
	day := func(dip int) []float64 {
		v := []float64{200, 200}
		for range dip {
			v = append(v, 40)
		}
		return append(v, 200, 200)
	}
	for _, c := range []struct {
		dip, want int
	}{
		// A context saves 1.1 × 20 W and takes half a minute of that to load: it always
		// goes. A node saves 70 W more, 4.2 kJ a minute, and 90 s of them to boot and load.
		{1, 3}, {2, 1}, {30, 1},
	} {
		rates := day(c.dip)
		p := plannerOf(t, config(), model(told{rates, make([]float64, len(rates))}))
		plan, total := p.best()
		if got := plan[2+c.dip/2]; got != c.want || plan[0] != 4 || plan[len(plan)-1] != 4 {
			t.Errorf("a dip of %d minutes: %d replicas in it, want %d: %v", c.dip, got, c.want, plan)
		}
		if again := p.priceOf(plan); math.Abs(again-total) > 1e-12*total {
			t.Errorf("the plan is said to cost %v, it costs %v", total, again)
		}
	}
}

// priceOf adds up what a plan costs.
func (p *planner) priceOf(plan []int) float64 {
	sum := 0.0
	for t, n := range plan {
		sum += p.cost(&p.steps[t], n)
		if t > 0 {
			for k := plan[t-1] + 1; k <= n; k++ {
				sum += p.startCost(&p.steps[t], k)
			}
		}
	}
	return sum
}

// TestTheCheapestOfAllPlans compares the dynamic programme with every plan there is.
func TestTheCheapestOfAllPlans(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 5).Draw(t, "minutes")
		f := told{rates: make([]float64, n), grid: make([]float64, n)}
		for i := range n {
			f.rates[i] = rapid.Float64Range(0, 320).Draw(t, "rate")
			f.grid[i] = rapid.Float64Range(0, 900).Draw(t, "intensity")
		}
		c := config()
		c.Minimise = rapid.SampledFrom([]string{Energy, Carbon, Cost}).Draw(t, "minimise")
		c.MinReplicas = rapid.IntRange(1, 3).Draw(t, "minReplicas")
		m := model(f)
		m.EnergyPerKWh, m.CarbonPerTonne = 0.2, rapid.Float64Range(0, 200).Draw(t, "carbon price")
		m.Pools[0].NodeHour, m.Pools[0].EmbodiedPerHour = rapid.Float64Range(0, 3).Draw(t, "price"), rapid.Float64Range(0, 30).Draw(t, "embodied")
		p := plannerOf(t, c, m)
		plan, total := p.best()
		least := math.Inf(1)
		var try func(sofar []int)
		try = func(sofar []int) {
			if len(sofar) == n {
				least = min(least, p.priceOf(sofar))
				return
			}
			for k := max(p.lo, p.steps[len(sofar)].need); k <= p.hi; k++ {
				try(append(sofar[:len(sofar):len(sofar)], k))
			}
		}
		try(nil)
		if math.Abs(total-least) > 1e-9*least || math.Abs(p.priceOf(plan)-least) > 1e-9*least {
			t.Fatalf("%v costs %v, said to be %v; the cheapest of all %v", plan, p.priceOf(plan), total, least)
		}
	})
}

// A dirty hour is worth letting go of replicas that a clean one is not.
func TestCarbonLooksAtTheGrid(t *testing.T) {
	rates := []float64{200, 40, 200, 200}
	in := func(minimise string, dip float64) int {
		c := config()
		c.Minimise = minimise
		plan, _ := plannerOf(t, c, model(told{rates, []float64{100, dip, 100, 100}})).best()
		return plan[1]
	}
	if clean, dirty, energy := in(Carbon, 100), in(Carbon, 900), in(Energy, 900); clean != 3 || dirty >= clean || energy != clean {
		t.Errorf("in the dip: %d replicas on a clean grid, %d on a dirty one, %d for energy", clean, dirty, energy)
	}
}

func TestDecide(t *testing.T) {
	rates := []float64{40, 40, 40, 40, 40, 40, 190, 190, 40, 40}
	s, err := newScaler(config(), model(told{rates, make([]float64, len(rates))}))
	if err != nil {
		t.Fatal(err)
	}
	at := func(d time.Duration) int { return s.Decide(policies.Observation{Now: vtime.At(d)}).Replicas }
	for _, c := range []struct {
		at   time.Duration
		want int
	}{
		{0, 1},
		{4*time.Minute - 15*time.Second, 1},
		{4*time.Minute + 15*time.Second, 3}, // the third replica's node boots for a minute, and it starts for 36 s and a tick
		{5*time.Minute + 15*time.Second, 4}, // the fourth finds it there
		{7*time.Minute + 45*time.Second, 4},
		{8 * time.Minute, 1},
		{20 * time.Minute, 1}, // the window is over
	} {
		if got := at(c.at); got != c.want {
			t.Errorf("at %s: %d replicas, want %d; the plan is %v", c.at, got, c.want, s.plan)
		}
	}
	if d := s.Decide(policies.Observation{}); !strings.HasPrefix(d.Reason, "the plan of least energy has 1 replicas now and up to 1 within 51s") {
		t.Errorf("%s", d.Reason)
	}
}

func TestRefused(t *testing.T) {
	m := model(told{[]float64{1}, []float64{1}})
	c := config()
	c.Minimise = Cost
	if _, err := newScaler(c, m); err == nil || !strings.Contains(err.Error(), "no price is above 0") {
		t.Errorf("without prices: %v", err)
	}
	m.Future = nil
	if _, err := newScaler(config(), m); err == nil || !strings.Contains(err.Error(), "not told the future") {
		t.Errorf("without a future: %v", err)
	}
	c = NewConfig()
	m = model(told{[]float64{1}, []float64{1}})
	m.LatencyTarget, m.LatencyQuantile = 0.001, 0.95
	if _, err := newScaler(c, m); err == nil || !strings.Contains(err.Error(), "no pool meets") {
		t.Errorf("an SLO that nothing keeps: %v", err)
	}

}

// BenchmarkPlan plans a day of a fleet of 2,400.
func BenchmarkPlan(b *testing.B) {
	rates := make([]float64, 1440)
	for i := range rates {
		rates[i] = 60000 * (1 + math.Sin(float64(i)/1440*2*math.Pi))
	}
	m := model(told{rates, make([]float64, len(rates))})
	m.Pools[0].MaxNodes = 1200
	for b.Loop() {
		if _, err := newScaler(config(), m); err != nil {
			b.Fatal(err)
		}
	}
}
