package experiment

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/kube/scheduler"
	"github.com/kwatt-sim/kwatt/internal/policies/oracle"
	"github.com/kwatt-sim/kwatt/internal/policies/static"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/scenario"
)

// An oracle's replicas are loaded to heaviest per cent of saturation at most; a
// level of the search is a per cent less.
const (
	heaviest  = 99
	mostSpare = 94
)

// BoundSearch finds what no policy is expected to beat.
type BoundSearch struct {
	File     *scenario.File
	Seeds    []uint64
	Parallel int
	Say      func(string) // is told of each round of runs
}

// SLOs are the latency promises that the bounds keep: the least share of
// requests within the target, by service.
func SLOs(f *scenario.File) results.SLOs {
	slos := results.SLOs{}
	for _, s := range f.Scenario.Spec.Services {
		if _, q, ok := s.SLO.Latency.Target(); ok {
			slos[s.Name] = q
		}
	}
	return slos
}

// Run finds the bounds by simulation. For the oracle it looks for the heaviest
// load of a replica, and for the static fleet for the fewest replicas, with
// which every service keeps its SLO over the window in every seed. Bisection
// with the first seed narrows them down, taking it that less never keeps what
// more did not; then all seeds decide.
func (b *BoundSearch) Run(ctx context.Context) ([]results.Bound, error) {
	f, err := b.oracles(ctx)
	if err != nil {
		return nil, err
	}
	fleet, err := b.static(ctx)
	if err != nil {
		return nil, err
	}
	return append(f, fleet), nil
}

// oracles are the plans of least energy, carbon and, where there are prices, cost.
func (b *BoundSearch) oracles(ctx context.Context) ([]results.Bound, error) {
	most := b.filled(mostSpare)
	var out []results.Bound
	var spare []int // by service, per cent below heaviest
	for _, k := range []struct{ name, minimise, metric string }{
		{"least-energy", oracle.Energy, "energy_kwh"}, {"least-carbon", oracle.Carbon, "co2e_grams"}, {"least-cost", oracle.Cost, "cost_usd"},
	} {
		if k.minimise == oracle.Cost && !b.priced() {
			continue
		}
		policy := func(levels []int) scenario.Policy {
			return b.policy(k.name, func(i int) *scenario.Scaler {
				c := oracle.NewConfig()
				c.Minimise = k.minimise
				load := float64(heaviest-levels[i]) / 100
				c.Utilisation = &load
				return &scenario.Scaler{Kind: "oracle", Config: c}
			})
		}
		var err error
		if spare == nil { // the plans load replicas alike: one search
			if spare, err = b.bisect(ctx, b.filled(0), most, policy); err != nil {
				return nil, err
			}
		}
		found, runs, err := b.settle(ctx, spare, most, policy)
		if err != nil {
			return nil, err
		}
		bound := results.Bound{Name: k.name, Metric: k.metric, Missing: "no load of a replica keeps the SLO in every seed"}
		what := "an oracle's plan of the least " + strings.ToLower(k.minimise) + ", replicas loaded to at most " +
			b.list(found, func(k int) string { return fmt.Sprintf("%d %% of saturation", heaviest-k) })
		if runs != nil {
			if bound, err = results.NewBound(k.name, k.metric, what, runs); err != nil {
				return nil, err
			}
		}
		out = append(out, bound)
	}
	return out, nil
}

// static is the smallest fleet that never changes.
func (b *BoundSearch) static(ctx context.Context) (results.Bound, error) {
	const name = "best-static"
	policy := func(levels []int) scenario.Policy {
		return b.policy(name, func(i int) *scenario.Scaler {
			return &scenario.Scaler{Kind: "static", Config: &static.Config{Replicas: levels[i]}}
		})
	}
	most := b.room()
	start, err := b.bisect(ctx, b.filled(1), most, policy)
	if err != nil {
		return results.Bound{}, err
	}
	found, runs, err := b.settle(ctx, start, most, policy)
	if err != nil || runs == nil {
		return results.Bound{Name: name, Missing: "no number of replicas that the pools can hold keeps the SLO in every seed"}, err
	}
	return results.NewBound(name, "", "the fewest replicas that never change ("+b.list(found, func(k int) string { return fmt.Sprint(k) })+")", runs)
}

// policy gives each service its scaler; pods are packed by marginal watts, and
// a node goes as soon as it is empty.
func (b *BoundSearch) policy(name string, scaler func(service int) *scenario.Scaler) scenario.Policy {
	p := scenario.Policy{
		Name: name, Scalers: map[string]scenario.Scaler{},
		Scheduler: scenario.Scheduler{Profile: "EnergyAware", Ties: "NodeOrder"},
		Nodes:     scenario.NodePolicy{Autoscale: true, Expander: "Power", ConsolidationPolicy: "WhenEmpty"},
	}
	for i, s := range b.File.Scenario.Spec.Services {
		p.Scalers[s.Name] = *scaler(i)
	}
	return p
}

