package gate

import (
	"fmt"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/report"
	"github.com/kwatt-sim/kwatt/internal/tty"
)

// Plan says what the gate would run and check, with every limit in its metric's
// own unit.
func (f *File) Plan(b *Baseline, first uint64, count, most int) string {
	var out strings.Builder
	printf := func(format string, args ...any) { fmt.Fprintf(&out, format, args...) }
	printf("gate %s: scenario %s\n", f.Gate.Metadata.Name, tty.Plain(f.Scenario.Path))
	printf("policies %s\n", tty.Plain(strings.Join(f.Scenario.PolicyNames(), ", ")))
	printf("seeds    %d..%d", first, first+uint64(count)-1)
	if most > count {
		printf(", up to %d with --until-decided", most)
	}
	printf("\n")
	switch at := tty.Plain(f.BaselinePath()); {
	case at == "":
	case b == nil:
		printf("baseline %s: missing\n", at)
	default:
		printf("baseline %s: %s, kwatt %s\n", at, seedCount(len(b.Seeds)), tty.Plain(b.Kwatt))
	}
	for i, c := range f.Gate.Spec.Checks {
		o := Outcome{Policy: c.Policy, Service: c.Service, Metric: c.Metric}
		printf("check    %s %s %s = %s, %g confidence\n", o.who(), c.Metric, f.bounds[i].field+" "+f.bounds[i].text, f.bounds[i].exact(c.Metric), c.Confidence)
	}
	return out.String()
}

// exact is the bound in the unit of its metric.
func (b bound) exact(metric string) string {
	if b.relative {
		return fmt.Sprintf("%g of the baseline", b.value)
	}
	m, err := metrics.Find(metric)
	if err != nil {
		return ""
	}
	unit := m.Unit
	switch perRequests(m) {
	case 1:
		unit += " per request"
	case 1e6:
		unit += " per million requests"
	}
	return fmt.Sprintf("%.9g %s", b.value, unit)
}

// Changes says how the means moved from an earlier baseline, which may be nil.
func (b *Baseline) Changes(old *Baseline) string {
	var out strings.Builder
	if old != nil {
		if parts := old.Workload.Differences(b.Workload); len(parts) > 0 {
			fmt.Fprintf(&out, "the workload is another: %s\n", strings.Join(parts, ", "))
		}
	}
	for _, f := range b.Figures {
		o := Outcome{Policy: f.Policy, Service: f.Service, Metric: f.Metric}
		text := fmt.Sprintf("%s %s: %.9g", o.who(), f.Metric, f.Mean)
		if old != nil {
			if was, ok := old.find(Check{Policy: f.Policy, Service: f.Service, Metric: f.Metric}); ok && was.Mean != 0 {
				text += fmt.Sprintf(", was %.9g (%s)", was.Mean, report.Change(f.Mean/was.Mean-1))
			}
		}
		out.WriteString(tty.Plain(text) + "\n")
	}
	return out.String()
}
