package experiment

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kwatt-sim/kwatt/internal/carbon"
	"github.com/kwatt-sim/kwatt/internal/results"
)

// carbonText is two and a half hours with a date, on the grid that is given.
func carbonText(t *testing.T, grid string, more ...string) string {
	return editedText(t, append([]string{
		"duration: 30m", "duration: 150m", "trace: {file: small.csv}", "trace: {builtin: taobao-2017, start: 2017-12-02T19:10:00+08:00}\n        scale: {peak: 20}",
		"carbon: {zone: DE, year: 2024}", "carbon: " + grid,
	}, more...)...)
}

// study runs a scenario with the sensitivity to the grid.
func study(t rapid.TB, text string, seeds int, more ...*carbon.Series) (*results.CarbonSensitivity, *CarbonStudy) {
	t.Helper()
	f := parseFile(t, text)
	var names []string
	for _, p := range f.Scenario.Spec.Policies {
		names = append(names, p.Name)
	}
	configs, err := Compile(f, names)
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewCarbonStudy(f, configs, more)
	if err != nil {
		t.Fatal(err)
	}
	out := runs(t, configs, seeds)
	var list []uint64
	for i := range seeds {
		list = append(list, uint64(i)+1)
	}
	done := 0
	if err := s.Simulate(context.Background(), list, 2, func(*results.Run) { done++ }); err != nil {
		t.Fatal(err)
	}
	if done != s.Again(seeds) {
		t.Errorf("%d runs were simulated again, %d announced", done, s.Again(seeds))
	}
	r, err := s.Result(out)
	if err != nil {
		t.Fatal(err)
	}
	return r, s
}

// sameAsSimulated holds a case against a scenario that has its grid.
func sameAsSimulated(t *testing.T, c results.CarbonCase, text string, seeds int) {
	t.Helper()
	for _, r := range runs(t, parse(t, text), seeds) {
		got, want := c.Values[r.Policy][r.Seed], r.Metrics[results.CarbonMetric]
		if want <= 0 || math.Abs(got-want) > 1e-9*want {
			t.Errorf("%s %s %d, PUE %g, policy %s: %v g a million requests, simulated there %v", c.Axis, c.Zone, c.Year, c.PUE, r.Policy, got, want)
		}
		for component, want := range r.Spread[results.CarbonMetric] { // of the only seed
			if got := c.Spreads[r.Policy][component]; math.Abs(got-want) > 1e-8*r.Metrics[results.CarbonMetric] {
				t.Errorf("%s %s %d, PUE %g, policy %s: %s leaves %v g a million requests open, simulated there %v", c.Axis, c.Zone, c.Year, c.PUE, r.Policy, component, got, want)
			}
		}
	}
}

func find(t *testing.T, s *results.CarbonSensitivity, axis, zone string, year int, pue float64) results.CarbonCase {
	t.Helper()
	for _, c := range s.Cases {
		if c.Axis == axis && c.Zone == zone && c.Year == year && c.PUE == pue {
			return c
		}
	}
	t.Fatalf("no case %s %s %d, PUE %g", axis, zone, year, pue)
	return results.CarbonCase{}
}

const marginalFile = "timestamp,gCO2eq\n2017-12-02T10:00Z,700\n2017-12-02T11:00Z,100\n2017-12-02T12:00Z,900\n2017-12-02T13:00Z,300\n2017-12-02T14:00Z,10\n"

