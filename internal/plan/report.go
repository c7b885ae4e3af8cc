package plan

import (
	"fmt"
	"slices"

	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/stats"
)

// SchemaVersion is the version of plan.json.
const SchemaVersion = 1

// Report is plan.json.
type Report struct {
	SchemaVersion int               `json:"schemaVersion"`
	Scenario      string            `json:"scenario"`
	ID            string            `json:"id"` // of all runs that the search can have
	Currency      string            `json:"currency"`
	Confidence    float64           `json:"confidence"`
	SLOs          []string          `json:"slos"`
	Seeds         []uint64          `json:"seeds"` // of the race
	Fresh         []uint64          `json:"freshSeeds"`
	Screen        *ScreenReport     `json:"screen,omitempty"`
	Parameters    []string          `json:"parameters"`
	Candidates    []CandidateReport `json:"candidates"`
	Front         []int             `json:"front"` // candidates, the cheapest first
	Best          []BestReport      `json:"best"`
	// Nearest is the candidate that misses the SLOs by the least, when none keeps them.
	Nearest     *int        `json:"nearest,omitempty"`
	NearestSLOs []SLOReport `json:"nearestSlos,omitempty"` // of the race, or else of the screening
	// Limited says that the time budget cut candidates of which nothing was known.
	Limited bool     `json:"limited"`
	Notes   []string `json:"notes"`
}

// ScreenReport says what candidates were screened on.
type ScreenReport struct {
	Window string   `json:"window"`
	Seeds  []uint64 `json:"seeds"`
}

// CandidateReport is what is known of a candidate.
type CandidateReport struct {
	Number  int              `json:"number"`
	Policy  string           `json:"policy"`
	Values  []string         `json:"values,omitempty"` // of the parameters; none as written
	Written bool             `json:"written,omitempty"`
	Fate    Fate             `json:"fate"`
	Why     string           `json:"why,omitempty"`
	SLOs    map[string]State `json:"slos"`
	// Figures are over the whole window and the seeds of the race.
	Figures map[string]results.Estimate `json:"figures"`
}

// BestReport is the best candidate by an objective.
type BestReport struct {
	Objective string `json:"objective"`
	Winner    *int   `json:"winner"`
	Confirmed bool   `json:"confirmed"`
	// Figures are the winner's on the fresh seeds.
	Figures map[string]results.Estimate `json:"figures,omitempty"`
	SLOs    []SLOReport                 `json:"slos,omitempty"`
	Rivals  []int                       `json:"rivals"` // not told apart from the winner
	// Reference is the best of the scenario as written; Change is the winner's
	// objective against it, paired on the fresh seeds.
	Reference *int    `json:"reference,omitempty"`
	Change    *Change `json:"change,omitempty"`
}

// SLOReport is an SLO over seeds.
type SLOReport struct {
	SLO    string           `json:"slo"`
	Metric string           `json:"metric"`
	Figure results.Estimate `json:"figure"`
	Kept   bool             `json:"kept"` // with the stated confidence
}

// Change is a relative difference with its interval.
type Change struct {
	Ratio  float64 `json:"ratio"`
	CILow  float64 `json:"ciLow"`
	CIHigh float64 `json:"ciHigh"`
	P      float64 `json:"p"` // of the two-sided sign-flip test
}

// The metrics of the front.
const (
	costMetric    = "cost_usd"
	carbonMetric  = "co2e_grams"
	latencyMetric = "latency_p95_seconds"
)

var frontMetrics = []string{costMetric, carbonMetric, latencyMetric}

// Report makes a report of what a search found in a space.
func (s Search) Report(space *Space, found *Found) (*Report, error) {
	base := &space.Sweeps[0].Plan
	r := &Report{
		SchemaVersion: SchemaVersion, Scenario: base.Scenario, ID: space.ID(), Currency: base.Currency, Confidence: s.Confidence,
		Seeds: s.Seeds, Fresh: s.Fresh, Parameters: space.Parameters, Limited: found.Limited, Notes: []string{}, SLOs: []string{},
		Front: s.front(found.Outcomes),
	}
	if s.Screen != nil {
		r.Screen = &ScreenReport{s.Screen.String(), s.Screen.Seeds}
	}
	for _, slo := range s.SLOs {
		r.SLOs = append(r.SLOs, slo.Text)
	}
	for i, c := range space.Candidates {
		o := &found.Outcomes[i]
		figures, err := s.figures(o.Runs)
		if err != nil {
			return nil, fmt.Errorf("candidate %d: %w", i, err)
		}
		cr := CandidateReport{Number: i, Policy: c.Policy, Values: c.Values, Written: c.Written, Fate: o.Fate, Why: o.Why, SLOs: map[string]State{}, Figures: figures}
		for k, slo := range s.SLOs {
			cr.SLOs[slo.Text] = o.SLOs[k]
		}
		r.Candidates = append(r.Candidates, cr)
	}
	for _, b := range found.Bests {
		br, err := s.best(b, found)
		if err != nil {
			return nil, fmt.Errorf("best by %s: %w", b.Objective.Name, err)
		}
		r.Best = append(r.Best, br)
	}
	if !slices.ContainsFunc(found.Bests, func(b Best) bool { return b.Winner >= 0 }) {
		if r.Nearest = s.nearest(found); r.Nearest != nil {
			var err error
			if r.NearestSLOs, err = s.sloReports(found.Outcomes[*r.Nearest].seen()); err != nil {
				return nil, fmt.Errorf("candidate %d: %w", *r.Nearest, err)
			}
		}
	}
	r.note(found)
	return r, nil
}

