package carbon

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// localFile is a plain file of hours in local time, figures 0, 1, 2, …
func localFile(first time.Time, hours int, region *time.Location) string {
	var b strings.Builder
	b.WriteString("local time,gCO2e/kWh\n")
	for i := range hours {
		fmt.Fprintf(&b, "%s,%d\n", first.Add(time.Duration(i)*time.Hour).In(region).Format("2006-01-02 15:04"), i)
	}
	return b.String()
}

// Days of 23 and of 25 hours: every hour of a file in local time has its own
// figure, the hour that the clocks show twice two of them.
func TestLocalTimeOverTheShifts(t *testing.T) {
	for _, c := range []struct {
		timeZone, day string
		hours         int
	}{
		{"Europe/Berlin", "2024-03-31", 23},
		{"Europe/Berlin", "2024-10-27", 25},
		{"America/Los_Angeles", "2024-03-10", 23},
		{"America/Los_Angeles", "2024-11-03", 25},
		{"Australia/Sydney", "2024-10-06", 23},
		{"Australia/Sydney", "2024-04-07", 25},
		{"Asia/Kolkata", "2024-03-31", 24},
	} {
		region := zone(t, c.timeZone)
		midnight := inZone(c.day+" 00:00:00", region)
		if next := midnight.AddDate(0, 0, 1); next.Sub(midnight) != time.Duration(c.hours)*time.Hour {
			t.Fatalf("%s has a day of %v on %s", c.timeZone, next.Sub(midnight), c.day)
		}
		s := read(t, localFile(midnight, c.hours, region), ReadOptions{TimeZone: c.timeZone, Timestamps: StampsLocal})
		for i := range c.hours {
			for _, minute := range []time.Duration{0, 59} {
				if got := s.At(midnight.Add(time.Duration(i)*time.Hour + minute*time.Minute)); got != float64(i) {
					t.Errorf("%s %s, %d hours and %d minutes on: %v, want %d", c.timeZone, c.day, i, minute, got, i)
				}
			}
		}
		if len(s.Bridged) != 0 {
			t.Errorf("%s %s: bridged %v, and nothing was missing", c.timeZone, c.day, s.Bridged)
		}
	}
}

// A file in local time is the same series as one in UTC, wherever it begins.
func TestLocalTimeIsUTC(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.SampledFrom([]string{"Europe/Berlin", "America/New_York", "Australia/Sydney", "Asia/Tokyo", "Asia/Kolkata"}).Draw(rt, "zone")
		region := zone(t, name)
		// Around each of the shifts of the year.
		around := rapid.SampledFrom([]string{"2024-03-10", "2024-03-31", "2024-04-07", "2024-10-06", "2024-10-27", "2024-11-03", "2024-07-01"}).Draw(rt, "around")
		first := inZone(around+" 00:00:00", region).Add(time.Duration(rapid.IntRange(-30, 20).Draw(rt, "first")) * time.Hour)
		hours := rapid.IntRange(2, 60).Draw(rt, "hours")
		file := localFile(first, hours, region)
		s, err := ReadCSV(strings.NewReader(file), "c.csv", ReadOptions{TimeZone: name, Timestamps: StampsLocal})
		if err != nil {
			// Only a file that begins or ends within the hour that is there twice is unclear.
			twice := func(i int) bool {
				shown := first.Add(time.Duration(i) * time.Hour).In(region)
				return len(instantsOf(time.Date(shown.Year(), shown.Month(), shown.Day(), shown.Hour(), shown.Minute(), 0, 0, time.UTC), region)) == 2
			}
			if !twice(0) && !twice(hours-1) {
				rt.Fatalf("%v\n%s", err, file)
			}
			return
		}
		for i := range hours {
			if got := s.At(first.Add(time.Duration(i) * time.Hour)); math.Abs(got-float64(i)) > 0 {
				rt.Fatalf("hour %d: %v\n%s", i, got, file)
			}
		}
	})
}

