package results

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/kwatt-sim/kwatt/internal/stats"
)

// CarbonMetric is what policies are ranked by on other grids.
const CarbonMetric = "co2e_grams_per_million_requests"

// The axes along which the grid of a scenario is changed, one at a time.
const (
	AxisZone   = "zone"
	AxisYear   = "year"
	AxisSignal = "signal"
	AxisPUE    = "pue"
)

// The verdicts of a case.
const (
	RankingSame      = "same"      // every pair of policies as under the scenario's own grid
	RankingUndecided = "undecided" // a difference became a tie, or a tie a difference
	RankingReversed  = "reversed"  // two policies changed places, and both ways it is no chance
)

// CarbonSensitivity is how policies rank by CO2e on other grids than the
// scenario's own.
type CarbonSensitivity struct {
	Metric    string       `json:"metric"`
	Reference CarbonCase   `json:"reference"`
	Cases     []CarbonCase `json:"cases"`
	// Combined counts the verdicts where zone, year and PUE change together; it
	// is absent when a policy had to be simulated again on each grid.
	Combined *CarbonCount `json:"combined,omitempty"`
}

// CarbonCount counts cases by their verdict.
type CarbonCount struct {
	Cases     int `json:"cases"`
	Same      int `json:"same"`
	Undecided int `json:"undecided"`
	Reversed  int `json:"reversed"`
}

// CarbonCase is a grid and a PUE, and how the policies rank there.
type CarbonCase struct {
	Axis   string  `json:"axis,omitempty"` // what is not the scenario's own
	Zone   string  `json:"zone"`           // or the file of the series
	Year   int     `json:"year,omitempty"` // of the series; 0 for a constant
	Signal string  `json:"signal"`
	PUE    float64 `json:"pue"`
	// Resimulated are the policies that decide by the grid's intensity and were
	// simulated again under this one. The others' energy is that of the run.
	Resimulated []string            `json:"resimulated,omitempty"`
	Figures     map[string]Estimate `json:"figures"` // of Metric, by policy
	Ranking     []string            `json:"ranking"` // policies, the least CO2e first
	Pairs       []CarbonPair        `json:"pairs"`
	Verdict     string              `json:"verdict"`

	// Values are the metric by policy and seed, what the rest is made of.
	Values map[string]map[uint64]float64 `json:"-"`
	// Spreads is the standard uncertainty that the power figures and those of
	// embodied carbon leave in it, by policy and component, in the metric's unit.
	Spreads map[string]map[string]float64 `json:"-"`
}

// CarbonPair is how two policies compare in one case, paired by seed.
type CarbonPair struct {
	Less string  `json:"less"` // has the smaller mean
	More string  `json:"more"`
	P    float64 `json:"p"` // exact sign-flip, Holm-corrected over the pairs of the case
	// DeltaRatio is by how much More has more than Less, and ModelLow and ModelHigh
	// bound it by the uncertainty of the figures, as in a Comparison.
	DeltaRatio float64 `json:"deltaRatio"`
	ModelLow   float64 `json:"modelLow"`
	ModelHigh  float64 `json:"modelHigh"`
	// Tie: the difference cannot be told from chance, p > Alpha, or from an error of
	// the figures, ModelLow <= 0.
	Tie bool `json:"tie"`
	// Was is how the pair stood under the scenario's own grid, when that differs:
	// "tie", "less" (as here, where it is a tie now) or "more".
	Was string `json:"was,omitempty"`
}

// MarshalJSON rounds to Digits.
func (p CarbonPair) MarshalJSON() ([]byte, error) {
	type plain CarbonPair
	p.P, p.DeltaRatio, p.ModelLow, p.ModelHigh = Round(p.P), Round(p.DeltaRatio), Round(p.ModelLow), Round(p.ModelHigh)
	return json.Marshal(plain(p))
}

// RankCarbon estimates, ranks and judges the cases against the reference, and
// counts the combined ones. The cases need their Values alone.
func RankCarbon(policies []string, reference CarbonCase, cases, combined []CarbonCase) (*CarbonSensitivity, error) {
	s := &CarbonSensitivity{Metric: CarbonMetric, Reference: reference, Cases: cases}
	if err := s.Reference.rank(policies); err != nil {
		return nil, err
	}
	s.Reference.Verdict = RankingSame
	for i := range s.Cases {
		if err := s.Cases[i].judge(policies, &s.Reference); err != nil {
			return nil, err
		}
	}
	if len(combined) > 0 {
		s.Combined = &CarbonCount{Cases: len(combined)}
	}
	for i := range combined {
		if err := combined[i].judge(policies, &s.Reference); err != nil {
			return nil, err
		}
		switch combined[i].Verdict {
		case RankingSame:
			s.Combined.Same++
		case RankingUndecided:
			s.Combined.Undecided++
		case RankingReversed:
			s.Combined.Reversed++
		}
	}
	return s, nil
}

