package carbon

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kwatt-sim/kwatt/internal/golden"
	"github.com/kwatt-sim/kwatt/internal/grade"
)

func builtin(t testing.TB, zone string, year int) *Series {
	t.Helper()
	s, err := Builtin(zone, year)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// yearMean is the mean of a year that its month × hour means stand for.
func yearMean(s *Series) float64 {
	sum, hours := 0.0, 0.0
	for month, row := range *s.profile.(*monthHours) {
		days := float64(time.Date(s.Year, time.Month(month+2), 0, 0, 0, 0, 0, time.UTC).Day())
		for _, v := range row {
			sum += days * v
			hours += days
		}
	}
	return sum / hours
}

// TestYearMeans compares the table with the means of the 8,784 hours of 2024 in
// UTC, in whole grams; the year in local time is shifted by half a day at most.
func TestYearMeans(t *testing.T) {
	want := map[string]float64{
		"AU-NSW": 552, "BR-CS": 103, "DE": 332, "ES": 124, "FR": 31, "GB": 163, "IN-WE": 738, "JP-TK": 544,
		"NO": 33, "PL": 704, "SE": 22, "SG": 485, "US-CAL-CISO": 227, "US-MIDA-PJM": 392, "US-TEX-ERCO": 367,
	}
	if len(want) != len(Zones()) {
		t.Errorf("%d zones, want %d", len(Zones()), len(want))
	}
	for _, zone := range Zones() {
		if got := yearMean(builtin(t, zone, 2024)); math.Abs(got-want[zone]) > 0.7 {
			t.Errorf("%s: mean %.2f g/kWh in 2024, want %v", zone, got, want[zone])
		}
	}
}

// TestMeanByHand: the 31 values of Germany at 11:00 UTC in July 2024, which is
// 13:00 there.
func TestMeanByHand(t *testing.T) {
	july := []float64{197.86, 233.53, 252.99, 128.73, 119.27, 121.94, 135.3, 171.5, 158.64, 212.25, 180.12, 236.38, 134.86, 135.71, 141.42, 134.45, 158.24, 175.41, 174.46, 137.15, 155.89, 152.16, 169.13, 157.14, 164.25, 205.18, 189.77, 144.02, 152.69, 179.56, 194.86}
	sum := 0.0
	for _, v := range july {
		sum += v
	}
	want := sum / 31
	if len(july) != 31 {
		t.Fatalf("%d days in July", len(july))
	}
	got := builtin(t, "DE", 2024).At(time.Date(2024, 7, 15, 11, 30, 0, 0, time.UTC))
	if math.Abs(got-want) > 0.005 {
		t.Errorf("mean %v g/kWh, want %v to two decimals", got, want)
	}
}

func TestBuiltinsAreWhole(t *testing.T) {
	first, last := Years()
	for _, zone := range Zones() {
		for year := first; year <= last; year++ {
			s := builtin(t, zone, year)
			want := Series{Zone: zone, Year: year, Signal: Average, License: "ODbL 1.0"}
			got := Series{Zone: s.Zone, Year: s.Year, Signal: s.Signal, License: s.License}
			if got.Zone != want.Zone || got.Year != want.Year || got.Signal != want.Signal || got.License != want.License {
				t.Errorf("%s %d: %+v", zone, year, got)
			}
			if !strings.HasPrefix(s.Attribution, "Electricity Maps (2025). ") || !strings.Contains(s.Attribution, fmt.Sprintf(" %d hourly Carbon Intensity Data (Version January 27, 2025). https://www.electricitymaps.com", year)) {
				t.Errorf("%s %d: attribution %q", zone, year, s.Attribution)
			}
			wantGrade := grade.A
			if zone == "IN-WE" || zone == "JP-TK" {
				wantGrade = grade.B
			}
			if s.Grade != wantGrade {
				t.Errorf("%s: grade %v, want %v", zone, s.Grade, wantGrade)
			}
			for month, row := range *s.profile.(*monthHours) {
				for hour, v := range row {
					if !(v > 5 && v < 1200) {
						t.Errorf("%s %d month %d hour %d: %v g/kWh", zone, year, month+1, hour, v)
					}
				}
			}
		}
	}
}

func TestBuiltinErrors(t *testing.T) {
	for _, c := range []struct {
		zone string
		year int
		want string
	}{
		{"XX", 2024, `no builtin carbon series of zone "XX"; there are AU-NSW, BR-CS, DE, ES, FR, GB, IN-WE, JP-TK, NO, PL, SE, SG, US-CAL-CISO, US-MIDA-PJM, US-TEX-ERCO`},
		{"DE", 2017, "no builtin carbon series of zone DE for the year 2017; there are 2021 to 2024"},
		{"DE", 0, "no builtin carbon series of zone DE for the year 0; there are 2021 to 2024"},
	} {
		if _, err := Builtin(c.zone, c.year); err == nil || err.Error() != c.want {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
}

// rawSeries holds the hourly series of 2021 to 2024, "timestamp_utc,value", where
// somebody has them; everything that a clone needs is checked above.
const rawSeries = "../../../shared/data/carbon"

// TestBuiltinAgainstRaw recomputes every mean from the hours, or writes the
// table with -update.
func TestBuiltinAgainstRaw(t *testing.T) {
	var table strings.Builder
	table.WriteString(tableHeader)
	for _, r := range regions {
		hours, err := readRaw(r.zone)
		if os.IsNotExist(err) {
			t.Logf("no hourly series of %s, so nothing to recompute: %v", r.zone, err)
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		for year := firstYear; year <= lastYear; year++ {
			writeMeans(t, &table, r, year, hours)
		}
	}
	if golden.Updating() {
		if err := os.WriteFile("builtin/month_hour_means.csv", []byte(table.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(table.String(), means); diff != "" {
		t.Errorf("the table differs from its hours; refresh it with -update:\n%s", diff)
	}
}

const tableHeader = `# Mean carbon intensity by month and hour of local time, gCO2e/kWh: average, life-cycle, of the electricity consumed.
# Derived database of: Electricity Maps (2025). {COUNTRY} {YEAR} hourly Carbon Intensity Data (Version January 27, 2025). https://www.electricitymaps.com
# by way of atlarge-research/opendc-traces@d46b15c:carbon/traces/electricity_maps/{ZONE}_2021-2024.parquet
# licence: this table is made available under the Open Database License 1.0, http://opendatacommons.org/licenses/odbl/1.0/
# An hour in UTC that spans two local hours counts half in each. The record starts at 2021-01-01 00:00 and ends at 2024-12-31 24:00 UTC.
zone,year,month,h00,h01,h02,h03,h04,h05,h06,h07,h08,h09,h10,h11,h12,h13,h14,h15,h16,h17,h18,h19,h20,h21,h22,h23
`

type hour struct {
	start time.Time
	value float64
}

func readRaw(zone string) ([]hour, error) {
	f, err := os.Open(filepath.Join(rawSeries, "em_"+zone+"_2021-2024_hourly.csv"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, err
	}
	hours := make([]hour, len(rows)-1)
	for i, row := range rows[1:] {
		if hours[i].start, err = time.Parse("2006-01-02T15:04Z", row[0]); err != nil {
			return nil, err
		}
		if hours[i].value, err = strconv.ParseFloat(row[1], 64); err != nil {
			return nil, err
		}
	}
	return hours, nil
}

func writeMeans(t *testing.T, w *strings.Builder, r region, year int, hours []hour) {
	location, err := time.LoadLocation(r.timeZone)
	if err != nil {
		t.Fatal(err)
	}
	var sum, count [12][24]float64
	for _, h := range hours {
		for _, half := range []time.Duration{0, 30 * time.Minute} {
			if at := h.start.Add(half).In(location); at.Year() == year {
				sum[at.Month()-1][at.Hour()] += h.value
				count[at.Month()-1][at.Hour()]++
			}
		}
	}
	for month := range 12 {
		fmt.Fprintf(w, "%s,%d,%d", r.zone, year, month+1)
		for h := range 24 {
			fmt.Fprintf(w, ",%.2f", sum[month][h]/count[month][h])
		}
		w.WriteString("\n")
	}
}

// TestDocs keeps the table of docs/carbon.md true.
func TestDocs(t *testing.T) {
	doc, err := os.ReadFile("../../docs/carbon.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range regions {
		row := fmt.Sprintf("| %s | %s | %s | %v |", r.zone, r.country, r.timeZone, r.grade)
		for year := firstYear; year <= lastYear; year++ {
			row += fmt.Sprintf(" %.0f |", yearMean(builtin(t, r.zone, year)))
		}
		if !strings.Contains(string(doc), "\n"+row+"\n") {
			t.Errorf("docs/carbon.md lacks the row\n%s", row)
		}
	}
}
