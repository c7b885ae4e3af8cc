package report

import (
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/tty"
)

// tables is the page's words and numbers, formatted.
type tables struct {
	Facts       string   // policies, seeds, requests
	Alerts      []string // what must be seen before any figure is believed
	Warnings    []string
	Winners     []winner
	Glance      glanceTable
	Few         bool // too few seeds for a verdict
	Differences differenceTable
	All         metricTable
	Services    []metricTable // one each where there are several
	// ServiceGeomeans are over all of them.
	ServiceGeomeans serviceGeomeans
	Ledger          []ledgerRow
	Grades          []gradeRow
	Worst           results.Grades
	GradeLegend     string
	Power           powerTable
	Regret          regretTable
	Carbon          *carbonTable // nil when nobody asked for it
	Assumptions     []string
	Sources         []string
}

func newTables(d Document) (*tables, error) {
	s := d.Summary
	t := &tables{
		Facts:       policiesText(s) + " · " + seedsText(s),
		Alerts:      alerts(s),
		Warnings:    noteTexts(s, results.NoteWarning),
		Ledger:      ledgerRows(s),
		Grades:      gradeRows(s),
		Worst:       s.Grades,
		GradeLegend: gradeLegend,
		Power:       newPowerTable(s),
		Regret:      newRegretTable(s),
		Assumptions: noteTexts(s, results.NoteAssumption),
		Sources:     noteTexts(s, results.NoteSource),
	}
	var err error
	if t.Carbon, err = newCarbonTable(s); err != nil {
		return nil, err
	}
	if t.Glance, err = newGlance(d); err != nil {
		return nil, err
	}
	t.Winners = winners(d, t.Glance)
	for _, p := range s.Policies {
		t.Few = t.Few || p.Name != s.Policies[0].Name && tooFewSeeds(s, p.Name)
	}
	t.Differences = newDifferences(s)
	t.All, err = newMetricTable(s, "", d.Currency, func(i int) map[string]results.Estimate { return s.Policies[i].Metrics })
	if err != nil || len(d.Services) < 2 {
		return t, err
	}
	for _, name := range d.Services {
		table, err := newMetricTable(s, name, d.Currency, func(i int) map[string]results.Estimate {
			return s.Policies[i].Services[name].Metrics
		})
		if err != nil {
			return nil, err
		}
		t.Services = append(t.Services, table)
	}
	t.ServiceGeomeans, err = newServiceGeomeans(s)
	return t, err
}

// alerts are the red lines, worst first.
func alerts(s *results.Summary) []string {
	var out []string
	for _, p := range s.Policies {
		if l := totalLedger(p); l.Missing() != 0 {
			out = append(out, p.Name+": the request ledger does not add up, "+grouped(l.Missing())+" requests are missing.")
		}
	}
	for _, p := range s.Policies {
		if text, ok := assumedWarning(p); ok {
			out = append(out, text+".")
		}
	}
	return out
}

