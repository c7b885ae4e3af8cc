package report

import (
	"fmt"
	"math"
	"slices"

	"github.com/kwatt-sim/kwatt/internal/grade"
	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/stats"
)

// estimateRow is one metric over all policies, in one scale.
type estimateRow struct {
	metric string
	scale  humanScale
	cells  []*results.Estimate // by policy, in base units; nil where absent
}

// estimateRows takes the named metrics, of which at least one policy has a
// figure, from what get returns for each policy.
func estimateRows(names []string, policies int, currency string, get func(policy int) map[string]results.Estimate) ([]estimateRow, error) {
	var rows []estimateRow
	for _, name := range names {
		m, err := metrics.Find(name)
		if err != nil {
			return nil, err
		}
		row := estimateRow{metric: name}
		largest, found := 0.0, false
		for i := range policies {
			e, ok := get(i)[name]
			if !ok {
				row.cells = append(row.cells, nil)
				continue
			}
			row.cells = append(row.cells, &e)
			largest, found = max(largest, math.Abs(e.Mean)), true
		}
		if found {
			row.scale = scaleFor(m.Unit, currency, largest)
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// headlineRows is the headline metrics over all requests.
func headlineRows(s *results.Summary, o Options) ([]estimateRow, error) {
	return estimateRows(results.Headline(), len(s.Policies), o.currency(), func(i int) map[string]results.Estimate {
		return s.Policies[i].Metrics
	})
}

// comparisonOf finds the comparison of a policy on a metric.
func comparisonOf(s *results.Summary, policy, metric string) (results.Comparison, bool) {
	for _, c := range s.Comparisons {
		if c.Policy == policy && c.Metric == metric {
			return c, true
		}
	}
	return results.Comparison{}, false
}

// tooFewSeeds is true when no difference of the policy from the first could
// have been significant: then "~" would read as "no difference" and mislead.
func tooFewSeeds(s *results.Summary, policy string) bool {
	seeds, tests := len(s.Policies[0].Replications), 0
	for _, p := range s.Policies {
		if p.Name == policy {
			seeds = min(seeds, len(p.Replications))
		}
	}
	for _, c := range s.Comparisons {
		if c.Policy == policy {
			tests++
		}
	}
	_, few := stats.CheckPairs(seeds, results.Alpha, tests)
	return few
}

// totalLedger adds the ledgers of all seeds.
func totalLedger(p results.PolicySummary) results.Ledger {
	var sum results.Ledger
	for _, r := range p.Replications {
		sum = sum.Plus(r.Ledger)
	}
	return sum
}

// seedsText says how many seeds the policies ran: "10 seeds", or "3 to 10
// seeds" for an experiment that was interrupted.
func seedsText(s *results.Summary) string {
	least, most := math.MaxInt, 0
	for _, p := range s.Policies {
		least, most = min(least, len(p.Replications)), max(most, len(p.Replications))
	}
	switch {
	case most == 1 && least == 1:
		return "1 seed"
	case least >= most:
		return fmt.Sprintf("%d seeds", most)
	default:
		return fmt.Sprintf("%d to %d seeds", least, most)
	}
}

// policiesText counts the policies.
func policiesText(s *results.Summary) string {
	if len(s.Policies) == 1 {
		return "1 policy"
	}
	return fmt.Sprintf("%d policies", len(s.Policies))
}

// gradeLegend explains the grades; see package grade.
const gradeLegend = "A measured or published for this state, B measured indirectly, C anecdotal, X interpolated or assumed"

// assumedWarning is the red line: more than half of the policy's node energy
// rests on grade X numbers.
func assumedWarning(p results.PolicySummary) (string, bool) {
	share := p.EnergyByGrade[grade.X.String()]
	return fmt.Sprintf("%.0f%% of the node energy of %s rests on grade X power figures: interpolated or assumed, without a source",
		100*share, p.Name), share > 0.5
}

// noteTexts returns the texts of one kind of notes, each once, in order.
func noteTexts(s *results.Summary, kind string) []string {
	var out []string
	for _, n := range s.Notes {
		if n.Kind == kind && !slices.Contains(out, n.Text) {
			out = append(out, n.Text)
		}
	}
	return out
}
