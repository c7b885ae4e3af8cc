package carbon

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kwatt-sim/kwatt/internal/grade"
)

// means is a line per zone, year and month: the mean of each hour of local time.
//
//go:embed builtin/month_hour_means.csv
var means string

// region is a zone of Electricity Maps.
type region struct {
	zone, country, timeZone string
	grade                   grade.Grade
}

// regions of the builtin series by zone. Electricity Maps marks every hour of
// IN-WE and JP-TK as estimated by its model: grade B.
var regions = []region{
	{"AU-NSW", "Australia", "Australia/Sydney", grade.A},
	{"BR-CS", "Brazil", "America/Sao_Paulo", grade.A},
	{"DE", "Germany", "Europe/Berlin", grade.A},
	{"ES", "Spain", "Europe/Madrid", grade.A},
	{"FR", "France", "Europe/Paris", grade.A},
	{"GB", "Great Britain", "Europe/London", grade.A},
	{"IN-WE", "India", "Asia/Kolkata", grade.B},
	{"JP-TK", "Japan", "Asia/Tokyo", grade.B},
	{"NO", "Norway", "Europe/Oslo", grade.A},
	{"PL", "Poland", "Europe/Warsaw", grade.A},
	{"SE", "Sweden", "Europe/Stockholm", grade.A},
	{"SG", "Singapore", "Asia/Singapore", grade.A},
	{"US-CAL-CISO", "United States of America", "America/Los_Angeles", grade.A},
	{"US-MIDA-PJM", "United States of America", "America/New_York", grade.A},
	{"US-TEX-ERCO", "United States of America", "America/Chicago", grade.A},
}

// The years of the builtin series.
const (
	firstYear = 2021
	lastYear  = 2024
)

const license = "ODbL 1.0"

// attribution is the text that Electricity Maps asks for.
func attribution(country string, year int) string {
	return fmt.Sprintf("Electricity Maps (2025). %s %d hourly Carbon Intensity Data (Version January 27, 2025). https://www.electricitymaps.com", country, year)
}

// Zones returns the zones of the builtin series, sorted.
func Zones() []string {
	zones := make([]string, len(regions))
	for i, r := range regions {
		zones[i] = r.zone
	}
	return zones
}

// Years returns the first and the last year of the builtin series.
func Years() (first, last int) { return firstYear, lastYear }

// Builtin returns the means of a zone's year by month and hour of local time:
// average intensity, life-cycle, of the electricity consumed.
func Builtin(zone string, year int) (*Series, error) {
	r, ok := findRegion(zone)
	if !ok {
		return nil, fmt.Errorf("no builtin carbon series of zone %q; there are %s", zone, strings.Join(Zones(), ", "))
	}
	if year < firstYear || year > lastYear {
		return nil, fmt.Errorf("no builtin carbon series of zone %s for the year %d; there are %d to %d", zone, year, firstYear, lastYear)
	}
	location, err := time.LoadLocation(r.timeZone)
	if err != nil {
		return nil, fmt.Errorf("carbon zone %s: %w", zone, err)
	}
	table, err := findMeans(zone, year)
	if err != nil {
		return nil, fmt.Errorf("builtin carbon series %s %d: %w", zone, year, err)
	}
	return &Series{
		Zone: zone, Year: year, Signal: Average, License: license, Attribution: attribution(r.country, year),
		Source: "means by month and local hour of Electricity Maps' hourly life-cycle intensity, by way of " +
			"atlarge-research/opendc-traces@d46b15c:carbon/traces/electricity_maps/" + zone + "_2021-2024.parquet",
		Grade: r.grade, Location: location, profile: table,
		origin: time.Date(year, time.January, 1, 0, 0, 0, 0, location),
	}, nil
}

func findRegion(zone string) (region, bool) {
	i := slices.IndexFunc(regions, func(r region) bool { return r.zone == zone })
	if i < 0 {
		return region{}, false
	}
	return regions[i], true
}

// findMeans reads the twelve lines "zone,year,month,h00,...,h23".
func findMeans(zone string, year int) (*monthHours, error) {
	_, lines, ok := strings.Cut(means, fmt.Sprintf("\n%s,%d,1,", zone, year))
	if !ok {
		return nil, fmt.Errorf("not in the table")
	}
	table := &monthHours{}
	for month, line := range strings.SplitN(lines, "\n", 13)[:12] {
		cells := strings.Split(line, ",")
		cells = cells[len(cells)-24:]
		for hour, cell := range cells {
			v, err := strconv.ParseFloat(cell, 64)
			if err != nil {
				return nil, fmt.Errorf("month %d hour %d: %w", month+1, hour, err)
			}
			table[month][hour] = v
		}
	}
	return table, nil
}