// figures are estimates of the objectives, the front's metrics and the SLOs'.
func (s Search) figures(runs []*results.Run) (map[string]results.Estimate, error) {
	names := append(slices.Clone(frontMetrics), "energy_kwh", "gpu_hours", "slo_attainment_ratio", "co2e_grams_per_million_requests")
	for _, m := range s.Objectives {
		names = append(names, m.Name)
	}
	for _, slo := range s.SLOs {
		names = append(names, slo.Metric.Name)
	}
	return Estimates(runs, s.Confidence, names...)
}

// Estimates are means of metrics over runs with their intervals; one that no run has
// is left out.
func Estimates(runs []*results.Run, confidence float64, names ...string) (map[string]results.Estimate, error) {
	out := map[string]results.Estimate{}
	for _, name := range names {
		var xs []float64
		for _, r := range runs {
			if x, ok := r.Metrics[name]; ok {
				xs = append(xs, results.Round(x))
			}
		}
		if len(xs) == 0 {
			continue
		}
		e, err := estimate(xs, confidence)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out[name] = e
	}
	return out, nil
}

func estimate(xs []float64, confidence float64) (results.Estimate, error) {
	in, err := stats.TInterval(xs, confidence)
	return results.Estimate{Mean: in.Mean, CILow: in.Low, CIHigh: in.High, N: in.N}, err
}

// best is the report of an objective: its winner's figures are of the fresh seeds
// alone.
func (s Search) best(b Best, found *Found) (BestReport, error) {
	out := BestReport{Objective: b.Objective.Name, Confirmed: b.Confirmed, Rivals: append([]int{}, b.Rivals...)}
	if b.Winner < 0 {
		return out, nil
	}
	fresh := found.Outcomes[b.Winner].Fresh
	out.Winner = &b.Winner
	var err error
	if out.Figures, err = s.figures(fresh); err != nil {
		return out, err
	}
	if out.SLOs, err = s.sloReports(fresh); err != nil {
		return out, err
	}
	if b.Reference < 0 || b.Reference == b.Winner {
		return out, nil
	}
	out.Reference = &b.Reference
	out.Change, err = change(found.Outcomes[b.Reference].Fresh, fresh, b.Objective, s.Confidence)
	return out, err
}

// sloReports are the SLOs' figures over runs.
func (s Search) sloReports(runs []*results.Run) ([]SLOReport, error) {
	var out []SLOReport
	for _, slo := range s.SLOs {
		kept, err := slo.confirmed(runs, s.Confidence)
		if err != nil {
			return nil, err
		}
		e, err := slo.Estimate(runs, s.Confidence)
		if err != nil {
			return nil, err
		}
		out = append(out, SLOReport{slo.Text, slo.Metric.Name, e, kept})
	}
	return out, nil
}

func change(base, other []*results.Run, m metrics.Metric, confidence float64) (*Change, error) {
	var x, y []float64
	for i := range base {
		x, y = append(x, results.Round(base[i].Metrics[m.Name])), append(y, results.Round(other[i].Metrics[m.Name]))
	}
	p, err := stats.Compare(x, y, confidence)
	if err != nil {
		return nil, err
	}
	r := p.Ratio
	return &Change{results.Round(r.Mean), results.Round(r.Low), results.Round(r.High), results.Round(p.SignFlip)}, nil
}

// seen are the runs that say most of a candidate.
func (o *Outcome) seen() []*results.Run {
	if len(o.Runs) > 0 {
		return o.Runs
	}
	return o.Short
}

// nearest misses the SLOs by the least on average, nil when nothing was run. A
// candidate that was only screened is taken by its busiest part.
func (s Search) nearest(found *Found) *int {
	var best *int
	least := 0.0
	for i := range found.Outcomes {
		runs := found.Outcomes[i].seen()
		if len(runs) == 0 {
			continue
		}
		if x := s.beyond(runs); best == nil || x < least {
			best, least = &i, x
		}
	}
	return best
}

// note adds what a reader has to know.
func (r *Report) note(found *Found) {
	add := func(format string, args ...any) { r.Notes = append(r.Notes, fmt.Sprintf(format, args...)) }
	if r.Screen != nil {
		add("screening assumes that the busiest part, %s, goes no better when the window begins with it, and that all other requests are on time", r.Screen.Window)
	}
	if r.Limited {
		add("the time budget cut candidates that were not told apart from the best, which may be among them: only what reached the end was compared")
	}
	for _, b := range found.Bests {
		if b.Winner < 0 {
			continue
		}
		arrived, lost := 0.0, 0.0
		for _, run := range found.Outcomes[b.Winner].Fresh {
			arrived += run.Metrics["requests_arrived_total"]
			lost += run.Metrics["requests_dropped_total"] + run.Metrics["requests_timed_out_total"]
		}
		if text := fmt.Sprintf("#%d loses %.2g%% of its requests, which no latency counts", b.Winner, 100*lost/arrived); lost > 0.001*arrived && !slices.Contains(r.Notes, text) {
			add("%s", text)
		}
	}
}
