package plan

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/workload"
)

// Screen is the part of the window on which candidates are screened.
type Screen struct {
	From, Length time.Duration // from the window's start
	Seeds        []uint64
	// Arrivals are the requests of the whole window that are expected, by service; ""
	// is all of them.
	Arrivals map[string]float64
}

// screen drops the candidates that break an SLO of the whole window by what happens
// in the screening window alone, however well the rest goes, with every seed.
//
// It assumes that the busiest hours go no better when the window begins with them:
// they then meet the replicas that the scenario starts with, not those that a day
// has led to. A start is short beside the half of the requests that have to be late.
func (s *search) screen(ctx context.Context) error {
	if s.Screen == nil {
		return nil
	}
	trials := trialsOf(indices(s.Candidates), s.Screen.Seeds, true)
	runs, err := s.run.Run(ctx, trials)
	if err != nil {
		return err
	}
	if len(runs) != len(trials) {
		return fmt.Errorf("%d runs for %d trials", len(runs), len(trials))
	}
	for k, t := range trials {
		o := &s.found.Outcomes[t.Candidate]
		o.Short = append(o.Short, runs[k])
	}
	for i := range s.found.Outcomes {
		o := &s.found.Outcomes[i]
		for k, slo := range s.SLOs {
			lost := len(o.Short) > 0
			for _, r := range o.Short {
				lost = lost && slo.lostBy(r, s.Screen.Arrivals[slo.Service])
			}
			if lost {
				o.Fate, o.Why, o.SLOs[k] = Screened, slo.Text, Broken
			}
		}
	}
	return nil
}

// lostBy reports whether the requests that were late in a part of the window break the
// SLO of all of them, if every other request is on time.
func (s SLO) lostBy(part *results.Run, arrivals float64) bool {
	values := part.Metrics
	if s.Service != "" {
		values = part.Services[s.Service]
	}
	served := values["requests_served_total"]
	if s.Metric.Name == "slo_attainment_ratio" {
		counted := served + values["requests_dropped_total"] + values["requests_timed_out_total"]
		late := (1 - values["slo_attainment_ratio"]) * counted
		return late > (1-s.Limit)*arrivals
	}
	q, ok := quantileOf(s.Metric.Name)
	if !ok || s.Least {
		return false
	}
	late := 0.0 // share of the served that is known to be
	for _, at := range quantiles {
		if x, ok := values[at.metric]; ok && x > s.Limit {
			late = max(late, 1-at.q)
		}
	}
	return late*served > (1-q)*arrivals
}

// quantiles of the catalogue.
var quantiles = []struct {
	metric string
	q      float64
}{
	{"latency_p50_seconds", 0.5}, {"latency_p90_seconds", 0.9}, {"latency_p95_seconds", 0.95},
	{"latency_p99_seconds", 0.99}, {"latency_p999_seconds", 0.999},
}

func quantileOf(metric string) (float64, bool) {
	for _, at := range quantiles {
		if at.metric == metric {
			return at.q, true
		}
	}
	return 0, false
}

// screenMargin is how many times as many requests as may be late have to lie in the
// screening window. Of a latency only the median may tell that half are late, so
// that two is the least.
const screenMargin = 3

// mostSteps is how finely the window is looked through for its busiest part.
const mostSteps = 240

// BusiestPart finds the shortest part of the window that can refute one of the SLOs:
// the busiest that has enough requests. ok is false when that would be most of the
// window.
func BusiestPart(slos []SLO, curves []*workload.Curve) (from, length time.Duration, ok bool) {
	late := math.Inf(1) // share of the requests that may be, at the strictest
	for _, s := range slos {
		if q, isLatency := quantileOf(s.Metric.Name); isLatency && !s.Least {
			late = min(late, 1-q)
		} else if s.Metric.Name == "slo_attainment_ratio" {
			late = min(late, 1-s.Limit)
		}
	}
	if math.IsInf(late, 1) || late <= 0 || len(curves) == 0 {
		return 0, 0, false
	}
	step := max(curves[0].Duration/mostSteps, time.Minute).Round(time.Minute)
	upTo := requestsUpTo(step, curves)
	steps := len(upTo) - 1
	for n := 1; n <= steps/2; n++ {
		at := 0
		for i := 1; i+n <= steps; i++ {
			if upTo[i+n]-upTo[i] > upTo[at+n]-upTo[at] {
				at = i
			}
		}
		if upTo[at+n]-upTo[at] >= screenMargin*late*upTo[steps]*(1-1e-9) {
			return time.Duration(at) * step, time.Duration(n) * step, true
		}
	}
	return 0, 0, false
}

// requestsUpTo is how many requests of all curves are expected before the end of each
// whole step, none first.
func requestsUpTo(step time.Duration, curves []*workload.Curve) []float64 {
	upTo := make([]float64, int(curves[0].Duration/step)+1)
	for _, c := range curves {
		for i, rate := range c.Rates {
			if at := int(time.Duration(i)*c.Step/step) + 1; at < len(upTo) {
				upTo[at] += rate * c.Step.Seconds()
			}
		}
	}
	for i := 1; i < len(upTo); i++ {
		upTo[i] += upTo[i-1]
	}
	return upTo
}

// String says which part it is: "10h06m to 13h42m".
func (s *Screen) String() string { return clock(s.From) + " to " + clock(s.From+s.Length) }

func clock(d time.Duration) string {
	return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
}
