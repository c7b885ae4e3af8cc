package results

import (
	"fmt"

	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/stats"
)

// Side is one policy of one result, to be compared with another.
type Side struct {
	Name         string        `json:"name"` // what it is called beside the other: a policy, a folder, a manifest
	Scenario     string        `json:"scenario"`
	Policy       string        `json:"policy"`
	Currency     string        `json:"currency"`
	Replications []Replication `json:"-"` // by seed
	// Services are the policy's services over all seeds of this side.
	Services map[string]ServiceSummary `json:"-"`
}

// SideBySide is B compared with A, paired by seed.
type SideBySide struct {
	SchemaVersion int      `json:"schemaVersion"`
	A             Side     `json:"a"`
	B             Side     `json:"b"`
	Seeds         []uint64 `json:"seeds"` // that both have
	Interval      string   `json:"interval"`
	Test          string   `json:"test,omitempty"` // of P: TTest, or "" for the exact sign-flip test
	Alpha         float64  `json:"alpha"`          // significance level of the verdicts
	Rows          []Row    `json:"rows"`
	Geomean       *Geomean `json:"geomean,omitempty"`
	// ServiceGeomeans are there where both sides have several services.
	ServiceGeomeans []ServiceGeomean `json:"serviceGeomeans,omitempty"`
	Warnings        []string         `json:"warnings"`
}

// Row is one metric of both sides, over the seeds on which both have it.
type Row struct {
	Metric     string    `json:"metric"`
	A          Estimate  `json:"a"`
	B          Estimate  `json:"b"`
	Difference Estimate  `json:"difference"`       // B − A, in the metric's unit
	Change     *Estimate `json:"change,omitempty"` // (B − A)/A; absent where A's mean is 0
	P          float64   `json:"p"`                // of the comparison's test, Holm-corrected over the rows
	PairedT    float64   `json:"pairedT"`          // Student's, not corrected
	Verdict    string    `json:"verdict"`          // better | worse | different | "~" (cannot tell)
	// Detectable is the smallest relative change that so many seeds, with so much
	// chance in them, tell from none four times in five; absent where there is none.
	Detectable *float64 `json:"detectable,omitempty"`
	// SeedsToTell is how many seeds would probably settle a difference of the
	// observed size that is not significant; 0 where it is, or where none would.
	SeedsToTell int `json:"seedsToTell,omitempty"`
}

// Geomean is the geometric mean of B/A over metrics that improve downwards.
type Geomean struct {
	Metrics []string `json:"metrics"`
	Change  Estimate `json:"change"` // the mean ratio less 1, with its BCa interval over the seeds
}

// The kinds of intervals.
const (
	StudentInterval   = "t"
	BootstrapInterval = "bootstrap"
)

// The tests of a difference.
const (
	SignFlipTest = "sign-flip" // exact, of no distribution; no p below 2/2ⁿ
	TTest        = "t"         // Student's paired: any p from two seeds on, if differences are normal
)

// SideOptions is how two sides are compared.
type SideOptions struct {
	Metrics  []string // none: the headline metrics
	Interval string   // of the changes: StudentInterval, the default, or BootstrapInterval
	Test     string   // SignFlipTest, the default, or TTest
	Share    float64  // of the significance level that this look may spend; 0 is all
}

// Pair compares b with a, metric by metric, on the seeds they share. A metric
// that no shared seed has on both sides has no row.
func Pair(a, b Side, o SideOptions) (*SideBySide, error) {
	p := &pairing{o: o, out: &SideBySide{SchemaVersion: SchemaVersion, A: a, B: b, Interval: o.Interval, Alpha: Alpha, Rows: []Row{}, Warnings: []string{}}}
	if o.Interval == "" {
		p.out.Interval = StudentInterval
	}
	if o.Test == TTest {
		p.out.Test = TTest
	}
	if o.Share > 0 {
		p.out.Alpha *= o.Share
	}
	if len(o.Metrics) == 0 {
		p.headline, p.o.Metrics = true, Headline()
	}
	p.match()
	if len(p.shared) == 0 {
		return nil, fmt.Errorf("compare %s with %s: they have no seed in common", b.Name, a.Name)
	}
	if err := p.rows(); err != nil {
		return nil, fmt.Errorf("compare %s with %s: %w", b.Name, a.Name, err)
	}
	return p.out, nil
}

