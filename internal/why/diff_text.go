package why

import (
	"fmt"
	"io"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/tty"
)

// Text writes the difference for a terminal.
func (d *Difference) Text(w io.Writer, o Options) error {
	p := newPage(o, d.a.Start)
	p.line(tty.Bold, 0, "A %s and B %s, %s", d.A.Policy, d.B.Policy, seedsText(d.A.Seed, d.B.Seed))
	if !d.Differs {
		p.line(tty.NoColor, 0, "%s", "no difference: "+tty.Count(d.Equal, "decision is", "decisions are")+" the same")
	} else {
		p.line(tty.NoColor, 0, "they part at %s, after %s", p.when(d.T), tty.Count(d.Equal, "equal decision", "equal decisions"))
	}
	for _, u := range d.Services {
		if u.StartA != u.StartB {
			p.line(tty.NoColor, 0, "%s starts with %s under A, with %d under B", u.Service, replicas(u.StartA), u.StartB)
		}
	}
	switch {
	case d.Seen != nil && !(d.Differs && *d.Seen >= d.T):
		p.line(tty.NoColor, 0, "their scalers first saw different figures at %s", offset(*d.Seen))
	case d.Differs:
		p.line(tty.NoColor, 0, "until then their scalers saw the same figures, as far as the ledgers show it")
	}
	if d.Differs {
		p.side("A", &d.A, d.T)
		p.side("B", &d.B, d.T)
	}
	for _, u := range d.Services {
		if !d.Differs && u.Equal == 1 {
			continue
		}
		p.heading("replicas of %s", u.Service)
		p.field("equal", "%.1f %% of the time", 100*u.Equal)
		p.field("apart", "by %s on average", tty.Number(u.MeanAbs))
		p.field("mean", "A %s, B %s", tty.Number(u.MeanA), tty.Number(u.MeanB))
	}
	return p.writeTo(w)
}

func seedsText(a, b uint64) string {
	if a == b {
		return fmt.Sprintf("seed %d", a)
	}
	return fmt.Sprintf("seeds %d and %d", a, b)
}

// side writes what one of the runs did at the instant of the difference.
func (p *page) side(name string, s *Side, t float64) {
	switch {
	case s.Did != nil && scales(*s.Did):
		p.heading("%s %s: %s %d → %d at %s", name, s.Policy, s.Did.Service, s.Did.From, s.Did.To, offset(s.Did.T))
		p.scaling(*s.Did)
	case s.Did != nil:
		p.heading("%s %s", name, s.Policy)
		p.decision(*s.Did)
	case s.InForce != nil:
		p.heading("%s %s: %s stays at %d", name, s.Policy, s.InForce.Service, s.InForce.To)
		if s.InForce.T != t {
			p.field("since", "%s", offset(s.InForce.T))
		}
		p.scaling(*s.InForce)
	default:
		p.heading("%s %s: decides nothing at %s", name, s.Policy, offset(t))
	}
	if s.Did == nil {
		p.field("next", "%s", nextText(s.Next))
	}
}

func nextText(e *decisions.Entry) string {
	if e == nil {
		return "nothing until the end"
	}
	return fmt.Sprintf("%s at %s: %s", e.Kind, offset(e.T), short(*e))
}
