package plan

import (
	"context"
	"fmt"
	"math"

	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/stats"
)

// Capacity asks at which multiple of its load a fleet breaks an SLO.
type Capacity struct {
	SLOs       []SLO
	Confidence float64
	Seeds      []uint64
	Precision  float64 // the relative width at which the search ends, such as 0.02
}

// Limits of a search for capacity.
const (
	mostProbes    = 32 // loads that are tried; each has its share of the error rate
	mostDoublings = 10 // from the load as it is written, up or down
)

// Probe is a load that was tried.
type Probe struct {
	Factor float64        // of the load as it is written
	State  State          // of all SLOs together
	Broken string         // the SLO that is, "" when none is
	Runs   []*results.Run // in the order of seeds
}

// CapacityFound is where the SLOs break. Between Kept and Breaks the seeds do not
// tell, or Precision ended the search.
type CapacityFound struct {
	Kept   float64 // the highest load known to keep all SLOs; 0 when none is
	Breaks float64 // the lowest load known to break one; infinite when none is
	Probes []Probe // in the order in which they were made
}

// Find looks for the capacity by doubling or halving and then bisection. It takes for
// granted that more load never mends an SLO. All verdicts together are right with the
// stated confidence.
func (c Capacity) Find(ctx context.Context, run func(ctx context.Context, factor float64, seeds []uint64) ([]*results.Run, error)) (*CapacityFound, error) {
	s := &capacitySearch{c, run, CapacityFound{Breaks: math.Inf(1)}}
	factor := 1.0
	for range mostDoublings {
		if err := s.probe(ctx, factor); err != nil {
			return nil, err
		}
		switch {
		case s.found.Kept == 0:
			factor /= 2
		case math.IsInf(s.found.Breaks, 1):
			factor = 2 * max(factor, 1) // what lies below 1 is known
		default:
			return &s.found, s.bisect(ctx)
		}
	}
	return &s.found, nil
}

type capacitySearch struct {
	Capacity
	run   func(ctx context.Context, factor float64, seeds []uint64) ([]*results.Run, error)
	found CapacityFound
}

// bisect closes in from both sides: on the first load of which the seeds do not tell,
// where there is such a one.
func (s *capacitySearch) bisect(ctx context.Context) error {
	for len(s.found.Probes) < mostProbes {
		low, high := s.found.Kept, s.found.Breaks
		least, most := s.open(low, high)
		var at float64
		switch near := 1 + s.Precision; {
		case least/low > near:
			at = math.Sqrt(low * least)
		case high/most > near && most > low:
			at = math.Sqrt(most * high)
		default:
			return nil
		}
		if err := s.probe(ctx, at); err != nil {
			return err
		}
	}
	return nil
}

// open are the least and the most load between the two of which the seeds do not
// tell; both ends where there is none.
func (s *capacitySearch) open(low, high float64) (least, most float64) {
	least, most = high, low
	for _, p := range s.found.Probes {
		if p.State == Open && p.Factor > low && p.Factor < high {
			least, most = min(least, p.Factor), max(most, p.Factor)
		}
	}
	return least, most
}

// probe adds seeds at a load until its state is known or all are spent.
func (s *capacitySearch) probe(ctx context.Context, factor float64) error {
	looks, err := stats.Looks(min(firstSeeds, len(s.Seeds)), len(s.Seeds))
	if err != nil {
		return err
	}
	p := Probe{Factor: factor, State: Open}
	for _, l := range looks {
		more, err := s.run(ctx, factor, s.Seeds[len(p.Runs):l.Seeds])
		if err != nil {
			return err
		}
		p.Runs = append(p.Runs, more...)
		if err := s.judge(&p, l.Share); err != nil {
			return err
		}
		if p.State != Open {
			break
		}
	}
	s.found.Probes = append(s.found.Probes, p)
	switch p.State {
	case Kept:
		s.found.Kept = max(s.found.Kept, factor)
	case Broken:
		s.found.Breaks = min(s.found.Breaks, factor)
	}
	return nil
}

func (s *capacitySearch) judge(p *Probe, share float64) error {
	level := (1 - s.Confidence) / mostProbes * share
	p.State = Kept
	for _, slo := range s.SLOs {
		// Any of them may be thought to be broken, and all have to be kept.
		state, err := slo.judge(p.Runs, level/float64(len(s.SLOs)), level)
		switch {
		case err != nil:
			return fmt.Errorf("%s at %g times the load: %w", slo.Text, p.Factor, err)
		case state == Broken:
			p.State, p.Broken = Broken, slo.Text
			return nil
		case state == Open:
			p.State = Open
		}
	}
	return nil
}
