package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/results"
)

func TestTimeAxisLabels(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	tests := []struct {
		name  string
		start time.Time
		span  float64 // minutes
		want  string
	}{
		{"a day without a clock", time.Time{}, 1440, "0 3 6 9 12 15 18 21 24"},
		{"half an hour", time.Time{}, 30, "0:00 0:05 0:10 0:15 0:20 0:25 0:30"},
		{"a day from midnight", at("2017-12-02T00:00:00+08:00"), 1440, "00:00 03:00 06:00 09:00 12:00 15:00 18:00 21:00 00:00"},
		{"six hours from the middle of an hour", at("2017-12-02T09:30:00+08:00"), 360, "10:00 11:00 12:00 13:00 14:00 15:00"},
		{"over midnight", at("2017-12-02T22:00:00Z"), 240, "22:00 22:30 23:00 23:30 00:00 00:30 01:00 01:30 02:00"},
		{"four days", at("2017-12-30T12:00:00Z"), 4 * 1440, "12:00 31 Dec 12:00 1 Jan 12:00 2 Jan 12:00 3 Jan 12:00"},
		{"nothing", time.Time{}, 0, "0:00"},
	}
	for _, tt := range tests {
		a := newTimeAxis(tt.start, tt.span)
		var got []string
		for _, v := range a.ticks() {
			got = append(got, a.label(v))
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: ticks %q, want %q", tt.name, strings.Join(got, " "), tt.want)
		}
	}
	if name := newTimeAxis(at("2017-12-02T09:30:00+08:00"), 60).Name; name != "trace's clock, from 2 December 2017 (UTC+08:00)" {
		t.Errorf("axis name %q", name)
	}
}

func TestLinearScaleCoversItsRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		low := rapid.Float64Range(-1e9, 1e9).Draw(t, "low")
		high := low + rapid.Float64Range(1e-3, 1e9).Draw(t, "width")
		s := linearScale(low, high)
		slack := 1e-9 * (math.Abs(low) + math.Abs(high))
		if s.Min > low+slack || s.Max < high-slack {
			t.Fatalf("[%v, %v] is not within [%v, %v]", low, high, s.Min, s.Max)
		}
		if n := len(s.ticks()); n < 3 || n > 9 {
			t.Fatalf("%d ticks from %v to %v", n, s.Min, s.Max)
		}
	})
}

func TestScaleOf(t *testing.T) {
	tests := []struct {
		name   string
		mayLog bool
		values []float64
		want   string
	}{
		{"from zero", true, []float64{40, 80}, "0 20 40 60 80"},
		{"decades", true, []float64{0.004, 0.5, math.NaN()}, "0.001 0.01 0.1 1"},
		{"no logarithm wanted", false, []float64{4, 500}, "0 100 200 300 400 500"},
		{"no logarithm of zero", true, []float64{0, 500}, "0 100 200 300 400 500"},
		{"thousands", false, []float64{7200}, "0 2,000 4,000 6,000 8,000"},
		{"only gaps", true, []float64{math.NaN()}, "0 0.25 0.5 0.75 1"},
		{"all zero", false, []float64{0}, "0 0.2 0.4 0.6 0.8 1"},
		{"below zero", false, []float64{-40, -10}, "-40 -30 -20 -10 0"},
	}
	for _, tt := range tests {
		var got []string
		for _, v := range scaleOf(tt.mayLog, tt.values).ticks() {
			got = append(got, tickLabel(v))
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: ticks %q, want %q", tt.name, strings.Join(got, " "), tt.want)
		}
	}
}

func TestLabelsDoNotOverlap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := dotChart{X: valueScale{Min: 0, Max: 10, Step: 2}, Y: valueScale{Min: 0, Max: 10, Step: 2}}
		for range rapid.IntRange(1, 12).Draw(t, "dots") {
			x, y := rapid.Float64Range(0, 10).Draw(t, "x"), rapid.Float64Range(0, 10).Draw(t, "y")
			d.Dots = append(d.Dots, dot{Name: rapid.StringMatching(`[a-z]{1,20}`).Draw(t, "name"), X: span{x, x, x}, Y: span{y, y, y}})
		}
		d.placeLabels()
		var boxes []box
		for _, p := range d.Dots {
			x, y := dotAreaWidth*p.X.Mean/10, dotAreaHeight*p.Y.Mean/10
			if p.Side != "" {
				boxes = append(boxes, labelBox(p.Side, x, y, runeWidth*float64(len(p.Name))))
			}
		}
		for i, b := range boxes {
			if anyOverlap(b, boxes[:i]) {
				t.Fatalf("label %d overlaps an earlier one", i)
			}
		}
	})
	alone := dotChart{X: valueScale{Max: 10}, Y: valueScale{Max: 10}, Dots: []dot{{Name: "hpa", X: span{Mean: 5}, Y: span{Mean: 5}}}}
	if alone.placeLabels(); alone.Dots[0].Side != "right" {
		t.Errorf("a dot with room has its label %q of it, want right", alone.Dots[0].Side)
	}
}

