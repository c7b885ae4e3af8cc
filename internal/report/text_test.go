package report

import (
	"bytes"
	"errors"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/kwatt-sim/kwatt/internal/golden"
	"github.com/kwatt-sim/kwatt/internal/grade"
	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/rng"
	"github.com/kwatt-sim/kwatt/internal/tty"
)

// madeUpSummary runs figures of the right size, not true ones, through
// Summarise: seeds move all policies together and a policy's own noise is 1 %.
func madeUpSummary(t testing.TB, policies []string, seeds int, services ...string) *results.Summary {
	t.Helper()
	size := metrics.Values{
		"latency_p95_seconds": 0.0482, "slo_attainment_ratio": 0.9, "gpu_busy_ratio": 0.31, "gpu_hours": 960,
		"replicas_mean": 40, "energy_kwh": 74.2, "joules_per_request": 0.62, "co2e_grams_per_million_requests": 61234,
		"cost_usd_per_million_requests": 0.784, "requests_arrived_total": 4.3e8,
	}
	var runs []*results.Run
	for i, policy := range policies {
		for seed := 1; seed <= seeds; seed++ {
			common := rng.New(uint64(seed)).Stream("common")
			own := rng.New(uint64(seed)).Stream("own", policy)
			r := &results.Run{
				Policy: policy, Seed: uint64(seed), Metrics: metrics.Values{}, Services: map[string]metrics.Values{},
				Ledger:        results.Ledger{Arrivals: 430_000_123, Served: 429_990_000, Dropped: 10_000, TimedOut: 100, InFlight: 23},
				EnergyByGrade: [grade.Count]float64{0.1, 0.3 - 0.3*float64(i%2), 0.1, 0.5 + 0.3*float64(i%2)},
			}
			for _, m := range metrics.Catalogue() {
				if x, ok := size[m.Name]; ok {
					x *= (1 - 0.1*float64(i)) * (1 + 0.03*common.Norm()) * (1 + 0.01*own.Norm())
					r.Metrics[m.Name] = x
					for _, s := range services {
						if m.PerService {
							if r.Services[s] == nil {
								r.Services[s] = metrics.Values{}
							}
							r.Services[s][m.Name] = x / 2
						}
					}
				}
			}
			runs = append(runs, r)
		}
	}
	s, err := results.Summarise(runs, results.Inputs{
		Scenario: "ecommerce-recsys", Effective: []byte("kind: Scenario\n"), Policies: policies,
		Grades: results.Grades{Power: grade.X, ServiceTime: grade.B, Carbon: grade.A},
		Notes: []results.Note{
			{Kind: results.NoteSource, Text: "An example of a source with a long address, https://example.org/a/very/long/address/that/does/not/fit/into/eighty/columns/whatever/is/tried"},
			{Kind: results.NoteAssumption, Text: "The trace of 2017 meets the carbon series of 2024 by month, day and hour in the region's local time."},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var fourPolicies = []string{"static", "hpa", "energy-aware", "forecast"}

func textOf(t testing.TB, s *results.Summary, o Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := Text(&b, s, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func markdownOf(t testing.TB, s *results.Summary, o Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := Markdown(&b, s, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGoldenReports(t *testing.T) {
	command := Options{Command: "sim run scenarios/ecommerce-recsys.yaml --seeds 1..10"}
	for name, got := range map[string]string{
		"four-policies.txt":       textOf(t, madeUpSummary(t, fourPolicies, 10, "ranker"), Options{}),
		"four-policies-color.txt": textOf(t, madeUpSummary(t, fourPolicies, 10, "ranker"), Options{Color: true}),
		"one-seed.txt":            textOf(t, madeUpSummary(t, fourPolicies[:2], 1, "ranker"), Options{}),
		"four-policies.md":        markdownOf(t, madeUpSummary(t, fourPolicies, 10, "ranker"), command),
		"two-services.md":         markdownOf(t, madeUpSummary(t, fourPolicies[:2], 5, "ranker", "search"), command),
	} {
		golden.Check(t, filepath.Join("testdata", name), []byte(got))
	}
}

// Whatever the policies are called and however wide the terminal is: no line
// is too long, and every headline figure of every policy is there.
func TestTextInvariants(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		names := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z][a-z0-9-]{0,40}`), 1, 7, rapid.ID).Draw(rt, "policies")
		width := rapid.IntRange(50, 120).Draw(rt, "width")
		s := madeUpSummary(t, names, rapid.IntRange(1, 3).Draw(rt, "seeds"))
		out := textOf(t, s, Options{Width: width, Currency: "doubloons"})
		for _, l := range strings.Split(out, "\n") {
			if utf8.RuneCountInString(l) > width {
				rt.Fatalf("%d runes in %q", utf8.RuneCountInString(l), l)
			}
		}
		for _, p := range s.Policies {
			if !strings.Contains(joined(out), p.Name) {
				rt.Fatalf("policy %s is not named", p.Name)
			}
		}
		checkMeans(rt, s, func(label string) string {
			cells := ""
			for _, l := range strings.Split(out, "\n") {
				if strings.HasPrefix(l, label) {
					cells += l + " "
				}
			}
			return cells
		})
	})
}

// joined undoes the wrapping of lines, which can cut a long name.
func joined(s string) string { return regexp.MustCompile(`\n *`).ReplaceAllString(s, "") }

// checkMeans looks for every headline mean in what cells returns for its row.
func checkMeans(t rapid.TB, s *results.Summary, cells func(label string) string) {
	t.Helper()
	rows, err := headlineRows(s, Options{Currency: "doubloons"})
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != len(results.Headline()) {
		t.Fatalf("%d rows, want %d", len(rows), len(results.Headline()))
	}
	for _, row := range rows {
		got := cells(row.scale.labelled(row.metric))
		for _, p := range s.Policies {
			want := tty.Number(p.Metrics[row.metric].Mean*row.scale.factor) + " ± "
			if !strings.Contains(got, want) {
				t.Fatalf("%s of %s: no %q in %q", row.metric, p.Name, want, got)
			}
		}
	}
}

func TestRedLine(t *testing.T) {
	s := madeUpSummary(t, fourPolicies, 2)
	want := "!! 80% of the node energy of hpa rests on grade X"
	if out := textOf(t, s, Options{}); !strings.Contains(out, "\n"+want) || strings.Contains(out, "\x1b") {
		t.Errorf("no line %q without colour in\n%s", want, out)
	}
	if out := textOf(t, s, Options{Color: true}); !strings.Contains(out, "\x1b[31m"+want) {
		t.Errorf("no red line %q in\n%q", want, out)
	}
	if out := textOf(t, s, Options{}); strings.Contains(out, "node energy of static rests") {
		t.Error("exactly half is not more than half")
	}
	if out := markdownOf(t, s, Options{}); !strings.Contains(out, "**⚠ 80% of the node energy of hpa") {
		t.Errorf("no bold line in\n%s", out)
	}
}

// "~" says that the seeds sufficed and showed nothing; with too few of them
// the difference shows with a question mark.
func TestTooFewSeedsIsNotNoDifference(t *testing.T) {
	few := madeUpSummary(t, fourPolicies[:2], 3)
	for _, out := range []string{textOf(t, few, Options{}), markdownOf(t, few, Options{})} {
		if strings.Contains(out, "~ (p=") || strings.Count(out, "% ?")+strings.Count(out, ") ?") != len(results.Headline()) {
			t.Errorf("three seeds must give question marks:\n%s", out)
		}
	}
	enough := madeUpSummary(t, fourPolicies[:2], 10)
	for i := range enough.Comparisons {
		enough.Comparisons[i].P, enough.Comparisons[i].Verdict = 0.6, results.CannotSay
	}
	if out := textOf(t, enough, Options{}); strings.Count(out, "~ (p=0.600)") != len(results.Headline()) {
		t.Errorf("ten seeds that show nothing must give ~:\n%s", out)
	}
}

func TestBrokenLedgerShows(t *testing.T) {
	s := madeUpSummary(t, fourPolicies[:1], 1)
	s.Policies[0].Replications[0].Ledger.Served -= 1234
	for _, out := range []string{textOf(t, s, Options{}), markdownOf(t, s, Options{})} {
		if !strings.Contains(out, "✗ 1,234 missing") {
			t.Errorf("1234 lost requests do not show in\n%s", out)
		}
	}
}

func TestColourOnlyColours(t *testing.T) {
	s := madeUpSummary(t, fourPolicies, 10)
	stripped := regexp.MustCompile("\x1b\\[[0-9]+m|\x1b\\[0m").ReplaceAllString(textOf(t, s, Options{Color: true}), "")
	if d := cmp.Diff(textOf(t, s, Options{}), stripped); d != "" {
		t.Error(d)
	}
}

func TestHostileText(t *testing.T) {
	s := madeUpSummary(t, []string{"static", "a|b"}, 2)
	s.Scenario.Name = "x\x1b]0;owned\a<script>"
	s.Notes = append(s.Notes, results.Note{Kind: results.NoteSource, Text: "a\n# b | <img src=x> ``` \x1b[31m"})
	if out := textOf(t, s, Options{}); strings.ContainsAny(out, "\x1b\a") {
		t.Errorf("an escape sequence came through: %q", out)
	}
	out := markdownOf(t, s, Options{Command: "sim run ```\nrm"})
	for _, bad := range []string{"\x1b", " <script>", " <img", "\n# b", "\nrm", "| a|b |"} {
		if strings.Contains(out, bad) {
			t.Errorf("%q came through:\n%s", bad, out)
		}
	}
}

type brokenWriter struct{}

var errBroken = errors.New("broken pipe")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestReportErrors(t *testing.T) {
	s := madeUpSummary(t, fourPolicies, 2)
	for _, err := range []error{Text(brokenWriter{}, s, Options{}), Markdown(brokenWriter{}, s, Options{})} {
		if !errors.Is(err, errBroken) {
			t.Errorf("a failed write gives %v", err)
		}
	}
}
