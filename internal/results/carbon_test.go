package results

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// carbonValues are eight seeds around the given means: enough for the three pairs
// of three policies (3 · 2/2⁸ = 0.023; of six seeds 3 · 2/2⁶ = 0.094).
func carbonValues(spread float64, means map[string]float64) CarbonCase {
	c := CarbonCase{Values: map[string]map[uint64]float64{}}
	for p, mean := range means {
		c.Values[p] = map[uint64]float64{}
		for seed := range uint64(8) {
			shift := spread * (float64(seed%2)*2 - 1) * mean // what a seed does to one policy alone
			if p == "b" {
				shift = -shift
			}
			c.Values[p][seed] = mean + shift
		}
	}
	return c
}

func TestRankCarbon(t *testing.T) {
	policies := []string{"a", "b", "c"}
	of := func(a, b, c float64) map[string]float64 { return map[string]float64{"a": a, "b": b, "c": c} }
	cases := []CarbonCase{
		carbonValues(0, of(10, 20, 30)),   // the same
		carbonValues(0.4, of(10, 11, 30)), // a and b cannot be told apart
		carbonValues(0, of(20, 10, 30)),   // a and b change places
		carbonValues(0.4, of(11, 10, 30)), // they seem to, but it may be chance
	}
	s, err := RankCarbon(policies, carbonValues(0, of(1, 2, 3)), cases, append([]CarbonCase{}, cases[:3]...))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "b", "c"}, s.Reference.Ranking); diff != "" {
		t.Error(diff)
	}
	want := []string{RankingSame, RankingUndecided, RankingReversed, RankingUndecided}
	for i, w := range want {
		if s.Cases[i].Verdict != w {
			t.Errorf("case %d: %s, want %s: %+v", i, s.Cases[i].Verdict, w, s.Cases[i].Pairs)
		}
	}
	if p := s.Cases[2].Pairs[0]; p.Less != "b" || p.More != "a" || p.Was != "more" || p.Tie {
		t.Errorf("%+v", p)
	}
	if p := s.Cases[1].Pairs[0]; p.Less != "a" || p.Was != "less" || !p.Tie {
		t.Errorf("%+v", p)
	}
	if diff := cmp.Diff(&CarbonCount{3, 1, 1, 1}, s.Combined); diff != "" {
		t.Error(diff)
	}
	if e := s.Cases[0].Figures["b"]; e.Mean != 20 || e.N != 8 {
		t.Errorf("%+v", e)
	}
}

// Two policies that one component could put in the other order are a tie; what is
// in both in the same proportion cancels.
func TestWhatTheFiguresLeaveOpenIsATie(t *testing.T) {
	for _, c := range []struct {
		a, b float64 // of 10 and of 11
		tie  bool
	}{{0, 0, false}, {5, 5.5, false}, {1, 0, true}, {0, 0.4, false}, {0.3, -0.4, true}} {
		k := carbonValues(0, map[string]float64{"a": 10, "b": 11})
		k.Spreads = map[string]map[string]float64{"a": {"x": c.a}, "b": {"x": c.b}}
		s, err := RankCarbon([]string{"a", "b"}, k, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if p := s.Reference.Pairs[0]; p.Tie != c.tie || math.Abs(p.DeltaRatio-0.1) > 1e-9 {
			t.Errorf("%+v: %+v", c, p)
		}
	}
}

// A difference that every seed shows is a tie while the seeds are too few: one
// pair needs six.
func TestTooFewSeedsAreTies(t *testing.T) {
	c := CarbonCase{Values: map[string]map[uint64]float64{"a": {}, "b": {}}}
	for seed := range uint64(7) {
		c.Values["a"][seed], c.Values["b"][seed] = 1, 2
		s, err := RankCarbon([]string{"a", "b"}, c, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := s.Reference.Pairs[0].Tie, seed+1 < 6; got != want {
			t.Errorf("%d seeds: tie %v", seed+1, got)
		}
	}
	// What served nothing has no figure and no rank.
	c.Values["c"] = map[uint64]float64{}
	s, err := RankCarbon([]string{"c", "a", "b"}, c, nil, nil)
	if err != nil || len(s.Reference.Ranking) != 2 || len(s.Reference.Figures) != 2 {
		t.Errorf("%v: %+v", err, s)
	}
}
