package powerfit

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

var tenths = []float64{0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1}

func TestCapLawFindsItsTruth(t *testing.T) {
	var points []CapPoint
	for i := 1; i <= 200; i++ {
		r := float64(i) / 200
		points = append(points, CapPoint{r, math.Pow(r, -0.6)})
	}
	points = append(points, CapPoint{1.4, 3}) // holds nothing down, whatever it measured
	for _, p := range CapLaw(points, tenths) {
		if want := math.Pow(p.Ratio, -0.6); math.Abs(p.Slowdown-want) > 0.01*want {
			t.Errorf("ratio %g: %g, true is %g", p.Ratio, p.Slowdown, want)
		}
	}
}

func TestCapLawIsALaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var points []CapPoint
		for range rapid.IntRange(0, 30).Draw(t, "n") {
			points = append(points, CapPoint{rapid.Float64Range(0.02, 1.2).Draw(t, "ratio"), rapid.Float64Range(0.9, 4).Draw(t, "slowdown")})
		}
		law := CapLaw(points, tenths)
		for i, p := range law {
			if p.Slowdown < 1 || i > 0 && p.Slowdown > law[i-1].Slowdown {
				t.Fatalf("%v", law)
			}
		}
		if last := law[len(law)-1].Slowdown; last != 1 {
			t.Fatalf("slowdown %g at ratio 1", last)
		}
		if s := SlowdownAt(law, 0.55); s > law[4].Slowdown || s < law[5].Slowdown {
			t.Fatalf("%g lies outside %g and %g", s, law[4].Slowdown, law[5].Slowdown)
		}
	})
}
