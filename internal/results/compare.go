package results

import (
	"errors"
	"fmt"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/stats"
)

// The verdicts of a comparison.
const (
	Better    = "better"
	Worse     = "worse"
	Different = "different" // significant, on a metric without a good direction
	CannotSay = "~"         // p above Alpha
)

// Headline lists the metrics that tables show and that policies are compared
// on, in order. Each added one raises the number of seeds a verdict needs.
func Headline() []string {
	return []string{
		"latency_p95_seconds",
		"slo_attainment_ratio",
		"gpu_busy_ratio",
		"gpu_hours",
		"replicas_mean",
		"energy_kwh",
		"joules_per_request",
		"co2e_grams_per_million_requests",
		"cost_usd_per_million_requests",
	}
}

// compare fills Comparisons and the warnings about them.
func (s *Summary) compare() error {
	seeds := 0
	for _, p := range s.Policies {
		seeds = max(seeds, len(p.Replications))
	}
	if seeds == 1 {
		s.warn(stats.Warning{Kind: stats.NoInterval, Have: 1, Need: 2}.String())
	}
	if len(s.Policies) < 2 {
		return nil
	}
	base := s.Policies[0]
	fewest, tests := seeds, 0
	for _, p := range s.Policies[1:] {
		shared := len(pairs(base, p))
		fewest = min(fewest, shared)
		if shared < max(len(base.Replications), len(p.Replications)) {
			s.warn(fmt.Sprintf("%s and %s are compared on the %d seeds they share", base.Name, p.Name, shared))
		}
		family, noRatio, err := comparePolicy(base, p)
		if err != nil {
			return err
		}
		s.Comparisons = append(s.Comparisons, family...)
		if len(noRatio) > 0 {
			s.warn(fmt.Sprintf("%s has no ratio to %s where the mean of %s is zero: %s",
				p.Name, base.Name, base.Name, strings.Join(noRatio, ", ")))
		}
		tests = max(tests, len(family))
	}
	if w, few := stats.CheckPairs(fewest, Alpha, tests); few {
		s.warn(fmt.Sprintf("%s (exact sign-flip test, p <= %v, metrics compared: %d)", w, Alpha, tests))
	}
	return nil
}

// comparePolicy compares p with base on the headline metrics. The p values are
// Holm-corrected over this policy's metrics: the reader asks of one policy in
// which ways it differs, and adding a policy must not change that answer. It
// also names the metrics without a ratio, whose mean under base is zero.
func comparePolicy(base, p PolicySummary) (family []Comparison, noRatio []string, err error) {
	var ps []float64
	shared := pairs(base, p)
	for _, name := range Headline() {
		var a, b []float64
		for _, pair := range shared {
			x, okA := pair[0].Metrics[name]
			y, okB := pair[1].Metrics[name]
			if okA && okB {
				a, b = append(a, x), append(b, y)
			}
		}
		if len(a) == 0 {
			continue
		}
		paired, err := stats.Compare(a, b, Confidence)
		if errors.Is(err, stats.ErrZeroBase) && paired.Difference.Mean != 0 {
			noRatio = append(noRatio, name)
			continue
		}
		if err != nil && !errors.Is(err, stats.ErrZeroBase) {
			return nil, nil, fmt.Errorf("%s against %s: %s: %w", p.Name, base.Name, name, err)
		}
		r := paired.Ratio
		family = append(family, Comparison{
			Base: base.Name, Policy: p.Name, Metric: name,
			DeltaRatio: r.Mean, CILow: r.Low, CIHigh: r.High,
		})
		ps = append(ps, paired.SignFlip)
	}
	for i, q := range stats.Holm(ps) {
		c := &family[i]
		c.P = q
		*c = c.rounded()
		if c.Verdict, err = verdict(c.Metric, c.P, c.DeltaRatio); err != nil {
			return nil, nil, err
		}
	}
	return family, noRatio, nil
}

// pairs matches the replications of two policies by seed; both are sorted.
func pairs(a, b PolicySummary) [][2]Replication {
	bySeed := make(map[uint64]Replication, len(b.Replications))
	for _, r := range b.Replications {
		bySeed[r.Seed] = r
	}
	var out [][2]Replication
	for _, r := range a.Replications {
		if other, ok := bySeed[r.Seed]; ok {
			out = append(out, [2]Replication{r, other})
		}
	}
	return out
}

// verdict judges a change of a metric, which is never negative, by the
// direction in which the catalogue says it improves.
func verdict(metric string, p, deltaRatio float64) (string, error) {
	m, err := metrics.Find(metric)
	if err != nil {
		return "", err
	}
	return verdictOf(m, p, deltaRatio, Alpha), nil
}

func verdictOf(m metrics.Metric, p, delta, alpha float64) string {
	switch {
	case p > alpha || delta == 0:
		return CannotSay
	case m.Better == metrics.Neutral:
		return Different
	case (delta < 0) == (m.Better == metrics.LowerIsBetter):
		return Better
	default:
		return Worse
	}
}
