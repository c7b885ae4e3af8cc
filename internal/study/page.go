package study

import (
	"bytes"
	_ "embed"
	"fmt"
	"math"
	"slices"
	"strings"
	"text/template"

	"github.com/kwatt-sim/kwatt/internal/profiles"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/tty"
)

// plain is the page of a study that names no template.
//
//go:embed plain.md.tmpl
var plain string

// Page fills the template in. charts is the folder of the charts as the page names
// it.
func (r *Report) Page(charts string) ([]byte, error) {
	text := r.Template
	if text == "" {
		text = plain
	}
	t, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("page of %s: %w", r.Study.Metadata.Name, err)
	}
	var b bytes.Buffer
	if err := t.Funcs(r.functions(charts)).Execute(&b, r); err != nil {
		return nil, fmt.Errorf("page of %s: %w", r.Study.Metadata.Name, err)
	}
	return b.Bytes(), nil
}

// parse reads a template; the functions get their study when it is executed.
func parse(text string) (*template.Template, error) {
	return template.New("page").Option("missingkey=error").Funcs((&Report{}).functions("")).Parse(text)
}

// functions are what a template can call:
//
//	steps, ablation, effects, claims, verdicts, assumptions, factors   tables
//	chart METRIC               an image
//	mean NAME METRIC           of a configuration, by name ("after, old hall")
//	change NAME NAME METRIC    relative, from the first to the second
//	claimed NAME, result NAME  the claim's value, and what the study gives
//	factor NAME
//	rate MODEL VARIANT GPU BATCH      requests/s of one GPU with such batches
//	num X, percent X           to print with three digits, and as a change
//	add, sub, mul, div, ceil, floor; list TEXT...
func (r *Report) functions(charts string) template.FuncMap {
	return template.FuncMap{
		"id":          func() string { return r.ID() },
		"steps":       r.stepsTable,
		"ablation":    r.ablationTable,
		"effects":     r.effectsTable,
		"claims":      r.claimsTable,
		"verdicts":    r.verdictsTable,
		"assumptions": r.assumptionsTable,
		"factors":     r.factorsTable,
		"chart": func(metric string) string {
			return fmt.Sprintf("![%s](%s/%s)", label(metric), charts, chartFile(metric))
		},
		"mean":    r.meanOf,
		"change":  r.changeOf,
		"claimed": r.claimed,
		"result":  r.resultOf,
		"factor":  func(name string) (float64, error) { return r.Study.factor(name) },
		"rate":    rate,
		"num":     short,
		"percent": func(x float64) string { return fmt.Sprintf("%+.0f %%", 100*x) },
		"add":     func(a, b float64) float64 { return a + b },
		"sub":     func(a, b float64) float64 { return a - b },
		"mul":     func(a, b float64) float64 { return a * b },
		"div":     divide,
		"ceil":    math.Ceil,
		"floor":   math.Floor,
		"list":    func(items ...string) []string { return items },
	}
}

func divide(a, b float64) (float64, error) {
	if b == 0 {
		return 0, fmt.Errorf("%v is divided by 0", a)
	}
	return a / b, nil
}

// rate is what one GPU serves with batches of so many requests, in requests/s.
func rate(model, variant, gpu string, batch int) (float64, error) {
	p, err := profiles.Lookup(model, variant, gpu)
	if err != nil {
		return 0, err
	}
	return float64(batch) / p.BatchSeconds(batch), nil
}

// named is the index of a configuration.
func (r *Report) named(name string) (int, error) {
	i := slices.IndexFunc(r.Configurations, func(c Configuration) bool { return c.Name == name })
	if i < 0 {
		var names []string
		for _, c := range r.Configurations {
			names = append(names, c.Name)
		}
		return 0, fmt.Errorf("no configuration %q: want one of %s", name, strings.Join(names, "; "))
	}
	return i, nil
}

func (r *Report) meanOf(name, metric string) (float64, error) {
	i, err := r.named(name)
	if err != nil {
		return 0, err
	}
	e, err := r.Estimate(i, metric)
	return e.Mean, err
}

func (r *Report) changeOf(from, to, metric string) (float64, error) {
	i, err := r.named(from)
	if err != nil {
		return 0, err
	}
	k, err := r.named(to)
	if err != nil {
		return 0, err
	}
	e, err := r.Change(i, k, metric)
	return e.Mean, err
}

func (r *Report) claim(name string) (*Claim, error) {
	for i := range r.Study.Spec.Claims {
		if c := &r.Study.Spec.Claims[i]; c.Name == name {
			return c, nil
		}
	}
	return nil, fmt.Errorf("the study has no claim %q", name)
}

func (r *Report) claimed(name string) (float64, error) {
	c, err := r.claim(name)
	if err != nil {
		return 0, err
	}
	return c.Value, nil
}

func (r *Report) resultOf(name string) (float64, error) {
	c, err := r.claim(name)
	if err != nil {
		return 0, err
	}
	e, err := r.Result(c, -1)
	return e.Mean, err
}

// withInterval prints a mean and the half-width of its interval, to the digits of
// the mean.
func withInterval(e results.Estimate, factor float64) string {
	text := grouped(tty.Number(e.Mean * factor))
	half := (e.CIHigh - e.CILow) / 2 * math.Abs(factor)
	if e.N < 2 || half == 0 {
		return text
	}
	digits := 0
	if _, after, ok := strings.Cut(text, "."); ok {
		digits = len(after)
	}
	least := math.Pow10(-digits)
	if half < least/2 {
		return fmt.Sprintf("%s ± <%.*f", text, digits, least)
	}
	return fmt.Sprintf("%s ± %.*f", text, digits, half)
}
