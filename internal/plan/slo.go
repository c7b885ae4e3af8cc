package plan

import (
	"fmt"
	"math"
	"regexp"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/gate"
	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/scenario"
	"github.com/kwatt-sim/kwatt/internal/stats"
)

// SLO is a bound of a metric's mean over seeds.
type SLO struct {
	Metric  metrics.Metric
	Service string  // "" for all requests and the whole cluster
	Least   bool    // Limit is the least that is allowed, not the most
	Limit   float64 // in the metric's unit
	Text    string  // as written
}

var sloForm = regexp.MustCompile(`^\s*(?:([^\s/<>=]+)/)?([a-z0-9_]+)\s*(<=|>=|<|>)\s*(\S.*?)\s*$`)

// ParseSLO reads [SERVICE/]METRIC < LIMIT, or >, where the limit may have a unit:
// "ranker/latency_p95_seconds < 50ms". With < and with <= the limit itself is allowed.
func ParseSLO(text string) (SLO, error) {
	fail := func(err error) (SLO, error) {
		return SLO{}, fmt.Errorf("%q: %w; want for example latency_p95_seconds < 50ms", text, err)
	}
	m := sloForm.FindStringSubmatch(text)
	if m == nil {
		return fail(fmt.Errorf("not METRIC < LIMIT"))
	}
	s := SLO{Service: m[1], Least: m[3][0] == '>', Text: strings.TrimSpace(text)}
	var err error
	if s.Metric, err = metrics.Find(m[2]); err != nil {
		return fail(err)
	}
	switch {
	case s.Service != "" && !s.Metric.PerService:
		return fail(fmt.Errorf("%s is of the cluster, not of a service", m[2]))
	case s.Metric.Better == metrics.HigherIsBetter && !s.Least, s.Metric.Better == metrics.LowerIsBetter && s.Least:
		return fail(fmt.Errorf("the limit is on the good side of %s", m[2]))
	}
	if s.Limit, err = gate.ParseLimit(m[4], s.Least, s.Metric); err != nil {
		return fail(err)
	}
	return s, nil
}

// Promised are the SLOs of a scenario. A latency is over served requests, so a
// latency target of quantile q is also an attainment of q, which counts requests
// that were lost: a configuration cannot keep it by refusing them.
func Promised(f *scenario.File) []SLO {
	var out []SLO
	for _, svc := range f.Scenario.Spec.Services {
		if target, q, ok := svc.SLO.Latency.Target(); ok {
			out = append(out,
				sloOf(fmt.Sprintf("latency_p%.0f_seconds", 100*q), svc.Name, false, target.Seconds()),
				sloOf("slo_attainment_ratio", svc.Name, true, q))
		}
		if g := svc.SLO.CarbonPerRequest; g != nil { // emissions are not split by service
			out = append(out, sloOf("co2e_grams_per_million_requests", "", false, float64(*g)*1e6))
		}
	}
	return out
}

func sloOf(metric, service string, least bool, limit float64) SLO {
	m, err := metrics.Find(metric)
	if err != nil {
		panic(fmt.Sprintf("plan: %v", err)) // names of our own
	}
	s := SLO{Metric: m, Service: service, Least: least, Limit: limit}
	sign, at := "<", ""
	if least {
		sign = ">"
	}
	if service != "" {
		at = service + "/"
	}
	s.Text = fmt.Sprintf("%s%s %s %g", at, metric, sign, results.Round(limit))
	return s
}

// value is the run's figure; ok is false where it has none.
func (s SLO) value(r *results.Run) (x float64, ok bool) {
	from := r.Metrics
	if s.Service != "" {
		from = r.Services[s.Service]
	}
	x, ok = from[s.Metric.Name]
	return results.Round(x), ok && !math.IsNaN(x) && !math.IsInf(x, 0)
}

// excess is how far the runs lie beyond the limit, positive where they break it;
// ok is false when one has no figure, which no SLO is kept with.
func (s SLO) excess(runs []*results.Run) (out []float64, ok bool) {
	for _, r := range runs {
		x, ok := s.value(r)
		if !ok {
			return nil, false
		}
		if x -= s.Limit; s.Least {
			x = -x
		}
		out = append(out, x)
	}
	return out, true
}

// Estimate is the mean of the SLO's figure over runs; N is 0 when none has it.
func (s SLO) Estimate(runs []*results.Run, confidence float64) (results.Estimate, error) {
	var xs []float64
	for _, r := range runs {
		if x, ok := s.value(r); ok {
			xs = append(xs, x)
		}
	}
	if len(xs) == 0 {
		return results.Estimate{}, nil
	}
	return estimate(xs, confidence)
}

// State is what is known of an SLO.
type State string

// The states.
const (
	Kept   State = "kept"
	Broken State = "broken"
	Open   State = "open" // the seeds at hand do not tell
)

// judge tells by Student's one-sided intervals whether the mean keeps the limit;
// breaks and keeps are the error rates of the two verdicts.
func (s SLO) judge(runs []*results.Run, breaks, keeps float64) (State, error) {
	y, ok := s.excess(runs)
	if !ok {
		return Broken, nil
	}
	if len(y) < 2 {
		return Open, nil
	}
	low, err := stats.TInterval(y, 1-2*breaks)
	if err != nil {
		return Open, err
	}
	high, err := stats.TInterval(y, 1-2*keeps)
	switch {
	case err != nil:
		return Open, err
	case low.Low > 0:
		return Broken, nil
	case high.High <= 0:
		return Kept, nil
	}
	return Open, nil
}
