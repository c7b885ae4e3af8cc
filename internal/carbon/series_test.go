package carbon

import (
	"math"
	"testing"
	"time"

	"github.com/kwatt-sim/kwatt/internal/vtime"
)

func utc(s string) time.Time { return inZone(s, time.UTC) }

func inZone(s string, zone *time.Location) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04:05", s, zone)
	if err != nil {
		panic(err)
	}
	return t
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	l, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// coded is a builtin-like series whose figure says which cell it is: 100 × month + hour.
func coded(t testing.TB, timeZone string) *Series {
	m := &monthHours{}
	for month := range m {
		for hour := range m[month] {
			m[month][hour] = float64(100*(month+1) + hour)
		}
	}
	l := zone(t, timeZone)
	return &Series{Zone: "test", Year: 2024, Location: l, profile: m, origin: time.Date(2024, 1, 1, 0, 0, 0, 0, l)}
}

func TestAtIsLocalTime(t *testing.T) {
	for _, c := range []struct {
		timeZone, at string
		want         float64
	}{
		{"Europe/Berlin", "2024-07-01 11:59:59", 713},
		{"Europe/Berlin", "2024-01-31 23:00:00", 200},        // already February there
		{"Europe/Berlin", "2017-12-02 12:00:00", 1213},       // any year
		{"Europe/Berlin", "2024-03-31 00:59:59", 301},        // the hour before summer time
		{"Europe/Berlin", "2024-03-31 01:00:00", 303},        // 02:00 is skipped
		{"Europe/Berlin", "2024-10-27 00:30:00", 1002},       // 02:30 for the first time
		{"Europe/Berlin", "2024-10-27 01:30:00", 1002},       // and again
		{"Europe/Berlin", "2024-10-27 02:00:00", 1003},       //
		{"Asia/Kolkata", "2024-05-01 00:29:59", 505},         // 05:59:59
		{"Asia/Kolkata", "2024-05-01 00:30:00", 506},         // 06:00
		{"America/Los_Angeles", "2024-11-01 06:00:00", 1023}, // still October there
	} {
		if got := coded(t, c.timeZone).At(utc(c.at)); got != c.want {
			t.Errorf("%s at %s UTC: %v, want %v", c.timeZone, c.at, got, c.want)
		}
	}
}

func TestNextChange(t *testing.T) {
	for _, c := range []struct{ timeZone, at, want string }{
		{"Europe/Berlin", "2024-07-01 11:00:00", "2024-07-01 12:00:00"},
		{"Europe/Berlin", "2024-07-01 11:59:59", "2024-07-01 12:00:00"},
		{"Europe/Berlin", "2024-03-31 00:10:00", "2024-03-31 01:00:00"},
		{"Europe/Berlin", "2024-10-27 00:10:00", "2024-10-27 01:00:00"},
		{"Asia/Kolkata", "2024-05-01 00:29:00", "2024-05-01 00:30:00"},
		{"Asia/Kolkata", "2024-05-01 00:30:00", "2024-05-01 01:30:00"},
		{"Australia/Lord_Howe", "2024-04-06 14:40:00", "2024-04-06 15:00:00"}, // back by half an hour at 02:00
	} {
		if got := coded(t, c.timeZone).NextChange(utc(c.at)); !got.Equal(utc(c.want)) {
			t.Errorf("%s after %s UTC: %s, want %s", c.timeZone, c.at, got.UTC(), c.want)
		}
	}
}

