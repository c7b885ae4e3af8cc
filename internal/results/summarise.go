package results

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kwatt-sim/kwatt/internal/grade"
	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/stats"
)

// Confidence of every interval in a summary, and the significance level of its verdicts.
const (
	Confidence = 0.95
	Alpha      = 0.05
)

// The kinds of notes.
const (
	NoteSource     = "source"
	NoteAssumption = "assumption"
	NoteWarning    = "warning"
)

// Inputs is what a summary says beyond the runs themselves.
type Inputs struct {
	Scenario  string    // the scenario's name
	Files     string    // SHA-256 over the files that it names; "" when it names none
	Start     time.Time // of the window; zero when it has no date
	Duration  time.Duration
	Currency  string   // the label of money
	Effective []byte   // scenario.effective.yaml, as written
	Policies  []string // in the scenario's order; the first is the base of comparisons
	Oracles   []string // the policies that are told the future
	Grades    Grades
	Notes     []Note // sources and assumptions; warnings of the runs are added
}

// Summarise makes the summary of runs that may come in any order. Figures are
// rounded to Digits before anything is computed from them, so the same summary
// follows from the replications in a results directory.
//
// A policy without runs (an interrupted experiment) is left out with a warning;
// a run that occurs twice, an unlisted policy, an unknown metric and a figure
// that is not finite are errors.
func Summarise(runs []*Run, in Inputs) (*Summary, error) {
	byPolicy, err := sortRuns(runs, in.Policies)
	if err != nil {
		return nil, fmt.Errorf("summarise %s: %w", in.Scenario, err)
	}
	s := &Summary{
		SchemaVersion: SchemaVersion,
		Scenario:      in.ref(),
		Currency:      in.Currency,
		Policies:      []PolicySummary{},
		Comparisons:   []Comparison{},
		Grades:        in.Grades,
		Notes:         append([]Note{}, in.Notes...),
	}
	spreads := map[string]spread{}
	for i, group := range byPolicy {
		if len(group) == 0 {
			s.warn(fmt.Sprintf("no run of policy %s has finished", in.Policies[i]))
			continue
		}
		p, err := summarisePolicy(group)
		if err != nil {
			return nil, fmt.Errorf("summarise %s: policy %s: %w", in.Scenario, group[0].Policy, err)
		}
		p.Oracle = slices.Contains(in.Oracles, p.Name)
		spreads[p.Name] = p.powerUncertainty(group)
		s.Policies = append(s.Policies, p)
		s.warn(runWarnings(group)...)
	}
	if err := s.compare(); err != nil {
		return nil, fmt.Errorf("summarise %s: %w", in.Scenario, err)
	}
	s.compareUncertainty(spreads)
	return s, nil
}

func (in *Inputs) ref() ScenarioRef {
	r := ScenarioRef{Name: in.Scenario, SHA256: sha256Hex(in.Effective), FilesSHA256: in.Files, DurationSeconds: Round(in.Duration.Seconds())}
	if !in.Start.IsZero() {
		r.Start = in.Start.Format(time.RFC3339)
	}
	return r
}

func (s *Summary) warn(texts ...string) {
	for _, t := range texts {
		s.Notes = append(s.Notes, Note{Kind: NoteWarning, Text: t})
	}
}

// sortRuns groups runs by policy, in the order given, each group by seed; a
// policy without runs has an empty group.
func sortRuns(runs []*Run, policies []string) ([][]*Run, error) {
	if len(runs) == 0 {
		return nil, errors.New("no runs")
	}
	rank := make(map[string]int, len(policies))
	for i, p := range policies {
		rank[p] = i
	}
	groups := make([][]*Run, len(policies))
	for _, r := range runs {
		i, ok := rank[r.Policy]
		if !ok {
			return nil, fmt.Errorf("run of policy %q, which is not one of %s", r.Policy, strings.Join(policies, ", "))
		}
		groups[i] = append(groups[i], r)
	}
	for _, g := range groups {
		slices.SortFunc(g, func(a, b *Run) int { return cmp.Compare(a.Seed, b.Seed) })
		for i := 1; i < len(g); i++ {
			if g[i-1].Seed == g[i].Seed {
				return nil, fmt.Errorf("policy %s has seed %d twice", g[i].Policy, g[i].Seed)
			}
		}
	}
	return groups, nil
}