// Customers that differ between policies, as a router's do in a region, are drawn
// for each; the same ones once.
func TestDemandOfRouters(t *testing.T) {
	chartOf := func(second float64) *chart {
		var runs []drawnRun
		for i, rate := range []float64{100, second} {
			runs = append(runs, drawnRun{run: &results.Run{Policy: []string{"a", "b"}[i], Points: []results.Point{
				{T: 60, Service: "s", ArrivalRate: ptr(rate), CapacityRate: ptr(200)}, {T: 120, Service: "s", ArrivalRate: ptr(rate), CapacityRate: ptr(200)},
			}}, index: i})
		}
		line := newTimeline(runs, time.Time{}, 100)
		return line.demand(0, "s", line.grid("s"))
	}
	names := func(c *chart) string {
		var out []string
		for _, s := range c.Time.Series {
			out = append(out, fmt.Sprintf("%s dash %t area %t", s.Name, s.Dash, s.Area))
		}
		return strings.Join(out, "; ")
	}
	same, routed := chartOf(100), chartOf(0)
	if got, want := names(same), "demand dash false area true; a dash false area false; b dash false area false"; got != want {
		t.Errorf("the same customers: %s, want %s", got, want)
	}
	if got, want := names(routed), "a dash false area false; b dash false area false; a, demand dash true area false; b, demand dash true area false"; got != want {
		t.Errorf("a router's: %s, want %s", got, want)
	}
	if len(routed.Keys) != 2 || !strings.Contains(routed.Caption, "router") || strings.Contains(same.Caption, "router") {
		t.Errorf("legend %v, captions %q and %q", routed.Keys, routed.Caption, same.Caption)
	}
}

// Bins of 20 s, with a gap: the first minute holds 1, 2 and 3, the second 10
// and 30, the third nothing.
func TestSliceTableByHand(t *testing.T) {
	var run results.Run
	for i, v := range []float64{1, 2, 3, 10, math.NaN(), 30, math.NaN(), math.NaN(), math.NaN()} {
		run.Points = append(run.Points, results.Point{T: 20 * float64(i+1), Service: "s", LatencyP95: ptr(v), ArrivalRate: ptr(v)})
	}
	run.Policy = "p"
	line := newTimeline([]drawnRun{{run: &run}}, time.Time{}, 100)
	want := map[string]string{
		"chart-demand-0": "0:00 2.000 | 0:01 20.00 | 0:02 –", // means
		"chart-p95-0":    "0:00 3.000 | 0:01 30.00 | 0:02 –", // the largest, in s
	}
	for _, c := range line.serviceCharts(0, "s", nil) {
		var got []string
		for _, row := range c.Table.Rows {
			got = append(got, strings.Join(row, " "))
		}
		if text := strings.Join(got, " | "); want[c.ID] != "" && text != want[c.ID] {
			t.Errorf("%s: table %q, want %q", c.ID, text, want[c.ID])
		}
		delete(want, c.ID)
	}
	if len(want) > 0 {
		t.Errorf("charts not drawn: %v", want)
	}
}

func TestDrawnRunsTakeEachPolicysFirstSeed(t *testing.T) {
	s := &results.Summary{Policies: []results.PolicySummary{{Name: "a"}, {Name: "none"}, {Name: "b"}}}
	runs := drawnRuns(s, []*results.Run{{Policy: "b", Seed: 9}, {Policy: "a", Seed: 4}, {Policy: "b", Seed: 3}, {Policy: "other", Seed: 1}})
	if len(runs) != 2 || runs[0].run.Seed != 4 || runs[1].run.Seed != 3 || runs[1].index != 2 {
		t.Errorf("drew %+v", runs)
	}
	if got := seedText(runs); got != "each policy's first seed, from 3 to 4" {
		t.Errorf("seeds in words: %q", got)
	}
}

func TestRowsOfTwoAreFilled(t *testing.T) {
	charts := []*chart{{Wide: true}, {}, {}, {}}
	fillRows(charts)
	var wide []bool
	for _, c := range charts {
		wide = append(wide, c.Wide)
	}
	if want := []bool{true, true, false, false}; !slices.Equal(wide, want) {
		t.Errorf("wide %v, want %v", wide, want)
	}
}

func TestParetoFrontByHand(t *testing.T) {
	names := frontMetrics(&results.Summary{})
	policy := func(values ...float64) results.PolicySummary {
		m := map[string]results.Estimate{}
		for i, v := range values {
			m[names[i]] = results.Estimate{Mean: v}
		}
		return results.PolicySummary{Metrics: m}
	}
	got := paretoFront([]results.PolicySummary{
		policy(1, 9, 5),          // the cheapest
		policy(9, 1, 5),          // the fastest
		policy(9, 9, 1),          // the cleanest
		policy(2, 9, 5),          // dearer than the first and no better
		policy(3, 3, 6),          // between: nothing beats it in all
		policy(3, 3, 6),          // its twin stays too
		policy(1, 1),             // its CO2e is unknown
		policy(math.NaN(), 0, 0), // so is its cost
	}, names)
	if want := []bool{true, true, true, false, true, true, false, false}; !slices.Equal(got, want) {
		t.Errorf("front %v, want %v", got, want)
	}
}