// TestNextChangeMissesNothing walks a year by NextChange and compares the steps
// with the intensity at every minute of the days around each clock shift.
func TestNextChangeMissesNothing(t *testing.T) {
	hours := make([]float64, 8784)
	for i := range hours {
		hours[i] = float64(i)
	}
	for _, timeZone := range []string{"Europe/Berlin", "Asia/Kolkata", "Australia/Sydney"} {
		file := &Series{Location: zone(t, timeZone), profile: newHourly(utc("2024-01-01 00:00:00"), hours, zone(t, timeZone))}
		for _, s := range []*Series{coded(t, timeZone), file} {
			for _, day := range []string{"2024-03-30 12:00:00", "2024-04-06 00:00:00", "2024-10-05 00:00:00", "2024-10-26 12:00:00", "2023-10-28 12:00:00"} {
				at := utc(day)
				next := s.NextChange(at)
				for m := range 2 * 24 * 60 {
					now := at.Add(time.Duration(m) * time.Minute)
					if !now.Before(next) {
						next = s.NextChange(now)
					} else if before := now.Add(-time.Minute); m > 0 && s.At(now) != s.At(before) {
						t.Fatalf("%s: intensity changes at %s, and nothing said so", timeZone, now)
					}
					if !next.After(now) || next.Sub(now) > time.Hour {
						t.Fatalf("%s: next change after %s is %s", timeZone, now, next)
					}
				}
			}
		}
	}
}

