package results

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/stats"
)

// row estimates one metric; own is its p value, not corrected.
func (p *pairing) row(name string, a, b []float64) (row Row, own float64, err error) {
	paired, err := stats.Compare(a, b, Confidence)
	if err != nil && !errors.Is(err, stats.ErrZeroBase) {
		return Row{}, 0, err
	}
	noRatio := err != nil
	ofA, errA := stats.TInterval(a, Confidence)
	ofB, errB := stats.TInterval(b, Confidence)
	if err := errors.Join(errA, errB); err != nil {
		return Row{}, 0, err
	}
	row = Row{Metric: name, A: estimate(ofA), B: estimate(ofB), Difference: estimate(paired.Difference), PairedT: Round(paired.T)}
	own = paired.SignFlip
	if p.out.Test == TTest {
		own = paired.T
	}
	if noRatio {
		return row, own, nil
	}
	change := paired.Ratio
	if p.out.Interval == BootstrapInterval {
		if change, err = stats.Bootstrap(len(a), changeOf(a, b), Confidence); err != nil {
			return Row{}, 0, err
		}
	}
	e := estimate(change)
	row.Change = &e
	return row, own, nil
}

// changeOf is the relative change of the mean over some of the seeds.
func changeOf(a, b []float64) func(index []int) float64 {
	return func(index []int) float64 {
		sumA, sumB := 0.0, 0.0
		for _, i := range index {
			sumA += a[i]
			sumB += b[i]
		}
		return (sumB - sumA) / sumA
	}
}

func estimate(i stats.Interval) Estimate {
	return Estimate{Mean: i.Mean, CILow: i.Low, CIHigh: i.High, N: i.N}.rounded()
}

// judge gives a row its verdict, and says how much its seeds could show.
func (p *pairing) judge(row *Row, q float64) error {
	row.P = q
	m, err := metrics.Find(row.Metric)
	if err != nil {
		return err
	}
	row.Verdict = verdictOf(m, row.P, row.Difference.Mean, p.out.Alpha)
	a, b := p.values(row.Metric)
	if row.Change == nil {
		return nil
	}
	base := math.Abs(stats.Mean(a))
	residuals := make([]float64, len(a))
	for i := range a {
		residuals[i] = (b[i] - a[i] - float64(row.Change.Mean*a[i])) / base
	}
	// Two-sided, and as if it were the most demanding of the family.
	level := p.out.Alpha / 2 / float64(len(p.out.Rows))
	sd := stats.StdDev(residuals)
	if d, ok := stats.Detectable(sd, len(a), level); ok {
		d = Round(d)
		row.Detectable = &d
	}
	if n, ok := stats.SeedsToDecide(row.Change.Mean, sd, level); ok && row.Verdict == CannotSay {
		row.SeedsToTell = max(n, len(a)+1)
	}
	return nil
}

// tooFew warns when no difference could have been significant.
func (p *pairing) tooFew() {
	n := len(p.shared)
	for _, r := range p.out.Rows {
		n = min(n, r.A.N)
	}
	if n == 1 {
		p.warn("%s", stats.Warning{Kind: stats.NoInterval, Have: 1, Need: 2})
	}
	if w, few := p.out.TooFew(n); few {
		p.warn("%s (exact sign-flip test, p <= %.3g, metrics compared: %d)", w, p.out.Alpha, len(p.out.Rows))
	}
}

// geomean takes the rows whose metric improves downwards and that are positive
// on both sides with every seed; of fewer than two there is no mean.
func (p *pairing) geomean() error {
	g := &Geomean{}
	var as, bs [][]float64
	for _, r := range p.out.Rows {
		m, err := metrics.Find(r.Metric)
		if err != nil {
			return err
		}
		a, b := p.values(r.Metric)
		if m.Better != metrics.LowerIsBetter || len(a) < len(p.shared) || min(slices.Min(a), slices.Min(b)) <= 0 {
			continue
		}
		g.Metrics = append(g.Metrics, r.Metric)
		as, bs = append(as, a), append(bs, b)
	}
	if len(as) < 2 {
		return nil
	}
	interval, err := stats.Bootstrap(len(p.shared), func(index []int) float64 {
		logs := make([]float64, len(as))
		for j := range as {
			logs[j] = math.Log1p(changeOf(as[j], bs[j])(index))
		}
		return math.Expm1(stats.Mean(logs))
	}, Confidence)
	if err != nil {
		return fmt.Errorf("geometric mean: %w", err)
	}
	g.Change = estimate(interval)
	p.out.Geomean = g
	return nil
}
