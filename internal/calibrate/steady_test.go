package calibrate

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kwatt-sim/kwatt/internal/rng"
)

// criterion is the default one.
var criterion = defaultCriterion(20*time.Second, 2*time.Minute)

// samples are rows every 50 ms up to the window's length, made by of.
func samples(of func(seconds float64) (watts, celsius, mhz float64)) []Row {
	start := time.Unix(0, 0)
	var rows []Row
	for at := time.Duration(0); at <= criterion.Window; at += 50 * time.Millisecond {
		w, c, m := of(at.Seconds())
		rows = append(rows, Row{At: start.Add(at), Power: Power{Usage: Of(w)}, State: State{Celsius: Of(c), SMClock: Of(m)}})
	}
	return rows
}

// A board is steady as long as power, temperature and clock move less than the
// bounds over the window, and not when one of them moves more.
func TestSteadyOrNot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		watts := rapid.Float64Range(20, 1000).Draw(t, "W")
		drift := rapid.Float64Range(-0.5, 0.5).Draw(t, "drift of power over the window")
		warming := rapid.Float64Range(-10, 10).Draw(t, "°C over the window")
		slowing := rapid.Float64Range(-0.1, 0.1).Draw(t, "drift of the clock")
		dice := rng.New(seed).Stream("noise")
		rows := samples(func(s float64) (float64, float64, float64) {
			x := s/criterion.Window.Seconds() - 0.5
			noise := 0.02 * (2*dice.Float64() - 1)
			return watts * (1 + drift*x + noise), 50 + warming*x, 1500 * (1 + slowing*x)
		})
		allowed := max(1/watts, criterion.PowerTrend)
		still := math.Abs(drift) < 0.8*allowed && math.Abs(warming) < 0.9*criterion.TemperatureTrend && math.Abs(slowing) < 0.9*criterion.ClockTrend
		moving := math.Abs(drift) > 1.2*allowed || math.Abs(warming) > 1.1*criterion.TemperatureTrend || math.Abs(slowing) > 1.1*criterion.ClockTrend
		if met := criterion.met(rows); still && !met || moving && met {
			t.Errorf("steady %v with drift %g (%g allowed), %g °C, clock %g", met, drift, allowed, warming, slowing)
		}
	})
}

func TestSteadyEdges(t *testing.T) {
	flat := func(float64) (float64, float64, float64) { return 300, 50, 1500 }
	if criterion.met(nil) {
		t.Error("no samples are steady")
	}
	if rows := samples(flat); criterion.met(rows[:len(rows)/8]) {
		t.Error("two seconds are steady over twenty")
	}
	// One step of a whole-degree thermometer is no trend.
	if rows := samples(func(s float64) (float64, float64, float64) { return 300, 50 + math.Floor(s/10), 1500 }); !criterion.met(rows) {
		t.Error("one degree up in the middle is not steady")
	}
	// Power that leaps from second to second has no trend, and no known mean.
	if rows := samples(func(s float64) (float64, float64, float64) {
		return 300 + 100*float64(int(math.Abs(s-10))%2), 50, 1500 // the same forwards and backwards
	}); trend(criterion.blocks(rows, func(r Row) Quantity { return r.Power.Usage })) > 6 || criterion.met(rows) {
		t.Error("300 and 400 W in turn are steady, or have a trend")
	}
	// What was before the window does not count.
	rows := samples(flat)
	for i := range rows[:10] {
		rows[i].At = rows[i].At.Add(-time.Minute)
		rows[i].Power.Usage = Of(5)
	}
	if !criterion.met(rows) {
		t.Error("samples before the window count")
	}
	// A device without a thermometer or a clock is judged by its power.
	for i := range rows {
		rows[i].State = State{}
	}
	if !criterion.met(rows) {
		t.Error("a device without temperature and clock is never steady")
	}
}

func TestTrend(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 100).Draw(t, "n")
		slope := rapid.Float64Range(-10, 10).Draw(t, "slope")
		values := make([]float64, n)
		for i := range values {
			values[i] = 7 + slope*float64(i)
		}
		if got, want := trend(values), slope*float64(n); math.Abs(got-want) > 1e-9*(1+math.Abs(want)) {
			t.Errorf("trend %g, want %g", got, want)
		}
	})
	if got := deviation([]float64{2, 4, 4, 4, 5, 5, 7, 9}); math.Abs(got-math.Sqrt(32.0/7)) > 1e-12 {
		t.Errorf("deviation %g", got)
	}
}