func TestConstant(t *testing.T) {
	s, err := Constant(42)
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Aligned(Instant, time.Time{}, 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.IntensityAt(vtime.At(time.Hour)); got != 42 {
		t.Errorf("intensity %v", got)
	}
	if got := c.NextChangeAfter(0); got != vtime.Forever {
		t.Errorf("a constant changes at %v", got)
	}
	for _, v := range []float64{-1, 10_001, math.NaN()} {
		if _, err := Constant(v); err == nil {
			t.Errorf("%v g/kWh is accepted", v)
		}
	}
}

func TestAlignment(t *testing.T) {
	beijing := time.FixedZone("", 8*3600)
	start := inZone("2017-12-02 00:00:00", beijing)
	s := coded(t, "Europe/Berlin")
	for _, c := range []struct {
		alignment Alignment
		after     time.Duration
		want      float64
	}{
		{Instant, 0, 1217}, // 17:00 of the day before
		{Instant, 20*time.Hour + 59*time.Minute, 1213},
		{LocalClock, 0, 1200},
		{LocalClock, 20*time.Hour + 59*time.Minute, 1220},
	} {
		clock, err := s.Aligned(c.alignment, start, 24*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if got := clock.IntensityAt(vtime.At(c.after)); got != c.want {
			t.Errorf("%s after %v: %v, want %v", c.alignment, c.after, got, c.want)
		}
	}
	if _, err := s.Aligned("Noon", start, time.Hour); err == nil || err.Error() != `unknown carbon alignment "Noon"; want Instant or LocalClock` {
		t.Error(err)
	}
}

// TestLocalClockOverShifts: a trace in UTC read by clocks that skip 02:00 and show
// it twice.
func TestLocalClockOverShifts(t *testing.T) {
	s := coded(t, "Europe/Berlin")
	for start, want := range map[string][]float64{
		"2024-03-31 00:00:00": {300, 301, 303, 303, 304},
		"2024-10-27 00:00:00": {1000, 1001, 1002, 1003, 1004},
	} {
		clock, err := s.Aligned(LocalClock, utc(start), 5*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		now := vtime.Time(0)
		for hour, w := range want {
			for _, minute := range []time.Duration{0, 30, 59} {
				if got := clock.IntensityAt(vtime.At(time.Duration(hour)*time.Hour + minute*time.Minute)); got != w {
					t.Errorf("%s hour %d minute %d: %v, want %v", start, hour, minute, got, w)
				}
			}
			now = clock.NextChangeAfter(now)
			if now != vtime.At(time.Duration(hour+1)*time.Hour) {
				t.Errorf("%s hour %d ends at %v", start, hour, now)
			}
		}
	}
}

// TestNoDate: a load without a date starts with the series.
func TestNoDate(t *testing.T) {
	clock, err := coded(t, "Asia/Tokyo").Aligned(Instant, time.Time{}, time.Hour)
	if err != nil || clock.IntensityAt(0) != 100 {
		t.Errorf("intensity %v (%v), want that of January, 00:00", clock.IntensityAt(0), err)
	}
}

// TestHourlyStandsInForOtherYears: figures are hours since the year began.
func TestHourlyStandsInForOtherYears(t *testing.T) {
	hours := make([]float64, 8760)
	for i := range hours {
		hours[i] = float64(i)
	}
	berlin := zone(t, "Europe/Berlin")
	s := &Series{Location: berlin, profile: newHourly(utc("2023-01-01 00:00:00"), hours, berlin)}
	for _, c := range []struct {
		at   string
		want float64
		why  string
	}{
		{"2023-06-01 10:30:00", 151*24 + 10, "its own year"},
		{"2017-12-02 20:30:00", 335*24 + 20, "another year"},
		{"2024-02-29 20:30:00", 58*24 + 20, "29 February takes the 28th"},
		{"2024-01-01 00:30:00", 0, "01:30 there; the file starts at 01:00 there"},
		{"2022-12-31 23:30:00", 8759, "00:30 of 1 January there, which only the end of the file has"},
	} {
		if got := s.At(utc(c.at)); got != c.want {
			t.Errorf("%s (%s): %v, want %v", c.at, c.why, got, c.want)
		}
	}

	// Clocks went back at 01:00 UTC on 29 October 2023: 02:00 there is twice in the
	// file, and the mean of both stands in.
	first, second := s.At(utc("2023-10-29 00:30:00")), s.At(utc("2023-10-29 01:30:00"))
	if got := s.At(inZone("2021-10-29 02:30:00", berlin)); second != first+1 || got != (first+second)/2 {
		t.Errorf("the hour that is there twice: %v, want the mean of %v and %v", got, first, second)
	}
	// They went forward at 01:00 UTC on 26 March 2023: there is no 02:00.
	if got, want := s.At(inZone("2021-03-26 02:30:00", berlin)), s.At(utc("2023-03-26 00:30:00")); got != want {
		t.Errorf("the hour that is skipped: %v, want %v of the hour before", got, want)
	}
}

// TestHalfHourZone: hours in UTC start at half past in India; the figure of a
// local hour of another year is the mean of both.
func TestHalfHourZone(t *testing.T) {
	hours := make([]float64, 48)
	for i := range hours {
		hours[i] = float64(i)
	}
	kolkata := zone(t, "Asia/Kolkata")
	s := &Series{Zone: "IN", Location: kolkata, profile: newHourly(utc("2023-05-01 00:00:00"), hours, kolkata)}
	if got := s.At(inZone("2023-05-01 12:29:00", kolkata)); got != 6 {
		t.Errorf("12:29: %v, want hour 6 in UTC", got)
	}
	if got := s.At(inZone("2023-05-01 12:30:00", kolkata)); got != 7 {
		t.Errorf("12:30: %v, want hour 7 in UTC", got)
	}
	if got := s.At(inZone("2022-05-01 12:10:00", kolkata)); got != 6.5 {
		t.Errorf("12:10 a year before: %v, want 6.5", got)
	}
	if _, err := s.Aligned(Instant, inZone("2022-05-01 12:00:00", kolkata), 48*time.Hour); err == nil ||
		err.Error() != "carbon series IN has no figure for 3 May 06:00; it needs one for each month, day and hour of the window" {
		t.Errorf("a window that the file does not cover: %v", err)
	}
}

func TestSCIByHand(t *testing.T) {
	// 2 kWh at 300 g/kWh, and a day of a device of 150 kg that lasts four years,
	// over 1,000 requests: (600 + 150000/1461) / 1000.
	m := EmbodiedGrams(150_000, 24*time.Hour, 4*8766*time.Hour)
	if want := 150_000. / 1461; math.Abs(m-want) > 1e-9 {
		t.Errorf("embodied %v g, want %v", m, want)
	}
	if got, want := SCI(2*300, m, 1000), 0.6+0.150/1461*1000; math.Abs(got-want) > 1e-12 {
		t.Errorf("SCI %v g, want %v", got, want)
	}
	if !math.IsNaN(SCI(1, 1, 0)) || !math.IsNaN(EmbodiedGrams(1, 1, 0)) {
		t.Error("no requests or no lifetime has a figure")
	}
}
