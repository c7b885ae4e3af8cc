package energyaware

import (
	"strings"
	"testing"
	"time"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// capped is model with a cap of 50 W, under which a request takes 12 ms: a replica
// then gets 66.7 req/s at most.
func capped() policies.Model {
	m := model()
	p := &m.Pools[0]
	p.CapWatts = 70
	p.Caps = []policies.PowerCap{
		{Watts: 50, BatchSeconds: []float64{0, 0.012}, BusyWatts: []float64{0, 50}},
		{Watts: 70, BatchSeconds: p.BatchSeconds, BusyWatts: p.BusyWatts},
	}
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
		cap   float64
		why   string
	}{
		{0, 60, 1, 1, 50, "60.0 req/s + 0 % on 1 replicas: t4 50 W draws least, 104 W predicted at 72 % busy"},
		// At 50 W it serves 66.7 req/s: above, the own cap holds at once; below again,
		// the lower one after the delay.
		{15 * time.Second, 75, 1, 1, 0, "75.0 req/s + 0 % on 1 replicas: t4 70 W draws least"},
		{30 * time.Second, 60, 1, 1, 0, "t4 50 W would draw least; held, the most within 5m"},
		{5*time.Minute + 30*time.Second, 60, 1, 1, 50, "t4 50 W draws least"},
		// Two are asked for, and one serves until the other is ready.
		{6 * time.Minute, 130, 1, 2, 0, "130.0 req/s + 0 % on 1 replicas: more than they serve within the bounds"},
		{12 * time.Minute, 130, 2, 2, 50, "130.0 req/s + 0 % on 2 replicas: t4 50 W draws least"},
	} {
		d := s.Decide(policies.Observation{Now: vtime.At(x.at), Valid: true, ArrivalRate: x.rate, Desired: 1, Ready: x.ready})
		if len(d.PowerCaps) != 1 || d.PowerCaps[0] != x.cap || !strings.Contains(d.CapReason, x.why) || d.Replicas != x.want {
			t.Errorf("at %v: %d replicas, %v W: %s\nwant %d, %v W: %s", x.at, d.Replicas, d.PowerCaps, d.CapReason, x.want, x.cap, x.why)
		}
	}
	if d := newTest(t, config(), capped()).Decide(policies.Observation{Valid: true, ArrivalRate: 60}); d.PowerCaps != nil {
		t.Errorf("without powerCap: %+v", d)
	}
	if d := s.Decide(policies.Observation{Desired: 2}); d.PowerCaps != nil {
		t.Errorf("before the first scrape: %+v", d)
	}
}