func TestDecisionsStandOnTheReplicaChart(t *testing.T) {
	run := fixtureRun(fixturePolicies[1], "s", 1, 60)
	run.Decisions = []decisions.Entry{
		{T: 60, Service: "s", Kind: decisions.Scale, From: 2, To: 4, Reason: "busy"},
		{T: 90, Service: "other", Kind: decisions.Scale, From: 2, To: 9},
		{T: 120, Service: "s", Kind: decisions.Tick, From: 4, To: 4},
		{T: 1800, Service: "s", Kind: decisions.Scale, From: 4, To: 3},
	}
	for _, c := range newTimeline([]drawnRun{{index: 1, run: run}}, time.Time{}, 100).serviceCharts(0, "s", nil) {
		if c.ID != "chart-replicas-0" {
			continue
		}
		if len(c.Time.Marks) != 2 || c.Time.Marks[0].Text != "0:01, hpa: 2 → 4, busy" || c.Time.Marks[1].X != 30 || c.Time.Marks[1].Y != 3 {
			t.Errorf("marks %+v", c.Time.Marks)
		}
		if c.Decisions == nil || strings.Join(c.Decisions.Rows[1], " ") != "0:30 hpa 4 3 no reason given" {
			t.Errorf("list %+v", c.Decisions)
		}
		return
	}
	t.Error("no replica chart")
}

func TestTheLargestChangesAreKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []decisions.Entry
		for i := range rapid.IntRange(0, 40).Draw(t, "entries") {
			all = append(all, decisions.Entry{T: float64(i), To: rapid.IntRange(-9, 9).Draw(t, "change")})
		}
		limit := rapid.IntRange(1, 20).Draw(t, "limit")
		kept := largestChanges(all, limit)
		if len(kept) != min(limit, len(all)) || !slices.IsSortedFunc(kept, func(a, b decisions.Entry) int { return int(a.T - b.T) }) {
			t.Fatalf("kept %v of %v", kept, all)
		}
		least := 10.0
		for _, e := range kept {
			least = min(least, math.Abs(float64(e.To)))
		}
		for _, e := range all {
			if math.Abs(float64(e.To)) > least && !slices.ContainsFunc(kept, func(k decisions.Entry) bool { return k.T == e.T }) {
				t.Fatalf("%+v was left out of %v", e, kept)
			}
		}
	})
}

// Two and a half days from 18:00, at 1 kW and then 2 kW from the second midnight
// on: 6 h, 24 h, 24 h and 6 h.
func TestDaysByHand(t *testing.T) {
	start := time.Date(2017, 12, 1, 18, 0, 0, 0, time.UTC)
	run := &results.Run{Policy: "p", Seed: 1}
	for h := 1; h <= 60; h++ {
		watts := 1000.0
		if h > 30 {
			watts = 2000
		}
		run.Points = append(run.Points,
			results.Point{T: 3600 * float64(h), FacilityWatts: ptr(watts), CO2eRate: ptr(500)},
			results.Point{T: 3600 * float64(h), Service: "s", LatencyP95: ptr(float64(h) / 1000)})
	}
	want := map[string]string{
		"chart-day-energy": "Fri 1 December 2017 6.000 | Sat 2 December 2017 24.00 | Sun 3 December 2017 48.00 | Mon 4 December 2017 12.00",
		"chart-day-co2e":   "Fri 1 December 2017 3.000 | Sat 2 December 2017 12.00 | Sun 3 December 2017 12.00 | Mon 4 December 2017 3.000",
		"chart-day-p95-0":  "Fri 1 December 2017 6.000 | Sat 2 December 2017 30.00 | Sun 3 December 2017 54.00 | Mon 4 December 2017 60.00",
	}
	charts := newTimeline([]drawnRun{{run: run}}, start, 100).dayView([]string{"s"})
	for _, c := range charts {
		var rows []string
		for _, r := range c.Table.Rows {
			rows = append(rows, strings.Join(r, " "))
		}
		if got := strings.Join(rows, " | "); got != want[c.ID] {
			t.Errorf("%s: %q, want %q", c.ID, got, want[c.ID])
		}
		if len(c.Time.X) != 5 || len(c.Time.Series[0].Y) != 5 {
			t.Errorf("%s: %d ends of days, want the start and four", c.ID, len(c.Time.X))
		}
	}
	if len(charts) != len(want) {
		t.Errorf("%d charts, want %d", len(charts), len(want))
	}
	short := &results.Run{Points: run.Points[:96]}
	if got := newTimeline([]drawnRun{{run: short}}, start, 100).dayView([]string{"s"}); got != nil {
		t.Errorf("two days have a day view: %v", got)
	}
}
