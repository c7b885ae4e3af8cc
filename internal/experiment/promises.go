package experiment

import (
	"fmt"

	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/scenario"
)

// Promises holds a summary against the services' SLOs and returns a warning
// for each that a policy misses, or cannot be told to keep.
func Promises(f *scenario.File, s *results.Summary) []results.Note {
	var notes []results.Note
	check := func(policy, promise, unit string, e results.Estimate, scale, target float64) {
		if e.N == 0 {
			return // nothing was served: the policy's own warning says so
		}
		verdict := "misses"
		switch {
		case e.CIHigh*scale <= target || (e.N == 1 && e.Mean*scale <= target):
			return
		case e.CILow*scale <= target && e.N > 1:
			verdict = "cannot be told to keep"
		}
		notes = append(notes, results.Note{Kind: results.NoteWarning, Text: fmt.Sprintf("policy %s %s the SLO %s: it has %.4g %s, at most %.4g %s is promised",
			policy, verdict, promise, e.Mean*scale, unit, target, unit)})
	}
	for _, svc := range f.Scenario.Spec.Services {
		for _, p := range s.Policies {
			if target, q, ok := svc.SLO.Latency.Target(); ok {
				name := fmt.Sprintf("latency_p%.0f_seconds", 100*q)
				check(p.Name, fmt.Sprintf("p%.0f latency of %s", 100*q, svc.Name), "ms", p.Services[svc.Name].Metrics[name], 1e3, target.Seconds()*1e3)
			}
			if g := svc.SLO.CarbonPerRequest; g != nil {
				// Emissions are the cluster's: they are not split by service.
				check(p.Name, "carbon per request of "+svc.Name, "mg CO2e", p.Metrics["co2e_grams_per_million_requests"], 1e-3, float64(*g)*1e3)
			}
		}
	}
	return notes
}
