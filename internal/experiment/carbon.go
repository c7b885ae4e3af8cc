package experiment

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strconv"

	"github.com/kwatt-sim/kwatt/internal/carbon"
	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/kube/scheduler"
	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/scenario"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// studyPUEs span the facilities that there are: the best hyperscale ones stay
// below 1.1, and the mean of the Uptime Institute's survey of 2024 is 1.56.
var studyPUEs = []float64{1.05, 1.1, 1.2, 1.4, 1.6, 2}

// CarbonStudy asks what a scenario's policies would have emitted on other grids
// and in other facilities. Nothing but CO2e depends on them, unless a scheduler
// scores nodes by the grid's intensity: each run keeps its energy by pool
// between the instants at which any of the grids changes, and that is multiplied
// by the others' intensity. Only the policies that read the intensity are
// simulated again.
type CarbonStudy struct {
	file     *scenario.File
	configs  []*engine.Config
	own      carbonCase
	cases    []carbonCase // one axis changed at a time
	combined []carbonCase
	reads    []*engine.Config // those that decide by the intensity
}

// NewCarbonStudy prepares a study of the configurations, which from now on keep
// their energy over time. More are series beside the builtin ones.
func NewCarbonStudy(f *scenario.File, configs []*engine.Config, more []*carbon.Series) (*CarbonStudy, error) {
	if len(f.Scenario.Spec.Regions) > 0 {
		return nil, fmt.Errorf("the sensitivity to the grid is known for one grid and facility, and the scenario's regions have their own: leave --carbon-sensitivity out")
	}
	s := &CarbonStudy{file: f, configs: configs}
	for _, c := range configs {
		config, err := schedulerOf(f, c.Policy)
		if err != nil {
			return nil, err
		}
		if config.Scores(scheduler.CarbonAware) || readsGrid(f, c.Policy) {
			s.reads = append(s.reads, c)
		}
	}
	if err := s.addCases(more); err != nil {
		return nil, err
	}
	marks := s.marks()
	for _, c := range configs {
		c.EnergyMarks = marks
	}
	return s, nil
}

// readsGrid reports whether a scaler of the policy decides by the intensity.
func readsGrid(f *scenario.File, policy string) bool {
	return anyScaler(f, policy, func(k policies.Kind, config any) bool { return k.ReadsGrid != nil && k.ReadsGrid(config) })
}

func schedulerOf(f *scenario.File, policy string) (*scheduler.Configuration, error) {
	for i := range f.Scenario.Spec.Policies {
		if f.Scenario.Spec.Policies[i].Name == policy {
			return f.Schedulers[i], nil
		}
	}
	return nil, fmt.Errorf("the scenario has no policy %s", policy)
}

