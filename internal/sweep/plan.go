package sweep

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/scenario"
)

// SchemaVersion is the version of sweep.json.
const SchemaVersion = 1

// MaxPoints and MaxRuns are beyond what anybody waits for; more is a typo.
const (
	MaxPoints = 100_000
	MaxRuns   = 10_000_000
)

// Plan says which runs a sweep has. It is sweep.json, and a pure function of the
// scenario, the axes, the policies and the seeds.
type Plan struct {
	SchemaVersion int      `json:"schemaVersion"`
	Scenario      string   `json:"scenario"`   // its name
	ID            string   `json:"id"`         // of all that determines the runs
	Currency      string   `json:"currency"`   // of the metrics that say usd
	Parameters    []string `json:"parameters"` // the paths that vary
	Policies      []string `json:"policies"`
	Seeds         []uint64 `json:"seeds"`
	Points        []Point  `json:"points"`
}

// Point is one choice of the parameters.
type Point struct {
	ID     string   `json:"id"`     // of the scenario at this point, as its results directory is named
	Values []string `json:"values"` // of the parameters, in their order, as they were written
}

// Unit is one run of a sweep.
type Unit struct {
	Point  int // index in Points
	Policy string
	Seed   uint64
}

// Sweep is a plan with what it takes to run it.
type Sweep struct {
	Plan
	// Inputs are the paths of the files that the scenario rests on at any point, the
	// scenario's own first.
	Inputs    []string
	overrides [][]scenario.Override // of each point
	load      Loader
	choose    []string // policies
	seeds     scenario.Seeds
}

// Loader reads the scenario with the overrides of a point.
type Loader func(point []scenario.Override) (*scenario.File, error)

// New plans a sweep. Policies are nil for all of the scenario's, and seeds nil for
// its own. The scenario is read and checked at every point.
func New(load Loader, axes []Axis, policies []string, seeds *scenario.Seeds) (*Sweep, error) {
	paths, points, err := product(axes)
	if err != nil {
		return nil, err
	}
	overrides := make([][]scenario.Override, len(points))
	for i, values := range points {
		for k, path := range paths {
			overrides[i] = append(overrides[i], scenario.Override{Path: path, Value: values[k]})
		}
	}
	return plan(load, paths, points, overrides, policies, seeds)
}

