package energyaware

import (
	"strings"
	"testing"
	"time"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

func toCap(watts float64) policies.Limit {
	return policies.Limit{Kind: policies.PowerCap, Value: watts}
}

// capped is model with a cap of 50 W, under which a request takes 12 ms: a replica
// then gets 66.7 req/s at most.
func capped() policies.Model {
	m := model()
	p := &m.Pools[0]
	p.CapWatts = 70
	p.Limits = []policies.Limited{{Limit: toCap(50), BatchSeconds: []float64{0, 0.012}, BusyWatts: []float64{0, 50}}}
	return m
}

func TestPowerCap(t *testing.T) {
	c := config()
	c.PowerCap = true
	s := newTest(t, c, capped())
	for _, x := range []struct {
		at    time.Duration
		rate  float64
		ready int
		want  int
		cap   policies.Limit
		why   string
	}{
		{0, 60, 1, 1, toCap(50), "60.0 req/s + 0 % on 1 replicas: t4 50 W draws least, 104 W predicted at 72 % busy"},
		// At 50 W it serves 66.7 req/s: above, the own cap holds at once; below again,
		// the lower one after the delay.
		{15 * time.Second, 75, 1, 1, policies.Limit{}, "75.0 req/s + 0 % on 1 replicas: t4 70 W draws least"},
		{30 * time.Second, 60, 1, 1, policies.Limit{}, "t4 50 W would draw least; held, the most within 5m"},
		{5*time.Minute + 30*time.Second, 60, 1, 1, toCap(50), "t4 50 W draws least"},
		// Two are asked for, and one serves until the other is ready.
		{6 * time.Minute, 130, 1, 2, policies.Limit{}, "130.0 req/s + 0 % on 1 replicas: more than they serve within the bounds"},
		{12 * time.Minute, 130, 2, 2, toCap(50), "130.0 req/s + 0 % on 2 replicas: t4 50 W draws least"},
	} {
		d := s.Decide(policies.Observation{Now: vtime.At(x.at), Valid: true, ArrivalRate: x.rate, Desired: 1, Ready: x.ready})
		if len(d.Limits) != 1 || d.Limits[0] != x.cap || !strings.Contains(d.LimitReason, x.why) || d.Replicas != x.want {
			t.Errorf("at %v: %d replicas, %v: %s\nwant %d, %v: %s", x.at, d.Replicas, d.Limits, d.LimitReason, x.want, x.cap, x.why)
		}
	}
	if d := newTest(t, config(), capped()).Decide(policies.Observation{Valid: true, ArrivalRate: 60}); d.Limits != nil {
		t.Errorf("without powerCap: %+v", d)
	}
	if d := s.Decide(policies.Observation{Desired: 2}); d.Limits != nil {
		t.Errorf("before the first scrape: %+v", d)
	}
}

// The same with a clock of the board's sweep, and with both to choose from.
func TestSMClock(t *testing.T) {
	m := capped()
	clock := policies.Limit{Kind: policies.SMClock, Value: 900}
	m.Pools[0].Limits = append(m.Pools[0].Limits, policies.Limited{Limit: clock, BatchSeconds: []float64{0, 0.0125}, BusyWatts: []float64{0, 45}})
	m.Pools[0].ClockSweep = true
	for _, x := range []struct {
		name     string
		powerCap bool
		locked   float64 // the pool's own, in MHz
		rate     float64
		want     policies.Limit
		why      string
	}{
		{"frugal", false, 0, 50, clock, "t4 900 MHz draws least"},
		{"of both", true, 0, 50, clock, "t4 900 MHz draws least"},
		{"too slow for 66 req/s", true, 0, 66, toCap(50), "t4 50 W draws least"},
		{"no cap to fall back to", false, 0, 66, policies.Limit{}, "t4 own clock draws least"},
		{"the pool's own clock", false, 1200, 66, policies.Limit{}, "t4 1200 MHz draws least"},
		{"the board's own cap", true, 0, 75, policies.Limit{}, "t4 70 W draws least"},
	} {
		c := config()
		c.SMClock, c.PowerCap = true, x.powerCap
		m.Pools[0].ClockMHz = x.locked
		d := newTest(t, c, m).Decide(policies.Observation{Valid: true, ArrivalRate: x.rate, Desired: 1, Ready: 1})
		if len(d.Limits) != 1 || d.Limits[0] != x.want || !strings.Contains(d.LimitReason, x.why) {
			t.Errorf("%s: %v: %s\nwant %v: %s", x.name, d.Limits, d.LimitReason, x.want, x.why)
		}
	}
	c := config()
	if problems := c.suits(model()); problems != nil {
		t.Errorf("without smClock: %v", problems)
	}
	c.SMClock = true
	if problems := c.suits(model()); len(problems) != 1 || problems[0].Path != "smClock" || c.suits(m) != nil {
		t.Errorf("a pool without a sweep: %v, with one: %v", problems, c.suits(m))
	}
}
