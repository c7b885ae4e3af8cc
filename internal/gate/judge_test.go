package gate

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/rng"
	"github.com/kwatt-sim/kwatt/internal/stats"
)

const energyCheck = "    - {policy: static, metric: energy_kwh, maxIncrease: 2%}\n"

func TestRegressionVerdicts(t *testing.T) {
	f := load(t, energyCheck)
	base := around("base", 10, 100, 5)
	b := baselineOf(t, f, runsOf("static", "energy_kwh", base...))
	noise := around("noise", 10, 0, 1)
	for _, c := range []struct {
		name   string
		change func(i int) float64
		want   Verdict
		reason string
	}{
		{"nothing", func(int) float64 { return 0 }, Pass, ""},
		{"1 % in every seed", func(i int) float64 { return 0.01 * base[i] }, Pass, ""},
		{"10 % less", func(i int) float64 { return -0.1 * base[i] }, Pass, ""},
		{"10 % more", func(i int) float64 { return 0.1*base[i] + noise[i] }, Fail, "with 95% confidence; the limit is maxIncrease 2%"},
		{"3 % in every seed", func(i int) float64 { return 0.03 * base[i] }, Fail, ": +3.0%, at least +3.0%"},
		{"1.8 % and as much noise", func(i int) float64 { return 0.018*base[i] + noise[i] }, Inconclusive, "seeds would decide"},
	} {
		r := judge(t, f, b, runsOf("static", "energy_kwh", plus(base, c.change)...))
		o := r.Outcomes[0]
		if r.Verdict != c.want || !strings.Contains(o.Reason, c.reason) || o.Seeds != 10 || o.Line != 8 {
			t.Errorf("%s: %s with %d seeds, line %d: %s", c.name, r.Verdict, o.Seeds, o.Line, o.Reason)
		}
		if (o.SeedsNeeded > 10) != (c.want == Inconclusive) {
			t.Errorf("%s: %d seeds needed", c.name, o.SeedsNeeded)
		}
	}
}

func TestThresholdVerdicts(t *testing.T) {
	for _, c := range []struct {
		check  string
		values []float64
		want   Verdict
	}{
		{"metric: latency_p95_seconds, max: 200ms", around("x", 8, 0.19, 0.002), Pass},
		{"metric: latency_p95_seconds, max: 200ms", around("x", 8, 0.21, 0.002), Fail},
		{"metric: latency_p95_seconds, max: 200ms", around("x", 8, 0.2, 0.002), Inconclusive},
		{"service: ranker, metric: latency_p95_seconds, max: 100ms", around("x", 8, 0.19, 0.002), Pass}, // runsOf halves it
		{"metric: slo_attainment_ratio, min: 99%", around("x", 8, 0.995, 0.001), Pass},
		{"metric: slo_attainment_ratio, min: 99%", around("x", 8, 0.98, 0.001), Fail},
		{"metric: latency_p95_seconds, max: 200ms", []float64{0.1, 0.1, 0.1, 0.1}, Inconclusive}, // 1/2⁴ > 0.05, however alike
		{"metric: latency_p95_seconds, max: 200ms", []float64{0.1, 0.1, 0.1, 0.1, 0.1}, Pass},
		{"metric: latency_p95_seconds, max: 200ms, confidence: 0.99", []float64{0.1, 0.1, 0.1, 0.1, 0.1}, Inconclusive},
		{"metric: latency_p95_seconds, max: 200ms", []float64{0.2, 0.2, 0.2, 0.2, 0.2}, Pass}, // on the limit
		// The limit is the best there is: one seed beyond it decides.
		{"metric: requests_dropped_total, max: 0", []float64{0, 0, 0, 0, 0, 0}, Pass},
		{"metric: requests_dropped_total, max: 0", []float64{0, 0, 1, 0, 0, 0}, Fail},
		{"metric: requests_dropped_total, max: 0", []float64{0, 0, 0}, Inconclusive},
		{"metric: slo_attainment_ratio, min: 100%", []float64{1, 1, 1, 1, 1, 1}, Pass},
		{"metric: slo_attainment_ratio, min: 100%", []float64{1, 1, 1, 1, 1, 0.9999}, Fail},
		// It is not: one bad seed may be made up for.
		{"metric: requests_dropped_total, max: 3", []float64{0, 0, 2, 0, 0, 0}, Pass},
	} {
		f := load(t, "    - {policy: lean, "+c.check+"}\n")
		_, name, _ := strings.Cut(c.check, "metric: ")
		name, _, _ = strings.Cut(name, ",")
		r := judge(t, f, nil, runsOf("lean", name, c.values...))
		if r.Verdict != c.want {
			t.Errorf("%s of %v: %s: %s", c.check, c.values, r.Verdict, r.Outcomes[0].Reason)
		}
	}
}

