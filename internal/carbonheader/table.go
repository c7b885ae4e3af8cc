// Package carbonheader works out what a request emitted in each hour of a run, and
// writes it as an API gateway could attach it to its responses.
package carbonheader

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/kwatt-sim/kwatt/internal/results"
)

// Header is the field of the Internet-Draft draft-martin-http-carbon-emissions-scope-2
// (2023, expired, never adopted): grams of CO2e of the electricity that processing
// the request took.
const Header = "Carbon-Emissions-Scope-2"

// Row is one service in one hour, or whatever the step is.
type Row struct {
	From     float64 `json:"fromSeconds"` // since the window's start
	UTC      string  `json:"utc,omitempty"`
	Local    string  `json:"local,omitempty"` // in the scenario's own time zone
	Service  string  `json:"service"`
	Region   string  `json:"region,omitempty"` // "" for all regions together
	Requests float64 `json:"requests"`         // served
	Grams    float64 `json:"co2eGrams"`        // of these requests
	// PerRequest is g CO2e of one request; nil where there was none.
	PerRequest *float64 `json:"gramsPerRequest"`
	Value      string   `json:"value,omitempty"` // of the header; "" where there was no request
}

// Run is what a table is made of.
type Run struct {
	Points   []results.Point // of one replication, in order of time
	Start    time.Time       // of the window; zero when it has no date
	Duration float64         // s
	// Weights say how the emissions of services that share hardware are split: what a
	// request of each takes, in any unit. Services that are not in it, or all of them
	// when one is not, count alike.
	Weights map[string]float64
}

// scope is a cluster: a region, or all there is.
type scope struct {
	name     string // "" for all there is
	grams    float64
	services []string
	requests map[string]float64
}

// Table returns a row for each step and service in each region, and one for the
// service over all regions, which also bears what regions emitted that served
// nobody. Of the time series it takes operational emissions: the
// grams of an hour are dealt out over all requests that were served in it, idle
// hardware included,
//
//	g per request of a service = grams of the hour · w / Σ over services (w · requests)
func Table(r Run, step time.Duration) ([]Row, error) {
	bin, err := binOf(r)
	if err != nil {
		return nil, err
	}
	if step <= 0 || step.Seconds() < r.Duration && math.Mod(step.Seconds(), bin) != 0 {
		return nil, fmt.Errorf("a step of %v is no multiple of the time series' %v", step, time.Duration(bin*1e9))
	}
	var rows []Row
	for from, i := 0.0, 0; from < r.Duration; from += step.Seconds() {
		first := i
		for i < len(r.Points) && r.Points[i].T <= from+step.Seconds() {
			i++
		}
		rows = append(rows, r.rows(from, r.Points[first:i])...)
	}
	return rows, nil
}

// binOf is the width of the time series' bins in s.
func binOf(r Run) (float64, error) {
	emits := func(p results.Point) bool { return p.CO2eRate != nil }
	if !slices.ContainsFunc(r.Points, emits) {
		return 0, fmt.Errorf("the time series has no emissions")
	}
	return r.Points[0].T, nil
}

// rows are those of the points between an instant and the next.
func (r Run) rows(from float64, points []results.Point) []Row {
	scopes := r.add(from, points)
	total := map[string]*Row{} // by service, over its regions
	var order []string
	var rows []Row
	takes := map[string]float64{} // weighed requests by service, over its regions
	idle, all := 0.0, 0.0         // grams of regions without a request; weighed requests
	for _, s := range scopes {
		weights := r.weights(s)
		weighed := 0.0
		for _, name := range s.services {
			weighed += float64(weights[name] * s.requests[name])
		}
		for _, name := range s.services {
			service, _, _ := strings.Cut(name, "@")
			row := Row{From: from, Service: service, Region: s.name, Requests: s.requests[name]}
			if weighed > 0 {
				row.Grams = s.grams * (weights[name] * s.requests[name] / weighed)
			}
			rows = append(rows, row)
			if total[service] == nil {
				total[service] = &Row{From: from, Service: service}
				order = append(order, service)
			}
			total[service].Requests += row.Requests
			total[service].Grams += row.Grams
			takes[service] += float64(weights[name] * s.requests[name])
		}
		if all += weighed; weighed == 0 {
			idle += s.grams
		}
	}
	if len(scopes) > 1 || len(scopes) == 1 && scopes[0].name != "" {
		for _, service := range order {
			if all > 0 {
				total[service].Grams += float64(idle * takes[service] / all)
			}
			rows = append(rows, *total[service])
		}
	}
	for i := range rows {
		r.finish(&rows[i])
	}
	return rows
}

// finish fills in what follows from requests, grams and the instant.
func (r Run) finish(row *Row) {
	if !r.Start.IsZero() {
		at := r.Start.Add(time.Duration(row.From * 1e9))
		row.UTC, row.Local = at.UTC().Format(time.RFC3339), at.Format(time.RFC3339)
	}
	row.Requests, row.Grams = math.Round(row.Requests), results.Round(row.Grams) // whole, but for the rounding of rates
	if row.Requests > 0 {
		x := results.Round(row.Grams / row.Requests)
		row.PerRequest, row.Value = &x, Value(x)
	}
}

// add adds the points of a step up. Where there are regions the cluster's own
// row, which is their sum, is left out.
func (r Run) add(from float64, points []results.Point) []*scope {
	byName := map[string]*scope{}
	var scopes []*scope
	in := func(name string) *scope {
		if byName[name] == nil {
			byName[name] = &scope{name: name, requests: map[string]float64{}}
			scopes = append(scopes, byName[name])
		}
		return byName[name]
	}
	regions := slices.ContainsFunc(points, func(p results.Point) bool { return strings.HasPrefix(p.Service, "@") })
	last, end := from, from
	for _, p := range points {
		if p.T != end {
			last, end = end, p.T
		}
		seconds := end - last
		service, region, _ := strings.Cut(p.Service, "@")
		switch {
		case service != "" && p.ServedRate != nil:
			s := in(region)
			if _, ok := s.requests[p.Service]; !ok {
				s.services = append(s.services, p.Service)
			}
			s.requests[p.Service] += float64(*p.ServedRate * seconds)
		case service == "" && p.CO2eRate != nil && (region != "" || !regions):
			in(region).grams += float64(*p.CO2eRate * seconds / 3600)
		}
	}
	return scopes
}

// weights are those of the scope's services.
func (r Run) weights(s *scope) map[string]float64 {
	out := map[string]float64{}
	for _, name := range s.services {
		w := r.Weights[name]
		if w <= 0 && s.requests[name] > 0 {
			clear(out)
			for _, name := range s.services {
				out[name] = 1
			}
			return out
		}
		out[name] = w
	}
	return out
}
