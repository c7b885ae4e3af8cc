package carbon

import (
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kwatt-sim/kwatt/internal/grade"
)

const portalHeader = "Datetime (UTC),Country,Zone Name,Zone Id,Carbon Intensity gCO₂eq/kWh (direct),Carbon Intensity gCO₂eq/kWh (LCA),Low Carbon Percentage,Renewable Percentage,Data Source,Data Estimated,Data Estimation Method\n"

const portalFile = portalHeader +
	"2024-01-01 00:00:00,Germany,Germany,DE,133.1,177.74,83.26,81.53,entsoe.eu,false,\n" +
	"2024-01-01 01:00:00,Germany,Germany,DE,134.17,179.08,83.12,81.77,entsoe.eu,false,\n" +
	"2024-01-01 02:00:00,Germany,Germany,DE,130,175,83,81,entsoe.eu,true,x\n"

func read(t *testing.T, file string, o ReadOptions) *Series {
	t.Helper()
	s, err := ReadCSV(strings.NewReader(file), "c.csv", o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestReadPlain(t *testing.T) {
	s := read(t, "\ufeff# made up\ntimestamp,gco2eq_per_kwh\n2024-06-01T00:00Z,100\n2024-06-01T01:00Z, 200\n2024-06-01T02:00Z,\n2024-06-01T05:00Z,500\n",
		ReadOptions{Zone: "mine", TimeZone: "Europe/Berlin", Signal: Marginal})
	for hour, want := range []float64{100, 200, 275, 350, 425, 500} {
		if got := s.At(utc("2024-06-01 00:30:00").Add(time.Duration(hour) * time.Hour)); got != want {
			t.Errorf("hour %d: %v, want %v", hour, got, want)
		}
	}
	if diff := cmp.Diff([]Gap{{utc("2024-06-01 02:00:00"), 3}}, s.Bridged); diff != "" {
		t.Error(diff)
	}
	if s.Zone != "mine" || s.Year != 2024 || s.Signal != Marginal || s.Grade != grade.C || s.Location.String() != "Europe/Berlin" || s.Attribution != "" {
		t.Errorf("%+v", s)
	}
	if s := read(t, "t,v\n2024-06-01 00:00,1\n2024-06-01 01:00,2\n", ReadOptions{}); s.Zone != "c.csv" || s.Signal != Average || s.Location != time.UTC {
		t.Errorf("%+v", s)
	}
}

func TestReadPortal(t *testing.T) {
	s := read(t, portalFile, ReadOptions{})
	if s.At(utc("2024-01-01 01:59:59")) != 179.08 {
		t.Errorf("life-cycle intensity %v", s.At(utc("2024-01-01 01:59:59")))
	}
	if s.Zone != "DE" || s.Year != 2024 || s.Grade != grade.A || s.License != "ODbL 1.0" || s.Location.String() != "Europe/Berlin" ||
		s.Attribution != "Electricity Maps. Germany 2024 hourly Carbon Intensity Data. https://www.electricitymaps.com" {
		t.Errorf("%+v", s)
	}
	direct := read(t, portalFile, ReadOptions{Direct: true})
	if direct.At(utc("2024-01-01 01:00:00")) != 134.17 {
		t.Errorf("direct intensity %v", direct.At(utc("2024-01-01 01:00:00")))
	}
	if s := read(t, strings.ReplaceAll(portalFile, "false", "true"), ReadOptions{}); s.Grade != grade.B {
		t.Errorf("grade %v of estimated hours, want B", s.Grade)
	}
	// A year in UTC starts in the year before in California.
	if s := read(t, strings.ReplaceAll(portalFile, ",DE,", ",US-CAL-CISO,"), ReadOptions{}); s.Year != 2024 {
		t.Errorf("year %d", s.Year)
	}
}

func TestReadErrors(t *testing.T) {
	row := func(time, value string) string {
		return "t,v\n2024-06-01T00:00Z,1\n" + time + "," + value + "\n"
	}
	for _, c := range []struct {
		file string
		o    ReadOptions
		want string
	}{
		{"", ReadOptions{}, "c.csv: file is empty; want a line of column names and an hour per row"},
		{"t\n", ReadOptions{}, "c.csv:1:1: one column (t); want timestamp,gco2eq_per_kwh"},
		{"2024-06-01T00:00Z,1\n", ReadOptions{}, "c.csv:1:1: the first line holds figures; want a line of column names above it"},
		{"t,v\n2024-06-01T00:00Z,1\n", ReadOptions{}, "c.csv: 1 hours; want at least two"},
		{row("2024-06-01T01:00Z", "x"), ReadOptions{}, `c.csv:3:19: "x" is not a number; leave the cell empty where it is missing`},
		{row("2024-06-01T01:00Z", "NaN"), ReadOptions{}, `c.csv:3:19: "NaN" is not a number; leave the cell empty where it is missing`},
		{row("2024-06-01T01:00Z", "-1"), ReadOptions{}, "c.csv:3:19: intensity -1 is negative"},
		{row("2024-06-01T01:00Z", "332000"), ReadOptions{}, "c.csv:3:19: intensity 332000 is more than 10000 g/kWh; is the unit gCO2e/kWh?"},
		{row("noon", "1"), ReadOptions{}, `c.csv:3:1: "noon" is not a time; want one like 2024-05-01T13:00:00Z or 2024-05-01 13:00 (UTC)`},
		{row("1024-06-01T01:00Z", "1"), ReadOptions{}, `c.csv:3:1: time "1024-06-01T01:00Z" lies outside the years 1900 to 2189`},
		{row("2024-05-31T23:00Z", "1"), ReadOptions{}, "c.csv:3:1: time is before the row above; sort the file by time"},
		{row("2024-06-01T00:00Z", "1"), ReadOptions{}, "c.csv:3:1: time is there twice; keep one row per hour"},
		{row("2024-06-01T00:05Z", "1"), ReadOptions{}, "c.csv:3:1: row is 5m0s after the one above; want one row per hour: average shorter steps to hours"},
		{row("2024-06-01T05:00Z", "1"), ReadOptions{}, "c.csv:3:1: 4 hours are missing before this row; at most 3 are filled in"},
		{row("2024-06-01T01:00Z", "1,2"), ReadOptions{}, "c.csv:3:1: wrong number of fields"},
		{row("2024-06-01T01:00Z", "1"), ReadOptions{Signal: "mean"}, `c.csv: unknown signal "mean"; want average or marginal`},
		{row("2024-06-01T01:00Z", "1"), ReadOptions{TimeZone: "Berlin"}, `c.csv: unknown time zone "Berlin"; want an IANA name like Europe/Berlin`},
		{row("2024-06-01T01:00Z", "1"), ReadOptions{TimeZone: "Local"}, "c.csv: time zone Local differs from machine to machine; want an IANA name like Europe/Berlin"},
		{portalFile, ReadOptions{Signal: Marginal}, "c.csv: the figures of Electricity Maps' files are average, not marginal"},
		{strings.Replace(portalFile, "Zone Id", "Zone", 1), ReadOptions{}, "c.csv:1:1: not all columns of Electricity Maps' portal are there: want Datetime (UTC), Country, Zone Id, Carbon Intensity gCO₂eq/kWh (LCA) and Data Estimated"},
		{strings.Replace(portalFile, "DE,130", "FR,130", 1), ReadOptions{}, "c.csv:4:37: zone FR after zone DE; want one zone per file"},
	} {
		_, err := ReadCSV(strings.NewReader(c.file), "c.csv", c.o)
		var fault *ReadError
		if !errors.As(err, &fault) {
			t.Errorf("%.60q: error %v, want a ReadError %s", c.file, err, c.want)
		} else if err.Error() != c.want {
			t.Errorf("%.60q\n got %v\nwant %s", c.file, err, c.want)
		}
	}

	broken := errors.New("disk on fire")
	_, err := ReadCSV(io.MultiReader(strings.NewReader("t,v\n"), iotest.ErrReader(broken)), "c.csv", ReadOptions{})
	if want := "read carbon series c.csv: disk on fire"; !errors.Is(err, broken) || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	_, err = ReadCSV(io.MultiReader(strings.NewReader("t,v\n"), endless{}), "c.csv", ReadOptions{})
	if want := "c.csv: file is larger than 64 MiB"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// FuzzReadCSV: no file panics the reader, and what it accepts has a figure for
// each of its hours.
func FuzzReadCSV(f *testing.F) {
	f.Add(portalFile, "", false)
	f.Add("t,v\n2024-06-01T00:00:00+05:30,1\n2024-06-01 03:30,2\n", "Asia/Kolkata", false)
	f.Add("t,v\n2024-03-30T23:00Z,1\n2024-03-31T00:00Z,0\n2024-03-31T01:00Z,1e3\n", "Europe/Berlin", true)
	f.Fuzz(func(t *testing.T, file, timeZone string, direct bool) {
		s, err := ReadCSV(strings.NewReader(file), "c.csv", ReadOptions{TimeZone: timeZone, Direct: direct})
		if err != nil {
			return
		}
		clock, err := s.Aligned(Instant, time.Time{}, 2*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if v := clock.IntensityAt(0); !(v >= 0 && v <= maxIntensity) {
			t.Fatalf("intensity %v", v)
		}
		if next := clock.NextChangeAfter(0); next <= 0 || next.Seconds() > 3600 {
			t.Fatalf("next change after %v", next)
		}
	})
}

// TestPortalAgainstRaw reads a whole file of the portal where somebody has one:
// its life-cycle hours are those that the builtin means were made of.
func TestPortalAgainstRaw(t *testing.T) {
	f, err := os.Open(filepath.Join(rawSeries, "em_original_DE_2024_hourly.csv"))
	if err != nil {
		t.Logf("no file of the portal to read: %v", err)
		return
	}
	defer f.Close()
	s, err := ReadCSV(f, "DE_2024_hourly.csv", ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	hours, err := readRaw("DE")
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range hours[len(hours)-8784:] {
		if got := s.At(h.start); got != h.value {
			t.Fatalf("%s: %v g/kWh, want %v", h.start, got, h.value)
		}
	}
	if s.Grade != grade.A || math.IsNaN(s.At(utc("2017-02-28 12:00:00"))) {
		t.Errorf("grade %v, intensity in another year %v", s.Grade, s.At(utc("2017-02-28 12:00:00")))
	}
}