// summarisePolicy makes one policy's summary from its runs, sorted by seed.
func summarisePolicy(runs []*Run) (PolicySummary, error) {
	p := PolicySummary{
		Name:          runs[0].Policy,
		Services:      map[string]ServiceSummary{},
		EnergyByGrade: meanEnergyByGrade(runs),
	}
	all := make([]metrics.Values, len(runs))
	services := map[string][]metrics.Values{}
	for i, r := range runs {
		if err := checkFinite(r); err != nil {
			return p, err
		}
		all[i] = roundValues(r.Metrics)
		for name, values := range r.Services {
			services[name] = append(services[name], roundValues(values))
		}
		p.Replications = append(p.Replications, Replication{Seed: r.Seed, Metrics: all[i], Ledger: r.Ledger})
	}
	var err error
	if p.Metrics, err = estimates(all); err != nil {
		return p, err
	}
	for _, name := range slices.Sorted(maps.Keys(services)) {
		m, err := estimates(services[name])
		if err != nil {
			return p, fmt.Errorf("service %s: %w", name, err)
		}
		p.Services[name] = ServiceSummary{Metrics: m}
	}
	return p, nil
}

// checkFinite returns an error for a figure that is not finite or that the
// catalogue does not know.
func checkFinite(r *Run) error {
	if err := checkValues(r.Metrics); err != nil {
		return fmt.Errorf("seed %d: %w", r.Seed, err)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Services)) {
		if err := checkValues(r.Services[name]); err != nil {
			return fmt.Errorf("seed %d, service %s: %w", r.Seed, name, err)
		}
	}
	for g, share := range r.EnergyByGrade {
		if !isFinite(share) {
			return fmt.Errorf("seed %d: share of energy of grade %s is %v", r.Seed, grade.Grade(g), share)
		}
	}
	return nil
}

func checkValues(v metrics.Values) error {
	for _, name := range slices.Sorted(maps.Keys(v)) {
		if _, err := metrics.Find(name); err != nil {
			return err
		}
		if x := v[name]; !isFinite(x) {
			return fmt.Errorf("%s is %v", name, x)
		}
	}
	return nil
}

// estimates takes each metric of the catalogue over the replications that have it.
func estimates(replications []metrics.Values) (map[string]Estimate, error) {
	out := map[string]Estimate{}
	for _, m := range metrics.Catalogue() {
		var xs []float64
		for _, v := range replications {
			if x, ok := v[m.Name]; ok {
				xs = append(xs, x)
			}
		}
		if len(xs) == 0 {
			continue
		}
		i, err := stats.TInterval(xs, Confidence)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
		out[m.Name] = Estimate{Mean: i.Mean, CILow: i.Low, CIHigh: i.High, N: i.N}.rounded()
	}
	return out, nil
}

func meanEnergyByGrade(runs []*Run) map[string]float64 {
	out := map[string]float64{}
	for g := grade.A; g <= grade.Last; g++ {
		shares := make([]float64, len(runs))
		for i, r := range runs {
			shares[i] = r.EnergyByGrade[g]
		}
		out[g.String()] = Round(stats.Mean(shares))
	}
	return out
}

// runWarnings merges the warnings of one policy's runs: each text once, with
// the number of seeds that saw it.
func runWarnings(runs []*Run) []string {
	count := map[string]int{}
	for _, r := range runs {
		for _, w := range r.Warnings {
			count[w]++
		}
	}
	var out []string
	for _, text := range slices.Sorted(maps.Keys(count)) {
		out = append(out, fmt.Sprintf("policy %s, %d of %d seeds: %s", runs[0].Policy, count[text], len(runs), text))
	}
	return out
}