// addCases lists the grids. A scenario with a file or a constant is compared
// with the zones of the file's year, or of the last that there is.
func (s *CarbonStudy) addCases(more []*carbon.Series) error {
	own := s.file.Carbon
	pue := s.file.Scenario.Spec.Carbon.PUE
	s.own = carbonCase{CarbonCase: describe("", own, pue), grids: s.configs[0].Grids}
	first, last := carbon.Years()
	year := own.Year
	if year < first || year > last {
		year = last
	}
	for _, zone := range carbon.Zones() {
		if err := s.builtin(&s.cases, results.AxisZone, zone, year, pue); err != nil {
			return err
		}
	}
	for y := first; y <= last && slices.Contains(carbon.Zones(), own.Zone); y++ {
		if err := s.builtin(&s.cases, results.AxisYear, own.Zone, y, pue); err != nil {
			return err
		}
	}
	for _, series := range more {
		if err := s.add(&s.cases, results.AxisSignal, series, pue); err != nil {
			return err
		}
	}
	for _, p := range studyPUEs {
		s.cases = append(s.cases, carbonCase{CarbonCase: describe(results.AxisPUE, own, p), grids: s.own.grids})
	}
	if len(s.reads) > 0 {
		return nil
	}
	for _, zone := range carbon.Zones() {
		for y := first; y <= last; y++ {
			for _, p := range studyPUEs {
				if err := s.builtin(&s.combined, "", zone, y, p); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func describe(axis string, series *carbon.Series, pue float64) results.CarbonCase {
	c := results.CarbonCase{Axis: axis, Zone: series.Zone, Year: series.Year, Signal: string(series.Signal), PUE: pue}
	if c.Zone == "" {
		c.Zone = "constant"
	}
	return c
}

func (s *CarbonStudy) builtin(to *[]carbonCase, axis, zone string, year int, pue float64) error {
	series, err := carbon.Builtin(zone, year)
	if err != nil {
		return err
	}
	return s.add(to, axis, series, pue)
}

// add lays a series on the scenario's window. A pool that names a grid of its
// own keeps it, of the series' year where there is one.
func (s *CarbonStudy) add(to *[]carbonCase, axis string, series *carbon.Series, pue float64) error {
	c := carbonCase{CarbonCase: describe(axis, series, pue)}
	spec := &s.file.Scenario.Spec
	lay := func(series *carbon.Series) (engine.Grid, error) {
		return series.Aligned(carbon.Alignment(spec.Carbon.Alignment), s.file.Start(), spec.Duration.D())
	}
	grid, err := lay(series)
	if err != nil {
		return fmt.Errorf("carbon series %s: %w", series.Zone, err)
	}
	first, last := carbon.Years()
	for i := range spec.Cluster.NodePools {
		g := grid
		if zone := spec.Cluster.NodePools[i].CarbonZone; zone != "" {
			g = s.own.grids[i]
			if series.Year >= first && series.Year <= last {
				of, err := carbon.Builtin(zone, series.Year)
				if err != nil {
					return err
				}
				if g, err = lay(of); err != nil {
					return err
				}
			}
		}
		c.grids = append(c.grids, g)
	}
	*to = append(*to, c)
	return nil
}

// marks are all instants at which one of the grids may change.
func (s *CarbonStudy) marks() []vtime.Time {
	marks := []vtime.Time{0}
	end := vtime.At(s.file.Scenario.Spec.Duration.D())
	for _, c := range slices.Concat([]carbonCase{s.own}, s.cases, s.combined) {
		for _, g := range c.grids {
			for t := g.NextChangeAfter(0); t < end; t = g.NextChangeAfter(t) {
				marks = append(marks, t)
			}
		}
	}
	slices.Sort(marks)
	return slices.Compact(marks)
}

// Key differs between studies whose runs keep their energy at other instants.
func (s *CarbonStudy) Key() string {
	h := fnv.New64a()
	for _, t := range s.configs[0].EnergyMarks {
		fmt.Fprintln(h, int64(t))
	}
	return strconv.FormatUint(h.Sum64(), 16)
}

// Again is how many replications must be simulated again, for policies that read
// the grid's intensity.
func (s *CarbonStudy) Again(seeds int) int {
	n := 0
	for i := range s.cases {
		if s.differs(&s.cases[i]) {
			n += seeds * len(s.reads)
		}
	}
	return n
}

func (s *CarbonStudy) differs(c *carbonCase) bool {
	return len(s.reads) > 0 && c.Axis != results.AxisPUE
}

// Simulate simulates the policies that read the intensity again, under each grid.
func (s *CarbonStudy) Simulate(ctx context.Context, seeds []uint64, parallel int, done func(*results.Run)) error {
	for i := range s.cases {
		c := &s.cases[i]
		if !s.differs(c) {
			continue
		}
		var configs []*engine.Config
		for _, config := range s.reads {
			other := *config
			other.Grids, other.Progress = c.grids, nil
			configs = append(configs, &other)
			c.Resimulated = append(c.Resimulated, config.Policy)
		}
		err := Run(ctx, Jobs(configs, seeds), parallel, func(r *results.Run) error {
			r.Points, r.Decisions = nil, nil // nobody looks at them
			c.again = append(c.again, r)
			done(r)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Result ranks the policies in every case.
func (s *CarbonStudy) Result(runs []*results.Run) (*results.CarbonSensitivity, error) {
	var names []string
	for _, c := range s.configs {
		names = append(names, c.Policy)
	}
	for _, r := range runs {
		grams, err := grams(r, &s.own)
		if err != nil {
			return nil, err
		}
		if want := r.Metrics["co2e_operational_grams"]; math.Abs(grams-want) > 1e-9*max(want, 1) {
			return nil, fmt.Errorf("policy %s, seed %d: the energy over time makes %v g of CO2e, the run counted %v g: a bug", r.Policy, r.Seed, grams, want)
		}
	}
	values := func(in []carbonCase) ([]results.CarbonCase, error) {
		var out []results.CarbonCase
		for i := range in {
			if err := in[i].evaluate(runs); err != nil {
				return nil, err
			}
			out = append(out, in[i].CarbonCase)
		}
		return out, nil
	}
	if err := s.own.evaluate(runs); err != nil {
		return nil, err
	}
	cases, err := values(s.cases)
	if err != nil {
		return nil, err
	}
	combined, err := values(s.combined)
	if err != nil {
		return nil, err
	}
	return results.RankCarbon(names, s.own.CarbonCase, cases, combined)
}