// What is not there, or not comparable, never passes.
func TestAGateFailsClosed(t *testing.T) {
	f := load(t, energyCheck)
	base := around("base", 8, 100, 5)
	runs := runsOf("static", "energy_kwh", base...)
	good := baselineOf(t, f, runs)
	edit := func(change func(*Baseline)) *Baseline {
		b := *good
		b.Workload = map[string]string{}
		for k, v := range good.Workload {
			b.Workload[k] = v
		}
		b.Figures, b.Arrivals, b.Seeds = slices.Clone(good.Figures), slices.Clone(good.Arrivals), slices.Clone(good.Seeds)
		change(&b)
		return &b
	}
	without := runsOf("static", "energy_kwh", base...)
	delete(without[2].Metrics, "energy_kwh")
	nan := runsOf("static", "energy_kwh", base...)
	nan[4].Metrics["energy_kwh"] = math.NaN()
	for _, c := range []struct {
		name   string
		b      *Baseline
		runs   []*results.Run
		reason string
	}{
		{"no baseline", nil, runs, "base.json: write it with --update-baseline"},
		{"another trace", edit(func(b *Baseline) { b.Workload["files"] = "0" }), runs, "another workload"},
		{"a field that kwatt has since learned", edit(func(b *Baseline) { delete(b.Workload, "spec.carbon") }), runs, "spec.carbon changed"},
		{"another load", edit(func(b *Baseline) { b.Arrivals[3]++ }), runs, "seed 4 brought 604 requests when the baseline was written, and brings 603 now"},
		{"no such figure", edit(func(b *Baseline) { b.Figures = nil }), runs, "the baseline has no energy_kwh"},
		{"other seeds", edit(func(b *Baseline) {
			for i := range b.Seeds {
				b.Seeds[i] += 100
			}
		}), runs, "none of the seeds"},
		{"a figure missing", good, without, "has no energy_kwh with seed 3"},
		{"not a number", good, nan, "has no energy_kwh with seed 5"},
		{"no runs", good, nil, "no replication of policy static"},
		{"runs of another policy", good, runsOf("lean", "energy_kwh", base...), "no replication of policy static"},
	} {
		r := judge(t, f, c.b, c.runs)
		if r.Verdict != Fail || !strings.Contains(r.Outcomes[0].Reason, c.reason) {
			t.Errorf("%s: %s: %s", c.name, r.Verdict, r.Outcomes[0].Reason)
		}
	}
	// What was never looked at is no pass either.
	j, err := NewJudge(f, good)
	if err != nil {
		t.Fatal(err)
	}
	if v := j.Report("v1").Verdict; v != Inconclusive {
		t.Errorf("without a look: %s", v)
	}
}

// A check is judged on the seeds that the baseline has, and the gate says that it
// has no more.
func TestFewerSeedsInTheBaseline(t *testing.T) {
	f := load(t, energyCheck)
	base := around("base", 12, 100, 5)
	b := baselineOf(t, f, runsOf("static", "energy_kwh", base[:6]...))
	noise := around("noise", 12, 0, 1)
	r := judge(t, f, b, runsOf("static", "energy_kwh", plus(base, func(i int) float64 { return 0.018*base[i] + noise[i] })...))
	if o := r.Outcomes[0]; r.Verdict != Inconclusive || o.Seeds != 6 || len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "the baseline has 6 seeds") {
		t.Errorf("%s with %d seeds, notes %q", r.Verdict, o.Seeds, r.Notes)
	}
}

// One failure among many checks asks for a smaller p; a pass does not.
func TestFailuresShareTheirErrorRate(t *testing.T) {
	one := "    - {policy: static, metric: latency_p95_seconds, max: 100ms}\n"
	several := one
	for _, m := range []string{"latency_p50_seconds", "latency_p90_seconds", "latency_p99_seconds", "latency_mean_seconds"} {
		several += "    - {policy: static, metric: " + m + ", max: 100ms}\n"
	}
	// Five seeds beyond the limit: p = 1/32 = 0.031, times five 0.156.
	runs := runsOf("static", "latency_p95_seconds", 0.11, 0.12, 0.11, 0.13, 0.12)
	for _, r := range runs {
		for _, m := range []string{"latency_p50_seconds", "latency_p90_seconds", "latency_p99_seconds", "latency_mean_seconds"} {
			r.Metrics[m] = 0.05
		}
	}
	if r := judge(t, load(t, one), nil, runs); r.Verdict != Fail || r.Outcomes[0].PFail != 1.0/32 {
		t.Errorf("one check: %s, p %v", r.Verdict, r.Outcomes[0].PFail)
	}
	r := judge(t, load(t, several), nil, runs)
	if r.Verdict != Inconclusive || r.Outcomes[0].PFail != 5.0/32 || r.Count(Pass) != 4 {
		t.Errorf("five checks: %s, p %v, %d passed", r.Verdict, r.Outcomes[0].PFail, r.Count(Pass))
	}
	if need := r.Outcomes[0].SeedsNeeded; need != 7 { // 5 · 1/2⁷ = 0.039
		t.Errorf("%d seeds needed, want 7", need)
	}
}