func TestLocalTimeErrors(t *testing.T) {
	const head = "t,v\n"
	berlin := ReadOptions{TimeZone: "Europe/Berlin", Timestamps: StampsLocal}
	utcBerlin := ReadOptions{TimeZone: "Europe/Berlin"}
	for _, c := range []struct {
		file string
		o    ReadOptions
		want string
	}{
		{head + "2024-03-31 01:00,1\n2024-03-31 02:00,2\n", berlin,
			"c.csv:3:1: the clocks of Europe/Berlin skip 2024-03-31 02:00: they are put forward; remove the row, or write times with their offset, like 2024-05-01T13:00:00+02:00"},
		{head + "2024-10-27 01:00,1\n2024-10-27 02:00,2\n2024-10-27 03:00,3\n", berlin,
			"c.csv:4:1: the clocks of Europe/Berlin show 2024-10-27 02:00 twice, for they are put back, and the file has it once: want two rows, or times with their offset, like 2024-05-01T13:00:00+02:00"},
		{head + "2024-10-27 01:00,1\n2024-10-27 02:00,2\n", berlin,
			"c.csv: the clocks of Europe/Berlin show 2024-10-27 02:00 twice, for they are put back, and the file has it once: want two rows, or times with their offset, like 2024-05-01T13:00:00+02:00"},
		{head + "2024-10-27 02:00,1\n2024-10-27 02:00,2\n2024-10-27 02:00,3\n", berlin, "c.csv:4:1: time is before the row above; sort the file by time"},
		{head + "2024-07-01 02:00,1\n2024-07-01 02:00,2\n", berlin, "c.csv:3:1: time is there twice; keep one row per hour"},
		{head + "2024-07-01 02:00,1\n2024-07-01 03:00,2\n", ReadOptions{Timestamps: StampsLocal},
			"c.csv: timestamps are local time, of no time zone; name it: an IANA name like Europe/Berlin"},
		{head + "2024-07-01 02:00,1\n2024-07-01 03:00,2\n", ReadOptions{Timestamps: "mine"}, `c.csv: unknown timestamps "mine"; want UTC or Local`},
		// A file in local time that is read as UTC does not go unnoticed.
		{head + "2024-10-27 01:00,1\n2024-10-27 02:00,2\n2024-10-27 02:00,3\n", utcBerlin,
			"c.csv:4:1: time is there twice, as the clocks of Europe/Berlin show it when they are put back; if the file is in local time say timestamps: Local"},
		{head + "2024-03-31 01:00,1\n2024-03-31 03:00,2\n", utcBerlin,
			"c.csv:3:1: the hour before this row is missing, and the clocks of Europe/Berlin skip it; if the file is in local time say timestamps: Local, if it is not write its times with a Z"},
		{head + "2024-03-31 01:00,1\n2024-04-01 01:00,2\n", utcBerlin, "c.csv:3:1: row is a day after the one above; want hourly figures, not daily ones"},
		{portalFile, berlin, "c.csv: the times of Electricity Maps' files are in UTC, not local; leave timestamps: Local out"},
		{"timestamp,MOER\n2024-03-31 01:00,1\n", utcBerlin, "c.csv:1:11: column moer is in pounds per MWh; want gCO2e/kWh: multiply by 0.45359237"},
		{"timestamp,co2_lbs_per_mwh\n2024-03-31 01:00,1\n", utcBerlin, "c.csv:1:11: column co2_lbs_per_mwh is in pounds per MWh; want gCO2e/kWh: multiply by 0.45359237"},
	} {
		_, err := ReadCSV(strings.NewReader(c.file), "c.csv", c.o)
		var fault *ReadError
		if !errors.As(err, &fault) || err.Error() != c.want {
			t.Errorf("%.60q\n got %v\nwant %s", c.file, err, c.want)
		}
	}
	// Stated zones are what they say, whatever the option.
	s := read(t, head+"2024-10-27T02:00:00+02:00,1\n2024-10-27T02:00:00+01:00,2\n2024-10-27 03:00,3\n", berlin)
	for i := range 3 {
		if got := s.At(utc("2024-10-27 00:30:00").Add(time.Duration(i) * time.Hour)); got != float64(i+1) {
			t.Errorf("hour %d: %v", i, got)
		}
	}
	if s := read(t, head+"2024-03-31T01:00Z,1\n2024-03-31T03:00Z,2\n", utcBerlin); len(s.Bridged) != 1 {
		t.Errorf("an hour that is missing in UTC is not bridged: %+v", s.Bridged)
	}
}

// The portal's columns have had three sets of names.
func TestElectricityMapsFormats(t *testing.T) {
	files := map[string]string{
		"2022": portalFile,
		"2025": "Datetime (UTC),Country,Zone name,Zone id,Carbon intensity gCO₂eq/kWh (direct),Carbon intensity gCO₂eq/kWh (Life cycle),Carbon-free energy percentage (CFE%),Renewable energy percentage (RE%),Data source,Data estimated,Data estimation method\n" +
			"2024-01-01 00:00:00,Germany,Germany,DE,133.1,177.74,83.26,81.53,entsoe.eu,false,\n" +
			"2024-01-01 01:00:00,Germany,Germany,DE,134.17,179.08,83.12,81.77,entsoe.eu,false,\n" +
			"2024-01-01 02:00:00,Germany,Germany,DE,130,175,83,81,entsoe.eu,true,x\n",
		"older": "timestamp,datetime,zone_name,carbon_intensity_avg\n" +
			"1704067200,2024-01-01 00:00:00+00:00,DE,177.74\n1704070800,2024-01-01 01:00:00+00:00,DE,179.08\n1704074400,2024-01-01 02:00:00+00:00,DE,175\n",
	}
	for name, file := range files {
		s := read(t, file, ReadOptions{})
		for i, want := range []float64{177.74, 179.08, 175} {
			if got := s.At(utc("2024-01-01 00:30:00").Add(time.Duration(i) * time.Hour)); got != want {
				t.Errorf("%s, hour %d: %v, want %v", name, i, got, want)
			}
		}
		if s.Zone != "DE" || s.Year != 2024 || s.Location.String() != "Europe/Berlin" || s.Signal != Average || !strings.HasPrefix(s.Attribution, "Electricity Maps.") {
			t.Errorf("%s: %+v", name, s)
		}
	}
	if _, err := ReadCSV(strings.NewReader(files["older"]), "c.csv", ReadOptions{Direct: true}); err == nil {
		t.Error("an older export is taken for direct figures")
	}
}
