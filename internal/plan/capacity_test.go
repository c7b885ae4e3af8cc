package plan

import (
	"context"
	"math"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/rng"
)

// A latency of 1/(1 − load/limit), as of M/M/1, with noise: the true capacity lies
// within what is found with the stated confidence, and the bracket is as narrow as
// asked for where there is little noise.
func TestCapacityIsBracketed(t *testing.T) {
	const experiments = 300
	for _, c := range []struct{ noise, saturation, width float64 }{{0.001, 3, 1.03}, {0.001, 0.21, 1.03}, {0.1, 1.9, 1.6}} {
		// 1/(1 − x/saturation) = 5 at x = 0.8·saturation.
		truth, missed := 0.8*c.saturation, 0
		for e := range experiments {
			search := Capacity{SLOs: []SLO{mustSLO(t, "latency_mean_seconds < 5")}, Confidence: 0.95, Seeds: seeds(1, 9), Precision: 0.02}
			dice := rng.New(uint64(e)).Stream("noise")
			found, err := search.Find(t.Context(), func(_ context.Context, factor float64, seeds []uint64) (out []*results.Run, _ error) {
				for _, seed := range seeds {
					latency := 1e3
					if factor < c.saturation {
						latency = 1 / (1 - factor/c.saturation)
					}
					out = append(out, &results.Run{Seed: seed, Metrics: metrics.Values{"latency_mean_seconds": latency * (1 + c.noise*dice.Norm())}})
				}
				return out, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if found.Kept > truth || found.Breaks < truth {
				missed++
			}
			if found.Kept == 0 || math.IsInf(found.Breaks, 1) || found.Breaks/found.Kept > c.width {
				t.Fatalf("experiment %d of %+v: between %v and %v, the truth is %v", e, c, found.Kept, found.Breaks, truth)
			}
		}
		t.Logf("%+v: the truth was outside in %d of %d", c, missed, experiments)
		if float64(missed) > 0.05*experiments+3*math.Sqrt(0.05*0.95*experiments) {
			t.Errorf("%+v: the truth was outside in %d of %d", c, missed, experiments)
		}
	}
}

func TestCapacityThatIsNeverReached(t *testing.T) {
	search := Capacity{SLOs: []SLO{mustSLO(t, "latency_mean_seconds < 5")}, Confidence: 0.95, Seeds: seeds(1, 5), Precision: 0.02}
	for latency, kept := range map[float64]bool{1: true, 9: false} {
		found, err := search.Find(t.Context(), func(_ context.Context, _ float64, seeds []uint64) (out []*results.Run, _ error) {
			for range seeds {
				out = append(out, &results.Run{Metrics: metrics.Values{"latency_mean_seconds": latency}})
			}
			return out, nil
		})
		if err != nil || (found.Kept > 0) != kept || math.IsInf(found.Breaks, 1) != kept || len(found.Probes) != mostDoublings {
			t.Errorf("latency %v: %+v, %v", latency, found, err)
		}
	}
}
