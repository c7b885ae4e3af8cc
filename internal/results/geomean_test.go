package results

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// services makes summaries of services with one metric; 0 leaves it out.
func services(metric string, means ...float64) map[string]ServiceSummary {
	out := map[string]ServiceSummary{}
	for i, x := range means {
		s := ServiceSummary{Metrics: map[string]Estimate{"slo_attainment_ratio": {Mean: 0.9}}}
		if x != 0 {
			s.Metrics[metric] = Estimate{Mean: x}
		}
		out[string(rune('a'+i))] = s
	}
	return out
}

// By hand: ratios of 0.8 and 0.9 have the geometric mean √0.72; one halved and one
// doubled 1. A service without the metric on both sides is left out, and of one
// there is no mean. What improves upwards, or no service has, has none.
func TestServiceGeomeans(t *testing.T) {
	const p95 = "latency_p95_seconds"
	names := []string{p95, "slo_attainment_ratio", "energy_kwh"}
	for _, c := range []struct {
		name     string
		a, b     []float64
		services []string
		change   float64
	}{
		{"two services", []float64{0.1, 0.5}, []float64{0.08, 0.45}, []string{"a", "b"}, math.Sqrt(0.72) - 1},
		{"halved and doubled", []float64{0.1, 0.5}, []float64{0.05, 1}, []string{"a", "b"}, 0},
		{"one left out", []float64{0.1, 0.5, 0.2}, []float64{0.2, 0, 0.4}, []string{"a", "c"}, 1},
		{"one is no mean", []float64{0.1, 0.5}, []float64{0.2, 0}, nil, 0},
	} {
		got, err := ServiceGeomeans(services(p95, c.a...), services(p95, c.b...), names)
		if err != nil {
			t.Fatal(err)
		}
		var want []ServiceGeomean
		if c.services != nil {
			want = []ServiceGeomean{{p95, c.services, Round(c.change)}}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
	if _, err := ServiceGeomeans(nil, nil, []string{"energy"}); err == nil {
		t.Error("an unknown metric is no error")
	}
}

// A service in several regions counts once: its regions are parts of it.
func TestServiceGeomeansCountNoRegions(t *testing.T) {
	const p95 = "latency_p95_seconds"
	a, b := services(p95, 0.1, 0.5), services(p95, 0.08, 0.45)
	for _, region := range []string{"north", "south"} {
		a["a@"+region], b["a@"+region] = a["a"], b["b"]
	}
	got, err := ServiceGeomeans(a, b, []string{p95})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]ServiceGeomean{{p95, []string{"a", "b"}, Round(math.Sqrt(0.72) - 1)}}, got); d != "" {
		t.Error(d)
	}
	delete(a, "b") // one service, in two regions
	if got, err := ServiceGeomeans(a, b, []string{p95}); err != nil || got != nil {
		t.Errorf("%+v, %v", got, err)
	}
}

// By hand: differences 1, 2, 3 have the mean 2 and the standard deviation 1, so t =
// 2√3 with two degrees of freedom, and p = 1 − t/√(2 + t²) = 1 − √(12/14). Holm
// doubles it beside a second metric with p = 1. Sign-flip cannot go below 2/2³.
func TestPairByStudent(t *testing.T) {
	a, b := side("a", "energy_kwh", 10, 20, 30), side("b", "energy_kwh", 11, 22, 33)
	for i := range a.Replications {
		a.Replications[i].Metrics["gpu_hours"], b.Replications[i].Metrics["gpu_hours"] = 5, 5
	}
	o := SideOptions{Metrics: []string{"energy_kwh", "gpu_hours"}}
	flip := pair(t, a, b, o)
	o.Test = TTest
	student := pair(t, a, b, o)
	own := 1 - math.Sqrt(12.0/14)
	if r := student.Rows[0]; math.Abs(r.P-2*own) > 1e-9 || math.Abs(r.PairedT-own) > 1e-9 || r.Verdict != CannotSay {
		t.Errorf("%+v, want p %v", r, 2*own)
	}
	if r := flip.Rows[0]; math.Abs(r.P-0.5) > 1e-12 || flip.Test != "" {
		t.Errorf("sign-flip: %+v", r)
	}
	if few := strings.Join(flip.Warnings, " "); !strings.Contains(few, "too few seeds (3)") || len(student.Warnings) != 0 {
		t.Errorf("warnings of sign-flip %q, of t %q", flip.Warnings, student.Warnings)
	}
	// Differences of 2, 2.1 and 1.9: t = 2/(0.1/√3) = 20√3, p = 1 − √(1200/1202).
	b = side("b", "energy_kwh", 12, 22.1, 31.9)
	o.Metrics = o.Metrics[:1]
	if r := pair(t, a, b, o).Rows[0]; math.Abs(r.P-(1-math.Sqrt(1200.0/1202))) > 1e-9 || r.Verdict != Worse {
		t.Errorf("%+v", r)
	}
	// Of one seed nothing can be said.
	one := pair(t, side("a", "energy_kwh", 1), side("b", "energy_kwh", 2), o)
	if r := one.Rows[0]; r.P != 1 || r.Verdict != CannotSay || len(one.Warnings) != 1 {
		t.Errorf("one seed: %+v, %q", r, one.Warnings)
	}
}