// A verdict that was given stands; only what is open is looked at again, and only
// its policies need more seeds.
func TestLooks(t *testing.T) {
	f := load(t, "    - {policy: static, metric: latency_p95_seconds, max: 100ms}\n    - {policy: lean, metric: latency_p95_seconds, max: 100ms}\n")
	j, err := NewJudge(f, nil)
	if err != nil {
		t.Fatal(err)
	}
	good := around("x", 8, 0.05, 0.001)
	close := around("y", 24, 0.0992, 0.001)
	runs := append(runsOf("static", "latency_p95_seconds", good...), runsOf("lean", "latency_p95_seconds", close[:8]...)...)
	if got := j.Undecided(); !slices.Equal(got, []string{"static", "lean"}) {
		t.Fatalf("undecided at first: %v", got)
	}
	j.Look(runs, 1.0/3)
	if got := j.Undecided(); !slices.Equal(got, []string{"lean"}) {
		t.Fatalf("undecided after a look: %v", got)
	}
	j.Look(append(runsOf("static", "latency_p95_seconds", good...), runsOf("lean", "latency_p95_seconds", close...)...), 2.0/3)
	r := j.Report("v1")
	if r.Verdict != Pass || r.Outcomes[0].Seeds != 8 || r.Outcomes[1].Seeds != 24 || len(j.Undecided()) != 0 {
		t.Errorf("%s with %d and %d seeds: %s", r.Verdict, r.Outcomes[0].Seeds, r.Outcomes[1].Seeds, r.Outcomes[1].Reason)
	}
}

// verdictOf is the report's verdict without its explanations, which take longer
// than the judgement.
func verdictOf(j *Judge) Verdict {
	v := Pass
	for _, o := range j.outcomes {
		if o.Verdict == Fail || v == Pass {
			v = o.Verdict
		}
	}
	return v
}

// The whole gate, with looks and several checks, over generated experiments whose
// figures lie on their limits: it fails in at most 5 % of them, though any of
// three checks could fail; and one that should not pass passes in at most 5 %.
func TestFalseVerdictsOfAWholeGate(t *testing.T) {
	names := []string{"latency_p50_seconds", "latency_p90_seconds", "latency_p95_seconds"}
	checks := ""
	for _, m := range names {
		checks += "    - {policy: static, metric: " + m + ", max: 1s}\n"
	}
	f := load(t, checks)
	looks, err := stats.Looks(8, 16)
	if err != nil {
		t.Fatal(err)
	}
	const experiments = 4000
	count := func(means [3]float64) (failed, passed int) {
		noise := rng.New(7).Stream("test", "gate")
		for range experiments {
			j, err := NewJudge(f, nil)
			if err != nil {
				t.Fatal(err)
			}
			var runs []*results.Run
			for _, l := range looks {
				for len(runs) < l.Seeds {
					common, values := noise.Norm(), metrics.Values{}
					for i, m := range names {
						values[m] = means[i] + 0.1*(0.5*common+noise.Norm())
					}
					runs = append(runs, &results.Run{Policy: "static", Seed: uint64(len(runs) + 1), Metrics: values})
				}
				j.Look(runs, l.Share)
				if len(j.Undecided()) == 0 {
					break
				}
			}
			switch verdictOf(j) {
			case Fail:
				failed++
			case Pass:
				passed++
			}
		}
		return failed, passed
	}
	most := int(experiments*0.05 + 3*math.Sqrt(experiments*0.05*0.95))
	failed, _ := count([3]float64{1, 1, 1})
	_, passed := count([3]float64{0.5, 0.5, 1})
	found, _ := count([3]float64{0.5, 0.5, 1.15})
	t.Logf("of %d gates %d failed with all on their limits, %d passed with one on its limit, %d failed with one 1.3 standard deviations beyond",
		experiments, failed, passed, found)
	if failed > most || passed > most {
		t.Errorf("want at most %d false verdicts", most)
	}
	if found < experiments*9/10 {
		t.Error("want nine of ten found")
	}
}
