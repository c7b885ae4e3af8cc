package gate

import (
	"encoding/xml"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/kwatt-sim/kwatt/internal/golden"
	"github.com/kwatt-sim/kwatt/internal/results"
)

// threeVerdicts is a report with each verdict in it.
func threeVerdicts(t *testing.T) *Report {
	t.Helper()
	f := load(t, energyCheck+`    - {policy: lean, metric: co2e_grams_per_million_requests, max: 0.2mg/req}
    - {policy: static, service: ranker, metric: latency_p95_seconds, maxIncrease: 5ms}
    - {policy: static, metric: cost_usd, max: 12.5}
`)
	base, noise := around("base", 10, 100, 5), around("noise", 10, 0, 1)
	runs := func(energy []float64, latency float64) []*results.Run {
		all := runsOf("static", "energy_kwh", energy...)
		for i, r := range all {
			r.Metrics["cost_usd"] = 10 + noise[i]
			r.Services["ranker"]["latency_p95_seconds"] = latency + 0.001*noise[i]
		}
		return append(all, runsOf("lean", "co2e_grams_per_million_requests", around("carbon", 10, 180, 4)...)...)
	}
	b := baselineOf(t, f, runs(base, 0.05))
	r := judge(t, f, b, runs(plus(base, func(i int) float64 { return 0.018*base[i] + noise[i] }), 0.065))
	r.Path = "gates/shop, old.yaml"
	if r.Verdict != Fail || r.Count(Pass) != 2 || r.Count(Fail) != 1 || r.Count(Inconclusive) != 1 {
		t.Fatalf("%s", r.Text(false))
	}
	r.Notes = append(r.Notes, "a note with <html>, a | and \x1b[31mcolour")
	return r
}

func TestGoldenReports(t *testing.T) {
	r := threeVerdicts(t)
	junit, err := r.JUnit()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"report.txt": r.Text(false), "report.md": r.Markdown("sim gate 'gates/shop, old.yaml'"),
		"report.xml": string(junit), "report.github": r.Annotations("gates/shop, old.yaml"),
	} {
		golden.Check(t, "testdata/"+name, []byte(text))
		if strings.Contains(text, "\x1b") {
			t.Errorf("%s lets a control character through", name)
		}
	}
	for line := range strings.Lines(r.Text(false)) {
		if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	plain := regexp.MustCompile("\x1b\\[[0-9]*m").ReplaceAllString(r.Text(true), "")
	if plain != r.Text(false) || r.Text(true) == r.Text(false) {
		t.Error("colour changes the text, or there is none")
	}
}

func TestJUnitIsWhatItSays(t *testing.T) {
	text, err := threeVerdicts(t).JUnit()
	if err != nil {
		t.Fatal(err)
	}
	var got junitSuites
	if err := xml.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if got.Tests != 4 || got.Fails != 1 || got.Errors != 1 || len(got.Suites) != 1 || len(got.Suites[0].Cases) != 4 {
		t.Errorf("%+v", got)
	}
	fails, errs := 0, 0
	for _, c := range got.Suites[0].Cases {
		if c.Failure != nil {
			fails++
		}
		if c.Error != nil {
			errs++
		}
	}
	if fails != got.Fails || errs != got.Errors {
		t.Errorf("%d failures and %d errors are announced, %d and %d are there", got.Fails, got.Errors, fails, errs)
	}
}

func TestMarkdownBeginsWithItsMarker(t *testing.T) {
	text := threeVerdicts(t).Markdown("sim gate x")
	if first, _, _ := strings.Cut(text, "\n"); first != "<!-- kwatt-gate: shop -->" {
		t.Errorf("the first line is %q", first)
	}
}

// GitHub drops annotations beyond ten of a kind.
func TestAnnotationsAreCapped(t *testing.T) {
	r := threeVerdicts(t)
	for _, o := range r.Outcomes {
		if o.Verdict == Fail {
			for range 20 {
				r.Outcomes = append(r.Outcomes, o)
			}
		}
	}
	if n := strings.Count(r.Annotations("g.yaml"), "::error "); n != 10 {
		t.Errorf("%d errors", n)
	}
}