// servicesOf lists the services of a summary, sorted.
func servicesOf(s *results.Summary) []string {
	names := map[string]bool{}
	for _, p := range s.Policies {
		for name := range p.Services {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// metricTable is the whole catalogue, policy by policy.
type metricTable struct {
	Service  string // "" for all requests
	Policies []string
	Rows     []metricRow
}

type metricRow struct {
	Label, Unit, Name, Help string
	Cells                   []metricCell
}

type metricCell struct{ Value, Half string }

func newMetricTable(s *results.Summary, service, currency string, get func(int) map[string]results.Estimate) (metricTable, error) {
	t := metricTable{Service: service}
	for _, p := range s.Policies {
		t.Policies = append(t.Policies, p.Name)
	}
	var names []string
	for _, m := range metrics.Catalogue() {
		names = append(names, m.Name)
	}
	rows, err := estimateRows(names, len(s.Policies), currency, get)
	if err != nil {
		return t, err
	}
	for _, row := range rows {
		m, err := metrics.Find(row.metric)
		if err != nil {
			return t, err
		}
		out := metricRow{Label: metricLabel(row.metric), Unit: row.scale.unit, Name: row.metric, Help: m.Help}
		for _, e := range row.cells {
			value, half := estimateText(e, row.scale.factor)
			out.Cells = append(out.Cells, metricCell{value, half})
		}
		t.Rows = append(t.Rows, out)
	}
	return t, nil
}

// estimateText prints a mean in a scale, and the relative half-width of its
// interval, which is left out where all seeds agree.
func estimateText(e *results.Estimate, factor float64) (value, half string) {
	if e == nil || !finite(e.Mean, e.CILow, e.CIHigh) {
		return absent, ""
	}
	value = commas(tty.Number(e.Mean * factor))
	if e.N >= 2 && e.CIHigh > e.CILow {
		half = "±\u202f" + halfWidth(*e)
	}
	return value, half
}

// differenceTable is every policy's paired difference from the first.
type differenceTable struct {
	Base     string
	Policies []string
	Rows     []differenceRow
}

type differenceRow struct {
	Label string
	Cells []Delta
}

// Delta is a paired difference in words; Text is empty where there is none.
type Delta struct {
	Text     string
	Interval string // "[−33%, −29%] p=0.002"
	Class    string // better | worse | different | tie
}

func newDifferences(s *results.Summary) differenceTable {
	var t differenceTable
	if len(s.Policies) < 2 {
		return t
	}
	t.Base = s.Policies[0].Name
	for _, p := range s.Policies[1:] {
		t.Policies = append(t.Policies, p.Name)
	}
	for _, metric := range results.Headline() {
		row := differenceRow{Label: metricLabel(metric)}
		found := false
		for _, policy := range t.Policies {
			d := deltaOf(s, policy, metric)
			found = found || d.Text != ""
			row.Cells = append(row.Cells, d)
		}
		if found {
			t.Rows = append(t.Rows, row)
		}
	}
	return t
}

func deltaOf(s *results.Summary, policy, metric string) Delta {
	c, ok := comparisonOf(s, policy, metric)
	if !ok || !finite(c.DeltaRatio, c.CILow, c.CIHigh, c.P) {
		return Delta{}
	}
	d := Delta{Text: minus(percent(c.DeltaRatio)), Class: c.Verdict,
		Interval: minus("[" + percent(c.CILow) + ", " + percent(c.CIHigh) + "] " + pValue(c.P))}
	if c.Verdict == results.CannotSay {
		d.Class = "tie"
	}
	return d
}

// minus sets hyphens before numbers as minus signs, which are as wide as digits.
func minus(s string) string { return strings.ReplaceAll(s, "-", "−") }

// commas groups the digits before the decimal point of a printed number that
// has five or more of them.
func commas(s string) string {
	whole, fraction, hasFraction := strings.Cut(s, ".")
	digits := strings.TrimPrefix(whole, "-")
	if len(digits) < 5 {
		return minus(s)
	}
	var b strings.Builder
	b.WriteString(strings.TrimSuffix(whole, digits))
	for i, r := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(r)
	}
	if hasFraction {
		b.WriteString("." + fraction)
	}
	return minus(b.String())
}

// ledgerRow is where a policy's requests went, over all seeds.
type ledgerRow struct {
	Policy, Color                              string
	Arrivals, Served, Dropped, TimedOut, Still string
	Balanced                                   bool
}

func ledgerRows(s *results.Summary) []ledgerRow {
	var out []ledgerRow
	for i, p := range s.Policies {
		l := totalLedger(p)
		out = append(out, ledgerRow{
			Policy: p.Name, Color: policyColor(i), Balanced: l.Missing() == 0,
			Arrivals: grouped(l.Arrivals), Served: grouped(l.Served), Dropped: grouped(l.Dropped),
			TimedOut: grouped(l.TimedOut), Still: grouped(l.InFlight),
		})
	}
	return out
}

// gradeRow is how a policy's node energy is founded.
type gradeRow struct {
	Policy, Color string
	Shares        []gradeShare
	Assumed       bool // more than half rests on grade X
}

type gradeShare struct {
	Grade   string
	Percent float64 // for the bar
	Text    string
}

func gradeRows(s *results.Summary) []gradeRow {
	var out []gradeRow
	for i, p := range s.Policies {
		row := gradeRow{Policy: p.Name, Color: policyColor(i)}
		_, row.Assumed = assumedWarning(p)
		for _, letter := range []string{"A", "B", "C", "X"} {
			share := p.EnergyByGrade[letter]
			if !finite(share) {
				share = 0
			}
			row.Shares = append(row.Shares, gradeShare{letter, math.Round(1000*share) / 10, shareText(share)})
		}
		out = append(out, row)
	}
	return out
}

func shareText(ratio float64) string {
	if ratio == 0 {
		return "0%"
	}
	return strings.TrimPrefix(percent(ratio), "+")
}
