package why

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/experiment"
	_ "github.com/kwatt-sim/kwatt/internal/policies/all"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/scenario"
)

// simulated are the ledgers of all policies of two scenarios, two seeds each.
var simulated = sync.OnceValues(func() ([]*Run, error) {
	var all []*Run
	for _, path := range []string{"../cli/testdata/small.yaml", "../cli/testdata/crowd.yaml"} {
		f, err := scenario.Load(path)
		if err != nil {
			return nil, err
		}
		var names []string
		for _, p := range f.Scenario.Spec.Policies {
			names = append(names, p.Name)
		}
		configs, err := experiment.Compile(f, names)
		if err != nil {
			return nil, err
		}
		for _, c := range configs {
			c.Ledger = engine.NodeResults
		}
		err = experiment.Run(context.Background(), experiment.Jobs(configs, []uint64{1, 2}), 2, func(r *results.Run) error {
			all = append(all, &Run{
				Scenario: f.Scenario.Metadata.Name, Policy: r.Policy, Seed: r.Seed, Start: f.Start(),
				Duration: f.Scenario.Spec.Duration.D().Seconds(), Entries: r.Decisions, Recorder: "sim run x --ledger nodes",
			})
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
})

func runs(t testing.TB) []*Run {
	t.Helper()
	all, err := simulated()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// checkAnswer holds what is true of every answer: its text fits, and both its
// forms say the same instant and decisions.
func checkAnswer(t *testing.T, r *Run, q Query) *Answer {
	t.Helper()
	a, err := r.Ask(q)
	if err != nil {
		t.Fatalf("%s %s seed %d: %+v: %v", r.Scenario, r.Policy, r.Seed, q, err)
	}
	var text bytes.Buffer
	if err := a.Text(&text, Options{Nodes: 3}); err != nil {
		t.Fatal(err)
	}
	for _, l := range strings.Split(text.String(), "\n") {
		if utf8.RuneCountInString(l) > 80 || strings.TrimRight(l, " ") != l {
			t.Errorf("%+v: %d runes in %q", q, utf8.RuneCountInString(l), l)
		}
	}
	if _, err := json.Marshal(a); err != nil {
		t.Errorf("%+v: %v", q, err)
	}
	return a
}

// At every instant of a ledger, and between them, there is an answer, and each
// scaler's decision is the last one until then.
func TestWhyAtEveryInstant(t *testing.T) {
	for _, r := range runs(t) {
		last := map[string]decisions.Entry{}
		next := 0
		for i, e := range r.Entries {
			if i > 0 && e.T == r.Entries[i-1].T {
				continue
			}
			for ; next < len(r.Entries) && r.Entries[next].T <= e.T; next++ {
				if scales(r.Entries[next]) {
					last[r.Entries[next].Service] = r.Entries[next]
				}
			}
			a := checkAnswer(t, r, Query{At: e.T, Around: 60})
			checkAnswer(t, r, Query{At: min(e.T+0.7, r.Duration)})
			if len(a.Scalers) != len(last) {
				t.Fatalf("%s %s at %v: %d scalers, want %d", r.Scenario, r.Policy, e.T, len(a.Scalers), len(last))
			}
			for _, s := range a.Scalers {
				if d := cmp.Diff(last[s.Decision.Service], s.Decision); d != "" {
					t.Errorf("%s %s at %v: another decision than the last: %s", r.Scenario, r.Policy, e.T, d)
				}
			}
		}
	}
}

// Every pod and every node has a story, which holds all its entries; what came
// of the decisions to scale up is all pods but those from the start and those
// that replace others.
func TestStoriesAreWhole(t *testing.T) {
	for _, r := range runs(t) {
		count := func(is func(decisions.Entry) bool) (n int) {
			for _, e := range r.Entries {
				if is(e) {
					n++
				}
			}
			return n
		}
		pods := r.distinct(func(e decisions.Entry) string { return e.Pod })
		for _, pod := range pods {
			a := checkAnswer(t, r, Query{At: r.Duration, Whole: true, Pod: pod})
			n := 0
			for _, e := range a.Events {
				if strings.HasPrefix(e.Text, pod+" ") || strings.HasPrefix(e.Text, pod+":") {
					n++
				}
			}
			if want := count(func(e decisions.Entry) bool { return e.Pod == pod }); n != want {
				t.Errorf("%s %s: %d events of %s, want %d", r.Scenario, r.Policy, n, pod, want)
			}
		}
		for _, node := range r.distinct(func(e decisions.Entry) string { return e.Node }) {
			a := checkAnswer(t, r, Query{At: r.Duration, Whole: true, Node: node})
			if want := count(func(e decisions.Entry) bool { return e.Node == node }); len(a.Events) != want {
				t.Errorf("%s %s: %d events of %s, want %d", r.Scenario, r.Policy, len(a.Events), node, want)
			}
		}
		for _, kind := range decisions.Kinds() {
			checkAnswer(t, r, Query{At: r.Duration, Kind: kind})
		}
		came, replaced := 0, count(func(e decisions.Entry) bool { return e.Kind == decisions.Evict || e.Kind == decisions.Preempt })
		initial := 0
		for _, s := range r.services() {
			initial += r.replicasOf(s)[0].n
		}
		for i, e := range r.Entries {
			if e.Kind == decisions.Scale && e.To > e.From {
				came += len(r.cameOf(i))
			}
		}
		if came != len(pods)-initial-replaced {
			t.Errorf("%s %s: %d pods came of scaling, want all %d but %d from the start and %d in place of others", r.Scenario, r.Policy, came, len(pods), initial, replaced)
		}
	}
}

// A run does not differ from itself; whichever of two stands first, the same
// difference is found.
func TestDiffOfSimulatedRuns(t *testing.T) {
	all := runs(t)
	for _, a := range all {
		for _, b := range all {
			checkDiff(t, a, b)
		}
		if d := Compare(a, a, 1); d.Differs || d.Seen != nil || d.Equal != len(a.decided()) {
			t.Errorf("%s %s differs from itself: %+v", a.Scenario, a.Policy, d)
		}
		for _, u := range Compare(a, a, 1).Services {
			if u.Equal != 1 || u.MeanAbs != 0 || u.MeanA != u.MeanB {
				t.Errorf("%s %s: the replicas of %s differ from themselves: %+v", a.Scenario, a.Policy, u.Service, u)
			}
		}
	}
}

func checkDiff(t rapid.TB, a, b *Run) {
	t.Helper()
	d, back := Compare(a, b, 1), Compare(b, a, 1)
	back.A, back.B = back.B, back.A
	for i := range back.Services {
		u := &back.Services[i]
		u.StartA, u.StartB, u.MeanA, u.MeanB = u.StartB, u.StartA, u.MeanB, u.MeanA
	}
	byName := cmpopts.SortSlices(func(x, y Unequal) bool { return x.Service < y.Service })
	if diff := cmp.Diff(d, back, cmpopts.IgnoreUnexported(Difference{}), byName, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Errorf("%s %s against %s %s: the other way round it is another difference: %s", a.Scenario, a.Policy, b.Scenario, b.Policy, diff)
	}
	var text bytes.Buffer
	if err := d.Text(&text, Options{Nodes: 3}); err != nil {
		t.Fatal(err)
	}
	for _, l := range strings.Split(text.String(), "\n") {
		if utf8.RuneCountInString(l) > 80 {
			t.Errorf("%d runes in %q", utf8.RuneCountInString(l), l)
		}
	}
}

// A decision that is changed is found, and nothing before it.
func TestDiffFindsTheChange(t *testing.T) {
	all := runs(t)
	rapid.Check(t, func(rt *rapid.T) {
		a := all[rapid.IntRange(0, len(all)-1).Draw(rt, "run")]
		list := a.decided()
		i := rapid.IntRange(0, len(list)-1).Draw(rt, "decision")
		b := *a
		b.Entries = append([]decisions.Entry{}, list...)
		switch rapid.SampledFrom([]string{"node", "drop", "late", "soon"}).Draw(rt, "change") {
		case "node":
			b.Entries[i].Node += "x"
		case "drop":
			b.Entries = append(b.Entries[:i], b.Entries[i+1:]...)
		case "late":
			b.Entries[i].T += 1.5
		case "soon": // within what counts as the same instant
			b.Entries[i].T += 0.5
			if d := Compare(a, &b, 1); d.Differs {
				rt.Fatalf("half a second counts as a difference: %+v", d)
			}
			return
		}
		d := Compare(a, &b, 1)
		if !d.Differs || d.Equal > i || d.Equal < i && !same(list[i], list[d.Equal], 1) && d.T > list[i].T {
			rt.Fatalf("decision %d of %d was changed, the difference is %+v", i, len(list), d)
		}
		checkDiff(rt, a, &b)
	})
}

func TestReplicasByHand(t *testing.T) {
	scale := func(t float64, from, to int) decisions.Entry {
		return decisions.Entry{T: t, Kind: decisions.Scale, Service: "s", From: from, To: to, Scaling: &decisions.Scaling{}}
	}
	a := &Run{Duration: 100, Entries: []decisions.Entry{scale(10, 2, 4), scale(60, 4, 1)}}
	b := &Run{Duration: 80, Entries: []decisions.Entry{scale(20, 2, 4)}}
	got := unequal(a, b, "s")
	// 2 = 2 for 10 s, 4 ≠ 2 for 10 s, 4 = 4 for 40 s, 1 ≠ 4 for 20 s
	want := Unequal{Service: "s", StartA: 2, StartB: 2, Equal: 50.0 / 80, MeanAbs: (2*10 + 3*20) / 80.0, MeanA: (2*10 + 4*50 + 20) / 80.0, MeanB: (2*20 + 4*60) / 80.0}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if n := (&Run{Entries: []decisions.Entry{{Kind: decisions.Bind, Service: "s", Pod: "s-1"}, {Kind: decisions.Bind, Service: "t", Pod: "t-1"}}}).replicasOf("s"); n[0].n != 1 {
		t.Errorf("%v: without a scaler's word the pods from the start count", n)
	}
}

func TestParseAt(t *testing.T) {
	start := time.Date(2017, 12, 2, 18, 0, 0, 0, time.FixedZone("", 8*3600))
	for _, c := range []struct {
		in    string
		start time.Time
		want  float64
		err   string
	}{
		{"20h15m30s", start, 72930, ""},
		{"72930.5", time.Time{}, 72930.5, ""},
		{"-5s", start, -5, ""}, // out of the window is Ask's affair
		{"20:15:30", start, 2*3600 + 15*60 + 30, ""},
		{"01:00", start, 7 * 3600, ""}, // on the next day
		{"2017-12-02T11:00:00Z", start, 3600, ""},
		{"2017-12-02 19:00", start, 3600, ""},
		{"2017-12-02T19:00:30", start, 3630, ""},
		{"20:15", time.Time{}, 0, "has no date"},
		{"2017-12-02T19:00", time.Time{}, 0, "has no date"},
		{"noonish", start, 0, "is no instant"},
		{"25:00", start, 0, "is no instant"},
	} {
		got, err := ParseAt(c.in, c.start, 86400)
		if c.err == "" && (err != nil || got != c.want) || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s: %v, %v; want %v %s", c.in, got, err, c.want, c.err)
		}
	}
	if _, err := ParseAt("20:15", start, 7*86400); err == nil || !strings.Contains(err.Error(), "more than once in the window: give the date too, for example 2017-12-02T20:15:00") {
		t.Errorf("a week has seven evenings: %v", err)
	}
}

func TestOffset(t *testing.T) {
	for in, want := range map[float64]string{0: "0s", 0.0051: "5ms", 60: "1m", 3600: "1h", 3660: "1h1m", 3601: "1h0m1s", 72930: "20h15m30s", 1845.00447: "30m45.004s"} {
		if got := offset(in); got != want {
			t.Errorf("offset(%v) = %s, want %s", in, got, want)
		}
	}
}

func TestHostileTexts(t *testing.T) {
	r := &Run{Policy: "p", Duration: 9, Entries: []decisions.Entry{
		{Kind: decisions.Scale, Service: "s\x1b[31m", To: 1, Reason: "\a\n" + strings.Repeat("x", 200), Scaling: &decisions.Scaling{}},
		{Kind: decisions.NodeOn, Node: "n\x1b", Reason: "r", Expansion: &decisions.Expansion{Options: []decisions.Option{{Pool: "\x1b", Chosen: true}}}},
		{Kind: decisions.Bind, Pod: "p\x1b", Node: "n\x1b", Placement: &decisions.Placement{Feasible: 2, Evaluated: 2, Nodes: []decisions.NodeResult{
			{Node: "n\x1b", Scores: []decisions.PluginScore{{Plugin: "\x1b", Raw: 1}}}, {Node: "m", Scores: []decisions.PluginScore{{Plugin: "\x1b"}}}, {Node: "\x1b", Reason: "\x1b"}}}},
	}}
	a, err := r.Ask(Query{Around: 9})
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := a.Text(&text, Options{}); err != nil || strings.ContainsAny(text.String(), "\x1b\a") {
		t.Errorf("an escape sequence came through: %v %q", err, text.String())
	}
}
