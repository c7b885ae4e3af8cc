package results

import (
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/kwatt-sim/kwatt/internal/metrics"
)

func TestSummariseIgnoresOrder(t *testing.T) {
	runs := testRuns(4, 0)
	want, err := Summarise(runs, testInputs)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		got, err := Summarise(rapid.Permutation(runs).Draw(t, "runs"), testInputs)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatal(d)
		}
	})
}

func TestSummariseByHand(t *testing.T) {
	var runs []*Run
	for seed, energy := range []float64{10, 20, 30} {
		for _, p := range []struct {
			name   string
			factor float64
		}{{"static", 1}, {"hpa", 0.5}} {
			runs = append(runs, &Run{
				Policy: p.name, Seed: uint64(seed + 1),
				Metrics: metrics.Values{"energy_kwh": energy * p.factor},
			})
		}
	}
	s, err := Summarise(runs, Inputs{Scenario: "demo", Policies: []string{"static", "hpa"}})
	if err != nil {
		t.Fatal(err)
	}
	// t(2, .975) = 4.30265273; the standard deviation is 10.
	want := Estimate{Mean: 20, CILow: Round(20 - 4.302652729911275*10/math.Sqrt(3)), CIHigh: Round(20 + 4.302652729911275*10/math.Sqrt(3)), N: 3}
	if d := cmp.Diff(want, s.Policies[0].Metrics["energy_kwh"]); d != "" {
		t.Error(d)
	}
	// Every seed halves: the interval of the ratio is a point; 2/2³ = 0.25 cannot decide.
	comparison := []Comparison{{Base: "static", Policy: "hpa", Metric: "energy_kwh", DeltaRatio: -0.5, CILow: -0.5, CIHigh: -0.5, P: 0.25, Verdict: "~"}}
	if d := cmp.Diff(comparison, s.Comparisons); d != "" {
		t.Error(d)
	}
	notes := []Note{{NoteWarning, "too few seeds (3) for any difference to be significant: use at least 6 (exact sign-flip test, p <= 0.05, metrics compared: 1)"}}
	if d := cmp.Diff(notes, s.Notes); d != "" {
		t.Error(d)
	}
}

func TestComparisons(t *testing.T) {
	s, err := Summarise(testRuns(10, 0), testInputs)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Comparisons) != 2*len(Headline()) {
		t.Fatalf("%d comparisons, want each headline metric for 2 policies", len(s.Comparisons))
	}
	for _, c := range s.Comparisons {
		// 30 or 40 % below at 1 % noise: all ten seeds agree, p = 9 · 2/2¹⁰.
		if c.Base != "static" || c.P != Round(9*2.0/1024) || c.DeltaRatio > -0.25 || c.CILow > c.DeltaRatio || c.CIHigh < c.DeltaRatio {
			t.Errorf("unexpected %+v", c)
		}
		want := Better
		if m, _ := metrics.Find(c.Metric); m.Better == metrics.HigherIsBetter {
			want = Worse
		}
		if c.Verdict != want {
			t.Errorf("%s fell, verdict %q, want %q", c.Metric, c.Verdict, want)
		}
	}
	for _, n := range s.Notes {
		if n.Kind == NoteWarning {
			t.Errorf("ten seeds need no warning: %s", n.Text)
		}
	}
}

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		metric   string
		p, delta float64
		want     string
	}{
		{"energy_kwh", 0.05, -0.1, Better},
		{"energy_kwh", 0.05, 0.1, Worse},
		{"energy_kwh", 0.0501, -0.1, CannotSay},
		{"slo_attainment_ratio", 0.01, 0.1, Better},
		{"slo_attainment_ratio", 0.01, -0.1, Worse},
		{"batch_size_mean", 0.01, -0.1, Different},
		{"energy_kwh", 0.01, 0, CannotSay},
	} {
		if got, err := verdict(c.metric, c.p, c.delta); err != nil || got != c.want {
			t.Errorf("verdict(%s, %v, %v) = %q, %v, want %q", c.metric, c.p, c.delta, got, err, c.want)
		}
	}
}

func TestHeadlineIsInTheCatalogue(t *testing.T) {
	for _, name := range Headline() {
		if _, err := metrics.Find(name); err != nil {
			t.Error(err)
		}
	}
}

func TestWarnings(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func([]*Run) []*Run
		want string
	}{
		{"of runs", func(r []*Run) []*Run {
			r[0].Warnings, r[1].Warnings = []string{"queue full"}, []string{"queue full"}
			return r
		}, "policy static, 2 of 10 seeds: queue full"},
		{"one seed", func(r []*Run) []*Run { return []*Run{r[0], r[10]} }, "too few seeds (1) for a confidence interval: use at least 2"},
		{"unpaired", func(r []*Run) []*Run { return slices.Delete(r, 12, 13) }, "static and hpa are compared on the 9 seeds they share"},
		{"no run of a policy", func(r []*Run) []*Run { return r[:20] }, "no run of policy forecast has finished"},
		{"zero base", func(r []*Run) []*Run {
			for _, x := range r[:10] {
				x.Metrics["gpu_busy_ratio"] = 0
			}
			return r
		}, "hpa has no ratio to static where the mean of static is zero: gpu_busy_ratio"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := Summarise(c.edit(testRuns(10, 0)), testInputs)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(s.Notes, Note{NoteWarning, c.want}) {
				t.Errorf("no warning %q in %v", c.want, s.Notes)
			}
		})
	}
}

func TestSummariseRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func([]*Run) []*Run
		want string
	}{
		{"nothing", func([]*Run) []*Run { return nil }, "summarise demo: no runs"},
		{"a seed twice", func(r []*Run) []*Run { return append(r, r[1]) }, "policy static has seed 2 twice"},
		{"another policy", func(r []*Run) []*Run { r[0].Policy = "x"; return r }, `run of policy "x", which is not one of static, hpa, forecast`},
		{"NaN", func(r []*Run) []*Run { r[2].Metrics["energy_kwh"] = math.NaN(); return r }, "policy static: seed 3: energy_kwh is NaN"},
		{"Inf of a service", func(r []*Run) []*Run { r[2].Services["ranker"]["replicas_max"] = math.Inf(1); return r }, "policy static: seed 3, service ranker: replicas_max is +Inf"},
		{"NaN share of energy", func(r []*Run) []*Run { r[1].EnergyByGrade[3] = math.NaN(); return r }, "seed 2: share of energy of grade X is NaN"},
		{"an unknown metric", func(r []*Run) []*Run { r[2].Metrics["energy_wh"] = 1; return r }, `unknown metric "energy_wh"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Summarise(c.edit(testRuns(3, 0)), testInputs)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want it to say %q", err, c.want)
			}
		})
	}
}

// A metric that some replications lack is estimated over the others.
func TestAbsentFigures(t *testing.T) {
	runs := testRuns(3, 0)
	delete(runs[0].Metrics, "latency_p95_seconds")
	for _, r := range runs[3:6] {
		delete(r.Metrics, "latency_p95_seconds")
	}
	s, err := Summarise(runs, testInputs)
	if err != nil {
		t.Fatal(err)
	}
	if n := s.Policies[0].Metrics["latency_p95_seconds"].N; n != 2 {
		t.Errorf("static's p95 has n = %d, want 2", n)
	}
	if e, ok := s.Policies[1].Metrics["latency_p95_seconds"]; ok {
		t.Errorf("hpa served nothing and has a p95: %+v", e)
	}
	if slices.ContainsFunc(s.Comparisons, func(c Comparison) bool { return c.Policy == "hpa" && c.Metric == "latency_p95_seconds" }) {
		t.Error("hpa is compared on a latency it does not have")
	}
}

var number = regexp.MustCompile(`-?\d+(\.\d+)?([eE][-+]?\d+)?`)

// significant counts the digits that a decimal number states.
func significant(n string) int {
	mantissa, _, _ := strings.Cut(strings.ToLower(n), "e")
	digits := strings.TrimLeft(strings.NewReplacer("-", "", ".", "").Replace(mantissa), "0")
	return len(strings.TrimRight(digits, "0"))
}

func TestJSONHasNineDigits(t *testing.T) {
	s := &Summary{
		Policies: []PolicySummary{{
			Metrics:       map[string]Estimate{"energy_kwh": {Mean: math.Pi, CILow: 1e-9 / 3, CIHigh: 2e30 / 3, N: 3, ModelLow: 1.0 / 3, ModelHigh: 1.0 / 7}},
			Replications:  []Replication{{Metrics: metrics.Values{"energy_kwh": 1234567891.25}}},
			EnergyByGrade: map[string]float64{"A": 1.0 / 3}, EnergyByComponent: []Component{{"busy", 1.0 / 3, 1.0 / 7}},
		}},
		Comparisons: []Comparison{{DeltaRatio: -1.0 / 3, CILow: 1.0 / 7, CIHigh: 2.0 / 3, ModelLow: -2.0 / 3, ModelHigh: 1.0 / 9, P: 1.0 / 1024 / 3}},
	}
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range number.FindAllString(string(b), -1) {
		if significant(n) > Digits {
			t.Errorf("%s has %d significant digits", n, significant(n))
		}
	}
	for _, want := range []string{"3.14159265", "3.33333333e-10", "1234567890", "0.333333333", "0.000325520833"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %s in %s", want, b)
		}
	}
}

func TestRound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Float64().Draw(t, "x")
		r := Round(x)
		if Round(r) != r {
			t.Fatalf("Round(%v) = %v, rounded again %v", x, r, Round(r))
		}
		if !(math.Abs(r-x) <= 5.0001e-9*math.Abs(x)) && math.Abs(x) > 1e-300 {
			t.Fatalf("Round(%v) = %v", x, r)
		}
	})
}

func TestID(t *testing.T) {
	base := ID([]byte("a"), []string{"p", "q"}, []uint64{1, 2})
	if !regexp.MustCompile(`^[0-9a-f]{12}$`).MatchString(base) {
		t.Errorf("ID %q is not twelve hex digits", base)
	}
	for _, other := range []string{
		ID([]byte("b"), []string{"p", "q"}, []uint64{1, 2}),
		ID([]byte("a"), []string{"pq"}, []uint64{1, 2}),
		ID([]byte("a"), []string{"q", "p"}, []uint64{1, 2}),
		ID([]byte("a"), []string{"p", "q"}, []uint64{1}),
		ID([]byte("a"), []string{"p", "q"}, []uint64{1, 3}),
	} {
		if other == base {
			t.Errorf("different inputs share the ID %s", base)
		}
	}
}
