package plan

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kwatt-sim/kwatt/internal/metrics"
	_ "github.com/kwatt-sim/kwatt/internal/policies/all" // that the scenario names
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/scenario"
	"github.com/kwatt-sim/kwatt/internal/workload"
)

// quantile by the nearest rank.
func quantile(sorted []float64, q float64) float64 {
	return sorted[max(int(math.Ceil(q*float64(len(sorted))))-1, 0)]
}

// What the busiest part alone is said to lose is lost by the whole window, even if
// all its other requests take no time.
func TestScreeningNeverDropsWhatKeeps(t *testing.T) {
	dropped := 0
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.SliceOfN(rapid.Float64Range(0, 2), 1, 200).Draw(t, "latencies in the part")
		rest := rapid.IntRange(0, 2000).Draw(t, "other requests")
		slices.Sort(part)
		values := metrics.Values{"requests_served_total": float64(len(part))}
		for _, at := range quantiles {
			values[at.metric] = quantile(part, at.q)
		}
		late := 0
		for _, x := range part {
			if x > 1 {
				late++
			}
		}
		values["slo_attainment_ratio"] = 1 - float64(late)/float64(len(part))
		all := append(make([]float64, rest), part...)
		slices.Sort(all)
		whole := float64(len(all))
		run := &results.Run{Metrics: values}
		for _, at := range quantiles {
			m, err := metrics.Find(at.metric)
			if err != nil {
				t.Fatal(err)
			}
			if (SLO{Metric: m, Limit: 1}).lostBy(run, whole) {
				dropped++
				// One request of rounding between two definitions of a quantile.
				if got := quantile(all, min(at.q+1/whole, 1)); got <= 1 {
					t.Fatalf("%s of the whole is %v, and the part was said to lose it", at.metric, got)
				}
			}
		}
		m, err := metrics.Find("slo_attainment_ratio")
		if err != nil {
			t.Fatal(err)
		}
		if (SLO{Metric: m, Limit: 0.9, Least: true}).lostBy(run, whole) && float64(late) <= 0.1*whole*(1-1e-9) {
			t.Fatalf("%d of %v are late, and 90%% was said to be lost", late, whole)
		}
	})
	if dropped == 0 {
		t.Error("nothing was ever dropped")
	}
}

// The part of a real day has the rates that the day has there, the peak among them.
func TestPartHasTheLoadOfTheWhole(t *testing.T) {
	const path = "../../scenarios/ecommerce-recsys.yaml"
	whole, err := scenario.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	from, length, ok := BusiestPart(Promised(whole), whole.Curves)
	if !ok {
		t.Fatal("no part")
	}
	overrides, ok := (&Screen{From: from, Length: length}).Part(whole)
	if !ok {
		t.Fatal("no overrides")
	}
	part, err := scenario.Load(path, overrides...)
	if err != nil {
		t.Fatal(err)
	}
	if got := part.Scenario.Spec.Duration.D(); got != length {
		t.Errorf("the part lasts %v, want %v", got, length)
	}
	rates := whole.Curves[0].Rates[int(from/time.Second):]
	for i, r := range part.Curves[0].Rates {
		if math.Abs(r-rates[i]) > 1e-9*rates[i] {
			t.Fatalf("second %d: %v req/s, in the whole %v", i, r, rates[i])
		}
	}
	sum := 0.0
	for _, r := range part.Curves[0].Rates {
		sum += r
	}
	if share := sum / (whole.Curves[0].Mean() * whole.Curves[0].Duration.Seconds()); share < 0.15 || share > 0.16 {
		t.Errorf("the part has %.3f of the requests, want 0.15", share)
	}
	if got, want := part.Curves[0].Peak(), whole.Curves[0].Peak(); math.Abs(got-want) > 1e-6 {
		t.Errorf("the part's peak is %v, want %v", got, want)
	}
}

func TestNoPartWithoutALatency(t *testing.T) {
	c, err := workload.NewCurve(workload.CurveConfig{Constant: 1, Duration: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, ok := BusiestPart([]SLO{mustSLO(t, "co2e_grams < 5")}, []*workload.Curve{c}); ok {
		t.Error("carbon cannot be lost in a part")
	}
	if _, _, ok := BusiestPart([]SLO{mustSLO(t, "latency_p50_seconds < 5")}, []*workload.Curve{c}); ok {
		t.Error("no half of the window has more than half of the requests late by their median")
	}
	if from, length, ok := BusiestPart([]SLO{mustSLO(t, "latency_p95_seconds < 5")}, []*workload.Curve{c}); !ok || from != 0 || length != 9*time.Minute {
		t.Errorf("%v, %v, %v: want the first 15%%", from, length, ok)
	}
}