// The energy of one run on another grid is what a run on that grid emits, to
// rounding: over hours that begin on the half hour elsewhere, by instant and by
// local clock, in another facility, with a signal of one's own.
func TestSensitivityIsWhatARunThereEmits(t *testing.T) {
	marginal, err := carbon.ReadCSV(strings.NewReader(marginalFile), "moer.csv", carbon.ReadOptions{Signal: carbon.Marginal})
	if err != nil {
		t.Fatal(err)
	}
	for _, alignment := range []string{"Instant", "LocalClock"} {
		grid := func(zone string, year int, pue float64) string {
			return carbonText(t, fmt.Sprintf("{zone: %s, year: %d, pue: %g, alignment: %s}", zone, year, pue, alignment))
		}
		var more []*carbon.Series
		if alignment == "Instant" { // in LocalClock the window lies after the file's last hour
			more = append(more, marginal)
		}
		s, _ := study(t, grid("DE", 2023, 1.3), 1, more...)
		sameAsSimulated(t, s.Reference, grid("DE", 2023, 1.3), 1)
		sameAsSimulated(t, find(t, s, results.AxisZone, "IN-WE", 2023, 1.3), grid("IN-WE", 2023, 1.3), 1)
		sameAsSimulated(t, find(t, s, results.AxisZone, "US-CAL-CISO", 2023, 1.3), grid("US-CAL-CISO", 2023, 1.3), 1)
		sameAsSimulated(t, find(t, s, results.AxisYear, "DE", 2021, 1.3), grid("DE", 2021, 1.3), 1)
		sameAsSimulated(t, find(t, s, results.AxisPUE, "DE", 2023, 2), grid("DE", 2023, 2), 1)
		if alignment == "Instant" {
			c := find(t, s, results.AxisSignal, "moer.csv", 2017, 1.3)
			mean := 0.0
			for _, v := range c.Values["static"] {
				mean = v
			}
			if c.Signal != "marginal" || mean <= 0 {
				t.Errorf("%+v", c)
			}
		}
		if s.Combined == nil || s.Combined.Cases != 15*4*len(studyPUEs) || s.Combined.Same+s.Combined.Undecided+s.Combined.Reversed != s.Combined.Cases {
			t.Errorf("combined %+v", s.Combined)
		}
	}
}

const twoGrids = `nodePools:
      - {name: north, carbonZone: SE, gpu: {model: nvidia-a30, perNode: 2}, nodes: {initial: 1, min: 0, max: 3}, provisionDelay: 15s}
      - {name: a30, gpu: {model: nvidia-a30, perNode: 2}, nodes: {initial: 6}, provisionDelay: 15s}
`

// A policy whose scheduler reads the intensity decides otherwise on another grid:
// it is simulated again, the others are not.
func TestPoliciesThatReadTheIntensityAreSimulatedAgain(t *testing.T) {
	pools := []string{"nodePools:\n      - {name: a30, gpu: {model: nvidia-a30, perNode: 2}, nodes: {initial: 6}, provisionDelay: 15s}\n", twoGrids, "profile: EnergyAware", "profile: CarbonAware"}
	grid := func(zone string, year int) string {
		return carbonText(t, fmt.Sprintf("{zone: %s, year: %d, pue: 1.3}", zone, year), pools...)
	}
	s, st := study(t, grid("DE", 2024), 1)
	if len(st.reads) != 1 || st.reads[0].Policy != "energy-aware" || s.Combined != nil {
		t.Fatalf("%d policies read the intensity, combined %+v", len(st.reads), s.Combined)
	}
	for _, zone := range []string{"FR", "PL"} {
		c := find(t, s, results.AxisZone, zone, 2024, 1.3)
		if len(c.Resimulated) != 1 || c.Resimulated[0] != "energy-aware" {
			t.Errorf("%s: simulated again %v", zone, c.Resimulated)
		}
		sameAsSimulated(t, c, grid(zone, 2024), 1)
	}
	sameAsSimulated(t, find(t, s, results.AxisYear, "DE", 2021, 1.3), grid("DE", 2021), 1)
	if c := find(t, s, results.AxisPUE, "DE", 2024, 2); len(c.Resimulated) != 0 {
		t.Errorf("simulated again for a PUE: %v", c.Resimulated)
	}
}

// A study of runs that did not keep their energy fails.
func TestSensitivityNeedsTheEnergy(t *testing.T) {
	text := carbonText(t, "{constant: 300}")
	_, st := study(t, text, 1)
	if _, err := st.Result(runs(t, parse(t, text), 1)); err == nil || !strings.Contains(err.Error(), "the run did not keep its energy over time") {
		t.Errorf("error %v", err)
	}
}