// pairing is a comparison in the making.
type pairing struct {
	o        SideOptions
	headline bool // nobody asked for these metrics: one that is absent is no surprise
	shared   [][2]Replication
	out      *SideBySide
}

func (p *pairing) warn(format string, args ...any) {
	p.out.Warnings = append(p.out.Warnings, fmt.Sprintf(format, args...))
}

// match pairs the replications and says what speaks against the pairs.
func (p *pairing) match() {
	a, b := p.out.A.Replications, p.out.B.Replications
	p.shared = pairs(PolicySummary{Replications: a}, PolicySummary{Replications: b})
	if n := len(p.shared); n < max(len(a), len(b)) && n > 0 {
		p.warn("A has %d seeds and B %d: compared on the %d they share", len(a), len(b), n)
	}
	for _, pair := range p.shared {
		p.out.Seeds = append(p.out.Seeds, pair[0].Seed)
	}
	for _, pair := range p.shared {
		if x, y := pair[0].Ledger.Arrivals, pair[1].Ledger.Arrivals; x != y {
			p.warn("the loads are not the same: with seed %d A met %d requests and B %d, so pairs share less and differences are not the policies' alone", pair[0].Seed, x, y)
			break
		}
	}
	if p.out.A.Currency != p.out.B.Currency {
		p.warn("costs are in %s on side A and in %s on side B", p.out.A.Currency, p.out.B.Currency)
	}
}

// values are the metric's figures on the seeds that have it on both sides.
func (p *pairing) values(metric string) (a, b []float64) {
	for _, pair := range p.shared {
		x, okA := pair[0].Metrics[metric]
		y, okB := pair[1].Metrics[metric]
		if okA && okB {
			a, b = append(a, x), append(b, y)
		}
	}
	return a, b
}

func (p *pairing) rows() error {
	var ps []float64
	for _, name := range p.o.Metrics {
		if _, err := metrics.Find(name); err != nil {
			return err
		}
		a, b := p.values(name)
		if len(a) == 0 {
			if !p.headline {
				p.warn("%s has no figure on both sides with any seed", name)
			}
			continue
		}
		if len(a) < len(p.shared) {
			p.warn("%s is compared on the %d seeds of %d with which both sides have it", name, len(a), len(p.shared))
		}
		row, own, err := p.row(name, a, b)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		p.out.Rows = append(p.out.Rows, row)
		ps = append(ps, own)
	}
	for i, q := range stats.Holm(ps) {
		if err := p.judge(&p.out.Rows[i], Round(q)); err != nil {
			return err
		}
	}
	p.tooFew()
	if err := p.geomean(); err != nil {
		return err
	}
	var err error
	p.out.ServiceGeomeans, err = ServiceGeomeans(p.out.A.Services, p.out.B.Services, p.o.Metrics)
	return err
}

// Decided reports whether every row has a verdict, or no difference at all.
func (s *SideBySide) Decided() bool {
	for _, r := range s.Rows {
		if r.Verdict == CannotSay && (r.Difference.Mean != 0 || r.Difference.CILow != r.Difference.CIHigh) {
			return false
		}
	}
	return true
}

// TooFew reports whether so many pairs are too few for any row to be told by the
// comparison's test.
func (s *SideBySide) TooFew(n int) (stats.Warning, bool) {
	if s.Test == TTest {
		return stats.Warning{}, false // a single pair has no p, and a warning of its own
	}
	return stats.CheckPairs(n, s.Alpha, len(s.Rows))
}

// SideOf makes a side of the runs of one policy. A figure that is not finite or
// that the catalogue does not know is an error.
func SideOf(s Side, runs []*Run) (Side, error) {
	if len(runs) == 0 {
		return s, nil
	}
	groups, err := sortRuns(runs, []string{runs[0].Policy})
	if err != nil {
		return s, err
	}
	p, err := summarisePolicy(groups[0])
	if err != nil {
		return s, fmt.Errorf("policy %s: %w", p.Name, err)
	}
	s.Replications, s.Services = p.Replications, p.Services
	return s, nil
}
