package plan

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/rng"
)

// surface is a made-up response: a true cost and latency for each candidate, and noise
// that is partly the seed's own and so common to all.
type surface struct {
	cost, latency []float64
	energy        []float64 // nil for the cost
	common, own   float64   // standard deviations, relative
	draw          uint64    // which experiment it is
	perRun        time.Duration
	spent         time.Duration
	trials        int
}

func (s *surface) Run(_ context.Context, trials []Trial) ([]*results.Run, error) {
	var out []*results.Run
	for _, t := range trials {
		s.spent += s.perRun
		s.trials++
		shared := rng.New(s.draw).Stream("common", fmt.Sprint(t.Seed))
		own := rng.New(s.draw).Stream("own", fmt.Sprint(t.Seed), fmt.Sprint(t.Candidate))
		noise := func() float64 { return 1 + s.common*shared.Norm() + s.own*own.Norm() }
		cost := s.cost[t.Candidate] * noise()
		energy := cost
		if s.energy != nil {
			energy = s.energy[t.Candidate] * noise()
		}
		out = append(out, &results.Run{Policy: "p", Seed: t.Seed, Metrics: metrics.Values{
			"cost_usd": cost, "energy_kwh": energy, "co2e_grams": cost, "latency_p95_seconds": s.latency[t.Candidate] * noise(),
		}})
	}
	return out, nil
}

func seeds(first, n int) []uint64 {
	var out []uint64
	for i := range n {
		out = append(out, uint64(first+i))
	}
	return out
}