// Named plans runs at points that have names instead of values of parameters, and
// overrides of their own. What the points are, such as "configuration", stands in
// place of the parameter.
func Named(load Loader, what string, names []string, overrides [][]scenario.Override, policies []string, seeds *scenario.Seeds) (*Sweep, error) {
	points := make([][]string, len(names))
	for i, name := range names {
		points[i] = []string{name}
		for _, o := range overrides[i] {
			if err := CheckPath(o.Path); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return plan(load, []string{what}, points, overrides, policies, seeds)
}

// plan makes the sweep of points with these values and overrides.
func plan(load Loader, parameters []string, points [][]string, overrides [][]scenario.Override, policies []string, seeds *scenario.Seeds) (*Sweep, error) {
	base, err := load(nil)
	if err != nil {
		return nil, err
	}
	s := &Sweep{load: load, choose: policies, seeds: base.Scenario.Spec.Seeds, overrides: overrides}
	if seeds != nil {
		s.seeds = *seeds
	}
	if policies == nil {
		s.choose = base.PolicyNames()
	}
	s.Plan = Plan{SchemaVersion: SchemaVersion, Scenario: base.Scenario.Metadata.Name, Currency: base.Scenario.Spec.Cost.Currency, Parameters: parameters, Policies: s.choose}
	for i := range s.seeds.Count {
		s.Seeds = append(s.Seeds, s.seeds.First+uint64(i))
	}
	if n := len(points) * len(s.Policies) * len(s.Seeds); n > MaxRuns {
		return nil, fmt.Errorf("%d points, %d policies and %d seeds are %d runs: want at most %d", len(points), len(s.Policies), len(s.Seeds), n, MaxRuns)
	}
	for _, values := range points {
		s.Points = append(s.Points, Point{Values: values})
	}
	if err := s.identify(); err != nil {
		return nil, err
	}
	return s, nil
}

// identify reads the scenario at every point and names the points by it.
func (s *Sweep) identify() error {
	const mostFaults = 3
	var faults []error
	seen := map[string]int{}
	h := sha256.New()
	for i := range s.Points {
		f, err := s.File(i)
		if err != nil {
			if faults = append(faults, err); len(faults) == mostFaults {
				break
			}
			continue
		}
		for _, in := range f.Inputs {
			if !slices.Contains(s.Inputs, in.Path) {
				s.Inputs = append(s.Inputs, in.Path)
			}
		}
		effective, err := f.Effective()
		if err != nil {
			return err
		}
		// Where the text is the same, so are the files that it names.
		if before, ok := seen[string(effective)]; ok {
			faults = append(faults, fmt.Errorf("%s and %s are the same scenario: a run would count twice. Is the policy that a path belongs to among those that are run?",
				s.Describe(before), s.Describe(i)))
			break
		}
		seen[string(effective)] = i
		id := results.ID(append(effective, f.Digest()...), s.Policies, s.Seeds)
		s.Points[i].ID = id
		fmt.Fprintf(h, "%s %q\n", id, s.Points[i].Values)
	}
	fmt.Fprintf(h, "%q", s.Parameters)
	s.ID = hex.EncodeToString(h.Sum(nil))[:12]
	return errors.Join(faults...)
}

// File is the scenario at a point, with the sweep's policies and seeds.
func (s *Sweep) File(point int) (*scenario.File, error) {
	f, err := s.load(s.overrides[point])
	if err != nil {
		return nil, fmt.Errorf("%s:\n%w", s.Describe(point), err)
	}
	if err := f.Choose(s.choose); err != nil {
		return nil, fmt.Errorf("%s: %w", s.Describe(point), err)
	}
	f.Scenario.Spec.Seeds = s.seeds
	return f, nil
}

// Describe names a point for people: "point 3 (spec.x=1, spec.y=2)".
func (p *Plan) Describe(point int) string {
	var parts []string
	for i, path := range p.Parameters {
		parts = append(parts, path+"="+p.Points[point].Values[i])
	}
	return fmt.Sprintf("point %d (%s)", point, strings.Join(parts, ", "))
}

// Units are all runs: point by point, in each seed by seed, and in each the
// policies.
func (p *Plan) Units() []Unit {
	units := make([]Unit, 0, len(p.Points)*len(p.Seeds)*len(p.Policies))
	for i := range p.Points {
		for _, seed := range p.Seeds {
			for _, policy := range p.Policies {
				units = append(units, Unit{i, policy, seed})
			}
		}
	}
	return units
}

// Shard returns the runs of shard index of so many, 0 the first, in the order of
// Units. Runs are dealt in the order of a hash of what they are: shards differ by
// at most one run, and none gets the slow end of a grid to itself.
func (p *Plan) Shard(index, count int) []Unit {
	units := p.Units()
	if count == 1 {
		return units
	}
	type card struct {
		hash [sha256.Size]byte
		at   int
	}
	cards := make([]card, len(units))
	for i, u := range units {
		cards[i] = card{sha256.Sum256(fmt.Appendf(nil, "%s %q %d", p.Points[u.Point].ID, u.Policy, u.Seed)), i}
	}
	slices.SortFunc(cards, func(a, b card) int { return cmp.Compare(string(a.hash[:]), string(b.hash[:])) })
	var mine []int
	for i := index; i < len(cards); i += count {
		mine = append(mine, cards[i].at)
	}
	slices.Sort(mine)
	out := make([]Unit, len(mine))
	for i, at := range mine {
		out[i] = units[at]
	}
	return out
}
