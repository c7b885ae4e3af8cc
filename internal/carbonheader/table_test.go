package carbonheader

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/kwatt-sim/kwatt/internal/results"
)

func served(t float64, service string, rate float64) results.Point {
	return results.Point{T: t, Service: service, ServedRate: &rate}
}

func emitted(t float64, service string, gramsPerHour float64) results.Point {
	return results.Point{T: t, Service: service, CO2eRate: &gramsPerHour}
}

var start = time.Date(2024, time.May, 6, 23, 0, 0, 0, time.FixedZone("", 2*3600))

// Two half hours of 360 and 720 g/h serve 1 and 3 req/s: 540 g over 7200
// requests, weighted by requests and not by half hours. The next hour has none.
func TestTableByHand(t *testing.T) {
	r := Run{Start: start, Duration: 7200, Points: []results.Point{
		served(1800, "ranker", 1), emitted(1800, "", 360), served(3600, "ranker", 3), emitted(3600, "", 720),
		served(5400, "ranker", 0), emitted(5400, "", 90), served(7200, "ranker", 0), emitted(7200, "", 90),
	}}
	got, err := Table(r, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	per := 0.075
	want := []Row{
		{From: 0, UTC: "2024-05-06T21:00:00Z", Local: "2024-05-06T23:00:00+02:00", Service: "ranker", Requests: 7200, Grams: 540, PerRequest: &per, Value: "0.07500"},
		{From: 3600, UTC: "2024-05-06T22:00:00Z", Local: "2024-05-07T00:00:00+02:00", Service: "ranker"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, step := range []time.Duration{0, 20 * time.Minute, -time.Hour} {
		if _, err := Table(r, step); err == nil || !strings.Contains(err.Error(), "30m0s") {
			t.Errorf("a step of %v: error %v", step, err)
		}
	}
	// A run shorter than a bin is one row.
	short := Run{Duration: 37, Points: []results.Point{served(37, "ranker", 2), emitted(37, "", 3600)}}
	if rows, err := Table(short, time.Hour); err != nil || len(rows) != 1 || rows[0].Requests != 74 || rows[0].Grams != 37 {
		t.Errorf("a run of 37 s: %+v, %v", rows, err)
	}
	if _, err := Table(short, 20*time.Second); err == nil {
		t.Error("a step of 20 s of a bin of 37 s is taken")
	}
	if _, err := Table(Run{Points: []results.Point{served(60, "ranker", 1)}, Duration: 60}, time.Minute); err == nil {
		t.Error("a time series without emissions is taken")
	}
}

// Two services and two regions: a request of the heavy service bears three times
// what one of the light one does, in each region of that region's grams.
func TestRegionsAndServices(t *testing.T) {
	r := Run{
		Duration: 3600, Weights: map[string]float64{"heavy@de": 3, "light@de": 1, "heavy@se": 3, "light@se": 1},
		Points: []results.Point{
			served(3600, "heavy@de", 1), served(3600, "heavy@se", 2), served(3600, "light@de", 1), served(3600, "light@se", 2),
			emitted(3600, "@de", 400), emitted(3600, "@se", 80), emitted(3600, "", 480),
		},
	}
	rows, err := Table(r, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{"heavy@de": 300, "light@de": 100, "heavy@se": 60, "light@se": 20, "heavy@": 360, "light@": 120}
	for _, row := range rows {
		key := row.Service + "@" + row.Region
		if row.Grams != want[key] || math.Abs(*row.PerRequest-row.Grams/row.Requests) > 1e-9 {
			t.Errorf("%s: %+v, want %v g", key, row, want[key])
		}
		delete(want, key)
	}
	if len(want) > 0 {
		t.Errorf("no rows of %v", want)
	}
	r.Points = append(r.Points[:len(r.Points)-1], emitted(3600, "@pl", 40), emitted(3600, "", 520))
	rows, _ = Table(r, time.Hour)
	if heavy, light := rows[len(rows)-2], rows[len(rows)-1]; heavy.Grams != 390 || light.Grams != 130 {
		t.Errorf("a region that serves nobody is borne by %+v and %+v, want 30 g and 10 g more", heavy, light)
	}
	r.Weights = map[string]float64{"heavy@de": 3}
	rows, _ = Table(r, time.Hour)
	if rows[0].Grams != 200 {
		t.Errorf("without all weights the services do not count alike: %+v", rows[0])
	}
}

// Whatever the series, the rows hold all grams of the hours that served anything
// and no others, and no figure that is not one.
func TestGramsAreConserved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Run{Duration: 3 * 3600, Weights: map[string]float64{"a": rapid.Float64Range(0, 2).Draw(t, "a"), "b": rapid.Float64Range(0, 2).Draw(t, "b")}}
		var want [3]float64
		var any [3]bool
		for k := range 6 {
			at, hour := float64(1800*(k+1)), k/2
			for _, name := range []string{"a", "b"} {
				rate := float64(rapid.IntRange(0, 3).Draw(t, "rate"))
				any[hour] = any[hour] || rate > 0
				r.Points = append(r.Points, served(at, name, rate))
			}
			grams := rapid.Float64Range(0, 1e6).Draw(t, "grams")
			want[hour] += grams / 2
			r.Points = append(r.Points, emitted(at, "", grams))
		}
		rows, err := Table(r, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		var got [3]float64
		for _, row := range rows {
			got[int(row.From/3600)] += row.Grams
			if (row.Requests > 0) != (row.PerRequest != nil) || row.PerRequest != nil && (math.IsNaN(*row.PerRequest) || math.IsInf(*row.PerRequest, 0)) {
				t.Fatalf("%+v", row)
			}
		}
		for h := range got {
			if !any[h] {
				want[h] = 0
			}
			if math.Abs(got[h]-want[h]) > 1e-8*max(want[h], 1) {
				t.Fatalf("hour %d has %v g, its rows %v", h, want[h], got[h])
			}
		}
	})
}

func TestValues(t *testing.T) {
	for grams, want := range map[float64]string{0.0000456: "0.00004560", 1.23456e-9: "0.000000001235", 0: "0", 12.3456: "12.35", 123456: "123456"} {
		if got := Value(grams); got != want {
			t.Errorf("%v g is %q, want %q", grams, got, want)
		}
	}
}

func TestFormats(t *testing.T) {
	per := 0.5
	rows := []Row{
		{From: 0, UTC: "2024-05-06T21:00:00Z", Local: "2024-05-06T23:00:00+02:00", Service: "ranker", Region: "de", Requests: 2, Grams: 1, PerRequest: &per, Value: Value(per)},
		{From: 3600, Service: "ranker"},
	}
	for _, c := range []struct {
		write func(*bytes.Buffer) error
		want  string
	}{
		{func(b *bytes.Buffer) error { return WriteCSV(b, rows) }, "from_seconds,utc,local,service,region,requests,co2e_grams,grams_per_request,value\n" +
			"0,2024-05-06T21:00:00Z,2024-05-06T23:00:00+02:00,ranker,de,2,1,0.5,0.5000\n3600,,,ranker,,0,0,,\n"},
		{func(b *bytes.Buffer) error { return WriteHeaders(b, rows) }, "2024-05-06T21:00:00Z ranker@de Carbon-Emissions-Scope-2: 0.5000\n"},
	} {
		var b bytes.Buffer
		if err := c.write(&b); err != nil || b.String() != c.want {
			t.Errorf("%v\n%s", err, b.String())
		}
	}
	var b bytes.Buffer
	if err := WriteJSON(&b, rows); err != nil || !strings.Contains(b.String(), `"gramsPerRequest": null`) {
		t.Errorf("%v\n%s", err, b.String())
	}
}