// rank fills Figures, Ranking and Pairs. A policy without a figure, which served
// nothing, is left out.
func (c *CarbonCase) rank(policies []string) error {
	c.Figures, c.Pairs = map[string]Estimate{}, []CarbonPair{}
	c.Ranking = []string{}
	for _, p := range policies {
		var xs []float64
		for _, seed := range sortedSeeds(c.Values[p]) {
			xs = append(xs, Round(c.Values[p][seed]))
		}
		if len(xs) == 0 {
			continue
		}
		i, err := stats.TInterval(xs, Confidence)
		if err != nil {
			return fmt.Errorf("%s of policy %s: %w", CarbonMetric, p, err)
		}
		c.Figures[p] = Estimate{Mean: i.Mean, CILow: i.Low, CIHigh: i.High, N: i.N}.rounded()
		c.Ranking = append(c.Ranking, p)
	}
	slices.SortStableFunc(c.Ranking, func(a, b string) int { return cmp.Compare(c.Figures[a].Mean, c.Figures[b].Mean) })
	var ps []float64
	for i, less := range c.Ranking {
		for _, more := range c.Ranking[i+1:] {
			p, err := c.compare(less, more)
			if err != nil {
				return err
			}
			c.Pairs = append(c.Pairs, c.pair(less, more))
			ps = append(ps, p)
		}
	}
	for i, p := range stats.Holm(ps) {
		c.Pairs[i].P, c.Pairs[i].Tie = p, p > Alpha || c.Pairs[i].ModelLow <= 0
	}
	return nil
}

// pair compares the means of two policies, and how far the figures may put them
// closer or apart.
func (c *CarbonCase) pair(less, more string) CarbonPair {
	p := CarbonPair{Less: less, More: more}
	x, y := c.Figures[less].Mean, c.Figures[more].Mean
	if x <= 0 {
		return p
	}
	p.DeltaRatio = y/x - 1
	half := ratioUncertainty(c.Spreads[less], c.Spreads[more], x, y)
	p.ModelLow, p.ModelHigh = p.DeltaRatio-half, p.DeltaRatio+half
	return p
}

// compare returns the p value of two policies' difference on the seeds they share.
func (c *CarbonCase) compare(a, b string) (float64, error) {
	var d []float64
	for _, seed := range sortedSeeds(c.Values[a]) {
		if y, ok := c.Values[b][seed]; ok {
			d = append(d, Round(y)-Round(c.Values[a][seed]))
		}
	}
	if len(d) == 0 {
		return 1, nil
	}
	p, err := stats.SignFlip(d)
	if err != nil {
		return 0, fmt.Errorf("%s of %s against %s: %w", CarbonMetric, b, a, err)
	}
	return p, nil
}

// judge ranks a case and compares each pair with how it stood in the reference.
func (c *CarbonCase) judge(policies []string, reference *CarbonCase) error {
	if err := c.rank(policies); err != nil {
		return err
	}
	c.Verdict = RankingSame
	for i := range c.Pairs {
		p := &c.Pairs[i]
		was := reference.stood(p.Less, p.More)
		switch {
		case was == "tie" && p.Tie || was == "less" && !p.Tie:
			continue
		case was == "more" && !p.Tie:
			c.Verdict = RankingReversed
		case c.Verdict == RankingSame:
			c.Verdict = RankingUndecided
		}
		p.Was = was
	}
	return nil
}

// stood says how a stands to b: "less", "more" or "tie".
func (c *CarbonCase) stood(a, b string) string {
	for _, p := range c.Pairs {
		switch {
		case p.Tie:
		case p.Less == a && p.More == b:
			return "less"
		case p.Less == b && p.More == a:
			return "more"
		}
	}
	return "tie"
}

func sortedSeeds(values map[uint64]float64) []uint64 {
	seeds := make([]uint64, 0, len(values))
	for seed := range values {
		seeds = append(seeds, seed)
	}
	slices.Sort(seeds)
	return seeds
}