func mustSLO(t *testing.T, text string) SLO {
	t.Helper()
	s, err := ParseSLO(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func searchOf(t *testing.T, s *surface, race int) Search {
	cost, err := metrics.Find("cost_usd")
	if err != nil {
		t.Fatal(err)
	}
	return Search{Candidates: len(s.cost), SLOs: []SLO{mustSLO(t, "latency_p95_seconds < 1")}, Objectives: []metrics.Metric{cost},
		Confidence: 0.95, Seeds: seeds(1, race), Fresh: seeds(101, 8)}
}

// exhaustive is the best by the true surface.
func (s *surface) exhaustive() int {
	best := -1
	for i := range s.cost {
		if s.latency[i] <= 1 && (best < 0 || s.cost[i] < s.cost[best]) {
			best = i
		}
	}
	return best
}

// The best candidate is the winner or among its rivals with the stated confidence: on
// surfaces whose differences are as large as the noise, with the best on the very limit
// of the SLO and a cheaper candidate just beyond it, as well as on easy ones. On easy
// ones it is the winner alone.
func TestTheBestIsFoundWithTheStatedConfidence(t *testing.T) {
	const experiments = 1000
	for _, c := range []struct {
		name   string
		make   func(*rng.Stream) *surface
		single float64 // least share of experiments in which the winner is the best and has no rivals
	}{
		{"easy", func(*rng.Stream) *surface {
			s := &surface{common: 0.05, own: 0.002}
			for i := range 12 {
				s.cost, s.latency = append(s.cost, 100+5*float64(i)), append(s.latency, map[bool]float64{true: 1.5, false: 0.5}[i < 4])
			}
			return s
		}, 0.95},
		{"on the limit", func(*rng.Stream) *surface {
			s := &surface{common: 0.05, own: 0.02, cost: []float64{100, 99, 98}, latency: []float64{1, 1.0001, 1.01}}
			for i := range 9 {
				s.cost, s.latency = append(s.cost, 100.5+0.5*float64(i)), append(s.latency, 0.9)
			}
			return s
		}, 0},
		{"random", func(r *rng.Stream) *surface {
			s := &surface{common: 0.03, own: 0.01}
			for range 12 {
				s.cost, s.latency = append(s.cost, 100+5*r.Float64()), append(s.latency, 0.9+0.12*r.Float64())
			}
			s.latency[0] = 0.8
			return s
		}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			lost, single := 0, 0
			for e := range experiments {
				s := c.make(rng.New(uint64(e)).Stream("surface"))
				s.draw = uint64(e)
				found, err := searchOf(t, s, 9).Run(t.Context(), s)
				if err != nil {
					t.Fatal(err)
				}
				b, want := found.Bests[0], s.exhaustive()
				if b.Winner != want && !slices.Contains(b.Rivals, want) {
					lost++
				}
				if b.Winner == want && len(b.Rivals) == 0 {
					single++
				}
			}
			t.Logf("of %d experiments: the best was lost in %d, told from all others in %d", experiments, lost, single)
			if most := 0.05*experiments + 3*math.Sqrt(0.05*0.95*experiments); float64(lost) > most {
				t.Errorf("the best was lost in %d of %d experiments", lost, experiments)
			}
			if float64(single) < c.single*experiments {
				t.Errorf("the best was told from all others in %d of %d experiments only", single, experiments)
			}
		})
	}
}

// Of many equal candidates the winner is the luckiest: its race is too good to be true,
// and its confirmation is not.
func TestConfirmationHasNoWinnersCurse(t *testing.T) {
	const experiments, truth = 400, 100.0
	race, fresh, covered := 0.0, 0.0, 0
	for e := range experiments {
		s := &surface{own: 0.05, draw: uint64(e)}
		for range 20 {
			s.cost, s.latency = append(s.cost, truth), append(s.latency, 0.5)
		}
		search := searchOf(t, s, 5)
		found, err := search.Run(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		b := found.Bests[0]
		if b.Winner < 0 || !b.Confirmed {
			t.Fatalf("experiment %d: %+v", e, b)
		}
		o := &found.Outcomes[b.Winner]
		race += mean(o.Runs, "cost_usd") / experiments
		in, err := Estimates(o.Fresh, 0.95, "cost_usd")
		if err != nil {
			t.Fatal(err)
		}
		fresh += in["cost_usd"].Mean / experiments
		if in["cost_usd"].CILow <= truth && truth <= in["cost_usd"].CIHigh {
			covered++
		}
	}
	t.Logf("true cost %v: in the race %.2f, confirmed %.2f, covered in %d of %d", truth, race, fresh, covered, experiments)
	// The standard error of a mean of 400 winners is below 0.1.
	if race > truth-1 || math.Abs(fresh-truth) > 0.4 {
		t.Errorf("the winner costs %.2f in the race and %.2f confirmed; the truth is %v", race, fresh, truth)
	}
	if share := float64(covered) / experiments; share < 0.92 {
		t.Errorf("the confirmed interval covers the truth in %.3f of experiments", share)
	}
}

// When time runs short candidates are cut and said to be, the search ends about in
// time, and what is left is still confirmed.
func TestBudget(t *testing.T) {
	make := func() *surface {
		s := &surface{common: 0.02, own: 0.01, perRun: time.Second}
		for i := range 40 {
			s.cost, s.latency = append(s.cost, 100+0.1*float64(i)), append(s.latency, 0.7)
		}
		return s
	}
	for _, budget := range []time.Duration{5 * time.Minute, 100 * time.Second, 30 * time.Second} {
		s := make()
		search := searchOf(t, s, 9)
		search.Left = func() time.Duration { return budget - s.spent }
		found, err := search.Run(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		cut := 0
		for _, o := range found.Outcomes {
			if o.Fate == Cut {
				cut++
			}
		}
		t.Logf("%v: %v spent, %d of 40 cut", budget, s.spent, cut)
		if !found.Limited || cut == 0 || s.spent > budget+10*time.Second {
			t.Errorf("budget %v: %v spent, limited %v, %d cut", budget, s.spent, found.Limited, cut)
		}
		if b := found.Bests[0]; b.Winner < 0 && budget > time.Minute {
			t.Errorf("budget %v: %+v", budget, b)
		}
	}
	s := make()
	search := searchOf(t, s, 9)
	search.Left = func() time.Duration { return time.Hour - s.spent }
	found, err := search.Run(t.Context(), s)
	if err != nil || found.Limited {
		t.Errorf("an hour was not enough: %v, %v", found.Limited, err)
	}
}

// A candidate that has won one objective stays, however it does by another for which
// time runs short.
func TestBudgetKeepsTheWinners(t *testing.T) {
	s := &surface{common: 0.02, own: 0.01, perRun: time.Second}
	for i := range 30 {
		s.cost, s.energy, s.latency = append(s.cost, 200), append(s.energy, 100+0.01*float64(i)), append(s.latency, 0.7)
	}
	s.cost[29], s.energy[29] = 100, 101.5
	search := searchOf(t, s, 9)
	energy, err := metrics.Find("energy_kwh")
	if err != nil {
		t.Fatal(err)
	}
	search.Objectives = append(search.Objectives, energy)
	const budget = 240 * time.Second
	search.Left = func() time.Duration { return budget - s.spent }
	found, err := search.Run(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if b := found.Bests; !found.Limited || b[0].Winner != 29 || len(b[0].Rivals) > 0 || b[1].Winner < 0 {
		t.Errorf("limited %v, %+v", found.Limited, b)
	}
	if s.spent > budget+10*time.Second {
		t.Errorf("%v spent of %v", s.spent, budget)
	}
}

func TestNothingKeeps(t *testing.T) {
	s := &surface{own: 0.01, cost: []float64{1, 2, 3}, latency: []float64{3, 1.2, 2}}
	search := searchOf(t, s, 9)
	found, err := search.Run(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if found.Bests[0].Winner != -1 || len(found.Bests[0].Rivals) != 0 {
		t.Errorf("%+v", found.Bests[0])
	}
	if n := search.nearest(found); n == nil || *n != 1 {
		t.Errorf("nearest %v, want 1", n)
	}
	if got := search.front(found.Outcomes); len(got) != 0 {
		t.Errorf("front %v of candidates that all miss", got)
	}
}

// A candidate that has no figure, because it served nothing, keeps nothing.
func TestNoFigureIsBroken(t *testing.T) {
	slo := mustSLO(t, "latency_p95_seconds < 1")
	runs := []*results.Run{{Metrics: metrics.Values{}}, {Metrics: metrics.Values{}}}
	if state, err := slo.judge(runs, 0.01, 0.01); state != Broken || err != nil {
		t.Errorf("%s, %v", state, err)
	}
	if kept, err := slo.confirmed(runs, 0.5); kept || err != nil {
		t.Errorf("confirmed %v, %v", kept, err)
	}
}

func TestParseSLO(t *testing.T) {
	for text, want := range map[string]struct {
		service string
		limit   float64
		least   bool
	}{
		"latency_p95_seconds < 0.05":                  {"", 0.05, false},
		"ranker/latency_p99_seconds<=50ms":            {"ranker", 0.05, false},
		"slo_attainment_ratio >= 99.9%":               {"", 0.999, true},
		"co2e_grams_per_million_requests < 0.2mg/req": {"", 200, false},
		"  shop-a/slo_attainment_ratio > 0.5 ":        {"shop-a", 0.5, true},
		"requests_dropped_total < 10":                 {"", 10, false},
	} {
		s, err := ParseSLO(text)
		if err != nil || s.Service != want.service || math.Abs(s.Limit-want.limit) > 1e-12 || s.Least != want.least {
			t.Errorf("%q: %+v, %v", text, s, err)
		}
	}
	for _, text := range []string{"", "latency < 1", "latency_p95_seconds = 1", "latency_p95_seconds > 1", "ranker/energy_kwh < 1", "latency_p95_seconds < 1kWh", "slo_attainment_ratio > 99"} {
		if s, err := ParseSLO(text); err == nil {
			t.Errorf("%q: %+v", text, s)
		}
	}
}