// filled is a level for every service.
func (b *BoundSearch) filled(level int) []int {
	return slices.Repeat([]int{level}, len(b.File.Scenario.Spec.Services))
}

// room is how many replicas of each service the pools can hold, were it alone.
func (b *BoundSearch) room() []int {
	w := newWorld(b.File)
	var out []int
	for i := range w.spec.Services {
		s := &w.spec.Services[i]
		n := 0
		for _, pool := range w.pools {
			if on := onPool(s, pool.Node.GPU); on.engine.Times != nil {
				n += pool.Max * podsPerNode(pool.Node, on)
			}
		}
		out = append(out, max(n, 1))
	}
	return out
}

// bisect finds, with the first seed, the least levels between lo and hi that
// keep every SLO, or hi where none does.
func (b *BoundSearch) bisect(ctx context.Context, lo, hi []int, policy func([]int) scenario.Policy) ([]int, error) {
	lo, hi = slices.Clone(lo), slices.Clone(hi)
	for !slices.Equal(lo, hi) {
		middle := make([]int, len(lo))
		for i := range lo {
			middle[i] = (lo[i] + hi[i]) / 2
		}
		runs, err := b.simulate(ctx, policy(middle), middle, b.Seeds[:1])
		if err != nil {
			return nil, err
		}
		for i, ok := range b.kept(runs) {
			switch {
			case lo[i] == hi[i]:
			case ok:
				hi[i] = middle[i]
			default:
				lo[i] = middle[i] + 1
			}
		}
	}
	return hi, nil
}

// settle raises levels, from start, until every SLO is kept in every seed; nil
// runs when hi does not do it.
func (b *BoundSearch) settle(ctx context.Context, start, hi []int, policy func([]int) scenario.Policy) ([]int, []*results.Run, error) {
	levels := slices.Clone(start)
	for {
		runs, err := b.simulate(ctx, policy(levels), levels, b.Seeds)
		if err != nil {
			return nil, nil, err
		}
		done := true
		for i, ok := range b.kept(runs) {
			if ok {
				continue
			}
			done = false
			if levels[i]++; levels[i] > hi[i] {
				return nil, nil, nil
			}
		}
		if done {
			return levels, runs, nil
		}
	}
}

// kept reports which services kept their SLO in all runs.
func (b *BoundSearch) kept(runs []*results.Run) []bool {
	slos := SLOs(b.File)
	var out []bool
	for _, s := range b.File.Scenario.Spec.Services {
		out = append(out, !slices.ContainsFunc(runs, func(r *results.Run) bool { return !slos.Kept(r, s.Name) }))
	}
	return out
}

func (b *BoundSearch) simulate(ctx context.Context, p scenario.Policy, levels []int, seeds []uint64) ([]*results.Run, error) {
	if b.Say != nil {
		b.Say(fmt.Sprintf("bound %s, level %s, seeds: %d", p.Name, b.list(levels, func(k int) string { return fmt.Sprint(k) }), len(seeds)))
	}
	own := *b.File
	own.Scenario.Spec.Policies = []scenario.Policy{p}
	config, err := scheduler.Builtin(p.Scheduler.Profile)
	if err != nil {
		return nil, err
	}
	own.Schedulers = []*scheduler.Configuration{config}
	configs, err := Compile(&own, []string{p.Name})
	if err != nil {
		return nil, fmt.Errorf("bound: %w", err)
	}
	var runs []*results.Run
	err = Run(ctx, Jobs(configs, seeds), b.Parallel, func(r *results.Run) error {
		r.Points, r.Decisions = nil, nil // nobody looks at them
		runs = append(runs, r)
		return nil
	})
	return runs, err
}

// list writes a level of each service, with its name where there are several.
func (b *BoundSearch) list(levels []int, write func(int) string) string {
	var parts []string
	for i, k := range levels {
		text := write(k)
		if len(levels) > 1 {
			text = b.File.Scenario.Spec.Services[i].Name + " " + text
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}

func (b *BoundSearch) priced() bool {
	c := b.File.Scenario.Spec.Cost
	for _, p := range b.File.Scenario.Spec.Cluster.NodePools {
		if c.GPUHour[p.GPU.Model] > 0 {
			return true
		}
	}
	return c.EnergyPerKWh > 0 || c.CarbonPerTonne > 0
}
