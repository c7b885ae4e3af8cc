package study

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/report"
	"github.com/kwatt-sim/kwatt/internal/results"
)

// markdown is a table being written.
type markdown struct{ strings.Builder }

func (m *markdown) row(cells ...string) { m.WriteString("| " + strings.Join(cells, " | ") + " |\n") }

func (m *markdown) head(cells ...string) {
	m.row(cells...)
	m.WriteString(strings.Repeat("|---", len(cells)) + "|\n")
}

func (m *markdown) text() string { return strings.TrimSuffix(m.String(), "\n") }

func label(metric string) string { return report.Label(metric) }

func code(set []string) string {
	out := make([]string, len(set))
	for i, s := range set {
		out[i] = "`" + s + "`"
	}
	return strings.Join(out, "<br>")
}

func (r *Report) stepsTable() string {
	var m markdown
	m.head("Step", "", "sets")
	for _, s := range r.Study.Spec.Steps {
		m.row(s.Name, report.Escape(s.Note), code(s.Set))
	}
	return m.text()
}

func (r *Report) assumptionsTable() string {
	var m markdown
	m.head("Assumption", "", "sets")
	for _, a := range r.Study.Spec.Assumptions {
		set := a.Set
		for _, s := range a.Steps {
			for _, o := range s.Set {
				set = append(set[:len(set):len(set)], s.Name+": "+o)
			}
		}
		m.row(a.Name, report.Escape(a.Note), code(set))
	}
	return m.text()
}

func (r *Report) factorsTable() string {
	var m markdown
	m.head("Factor", "Value", "")
	for _, f := range r.Study.Spec.Factors {
		m.row("`"+f.Name+"`", number(f.Value), report.Escape(f.Note))
	}
	return m.text()
}

// scaled is how a metric's column is written: a factor and a unit.
func (r *Report) scaled(metric string) (heading string, factor float64, err error) {
	d, err := metrics.Find(metric)
	if err != nil {
		return "", 0, err
	}
	switch d.Unit {
	case "s":
		return label(metric) + ", ms", 1000, nil
	case "ratio":
		return label(metric) + ", %", 100, nil
	case "USD":
		return label(metric) + ", " + r.Sweep.Currency, 1, nil
	case "replicas", "events", "requests":
		return label(metric), 1, nil
	}
	return label(metric) + ", " + d.Unit, 1, nil
}

// ablationTable has the configurations without assumptions, and their metrics with
// 95 % intervals.
func (r *Report) ablationTable() (string, error) {
	var m markdown
	cells := []string{"Configuration"}
	for _, name := range r.Study.Spec.Metrics {
		heading, _, err := r.scaled(name)
		if err != nil {
			return "", err
		}
		cells = append(cells, heading)
	}
	m.head(cells...)
	for i, c := range r.Configurations {
		if c.Assumption >= 0 {
			continue
		}
		cells := []string{c.Name}
		for _, name := range r.Study.Spec.Metrics {
			_, factor, err := r.scaled(name)
			if err != nil {
				return "", err
			}
			e, err := r.Estimate(i, name)
			if err != nil {
				return "", err
			}
			cells = append(cells, withInterval(e, factor))
		}
		m.row(cells...)
	}
	return m.text(), nil
}

// effectsTable is what each step changes a metric by: alone, added in its turn, and
// as the last of all.
func (r *Report) effectsTable(metric string) (string, error) {
	if _, err := metrics.Find(metric); err != nil {
		return "", err
	}
	var m markdown
	m.head("Step", "alone", "in its turn", "as the last")
	after := r.After(-1)
	for i, s := range r.Study.Spec.Steps {
		cells := []string{s.Name}
		for _, pair := range [][2]int{{r.Before(-1), r.alone(i)}, {r.cumulative(i), r.cumulative(i + 1)}, {r.without(i), after}} {
			e, err := r.Change(pair[0], pair[1], metric)
			if err != nil {
				return "", err
			}
			cells = append(cells, change(e))
		}
		m.row(cells...)
	}
	return m.text(), nil
}

// change prints a relative change with its interval, in per cent.
func change(e results.Estimate) string {
	if e.Mean == 0 && e.CILow == 0 && e.CIHigh == 0 {
		return "0"
	}
	sign := ""
	if e.Mean > 0 {
		sign = "+"
	}
	return sign + withInterval(e, 100) + " %"
}

// claimsTable has each claim beside its result.
func (r *Report) claimsTable() (string, error) {
	var m markdown
	m.head("Claim", "claimed", "result", "")
	for i := range r.Study.Spec.Claims {
		c := &r.Study.Spec.Claims[i]
		e, err := r.Result(c, -1)
		if err != nil {
			return "", err
		}
		m.row(report.Escape(c.Quote), strings.TrimSpace(number(c.Value)+" "+c.Unit), strings.TrimSpace(withInterval(e, 1)+" "+c.Unit), verdictText(c, e))
	}
	return m.text(), nil
}

// verdictText says how far a result is from what is claimed.
func verdictText(c *Claim, e results.Estimate) string {
	switch v := c.Judge(e); v {
	case Holds:
		return "✓ holds"
	case Opposite:
		return "✗ the opposite"
	default:
		return fmt.Sprintf("✗ %s: %s × as much", v, short(math.Abs(e.Mean/c.Value)))
	}
}

// verdictsTable has the claims under each assumption: the results, bold where the
// claim holds.
func (r *Report) verdictsTable() (string, error) {
	var m markdown
	cells := []string{"", "claimed", "the study's own"}
	for _, a := range r.Study.Spec.Assumptions {
		cells = append(cells, a.Name)
	}
	m.head(cells...)
	held := make([]int, len(cells)-2)
	claims := r.Study.Spec.Claims
	for i := range claims {
		c := &claims[i]
		cells := []string{c.title(), number(c.Value)}
		for k := range held {
			e, err := r.Result(c, k-1)
			if err != nil {
				return "", err
			}
			text := short(e.Mean)
			if c.Judge(e) == Holds {
				held[k]++
				text = "**" + text + "**"
			}
			cells = append(cells, text)
		}
		m.row(cells...)
	}
	cells = []string{"claims that hold", fmt.Sprint(len(claims))}
	for _, n := range held {
		cells = append(cells, fmt.Sprint(n))
	}
	m.row(cells...)
	return m.text(), nil
}

// title is a claim's name with its unit.
func (c *Claim) title() string {
	if c.Unit == "" {
		return c.Name
	}
	return c.Name + ", " + c.Unit
}

// short prints x with three significant digits, a larger number whole.
func short(x float64) string {
	if x == 0 {
		return "0"
	}
	digits := 2 - int(math.Floor(math.Log10(math.Abs(x))))
	return grouped(strconv.FormatFloat(x, 'f', max(digits, 0), 64))
}

// number prints x as it would be written.
func number(x float64) string { return grouped(strconv.FormatFloat(x, 'f', -1, 64)) }

// grouped puts a comma between the thousands of a number of five digits or more.
func grouped(text string) string {
	whole, rest, _ := strings.Cut(text, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	if len(whole) < 5 || rest != "" {
		return text
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	return sign + whole
}
