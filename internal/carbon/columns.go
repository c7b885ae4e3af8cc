package carbon

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/kwatt-sim/kwatt/internal/grade"
	"github.com/kwatt-sim/kwatt/internal/units"
)

// columns are the indices of what ReadCSV reads.
type columns struct {
	portal      bool // or an older export of Electricity Maps
	time, value int
	zone        int // of the portal only, as those below; -1 when an older export lacks it
	country     int
	estimated   int
}

// findColumns tells the two formats apart by their header.
func (rd *reader) findColumns(header []string) (columns, error) {
	for i := range header {
		header[i] = strings.ToLower(strings.TrimSpace(header[i]))
	}
	if !slices.ContainsFunc(header, isIntensity) {
		if len(header) < 2 {
			return columns{}, rd.fault(0, "one column (%s); want timestamp,gco2eq_per_kwh", header[0])
		}
		if _, _, err := parseTime(strings.ToUpper(header[0])); err == nil {
			return columns{}, rd.fault(0, "the first line holds figures; want a line of column names above it")
		}
		if slices.Contains(header, "carbon_intensity_avg") && slices.Contains(header, "datetime") {
			return rd.olderExport(header)
		}
		if pounds.MatchString(header[1]) {
			return columns{}, rd.fault(1, "column %s is in pounds per MWh; want gCO2e/kWh: multiply by 0.45359237", header[1])
		}
		return columns{time: 0, value: 1}, nil
	}
	kinds := []string{"(lca)", "(life cycle)"}
	if rd.options.Direct {
		kinds = []string{"(direct)"}
	}
	c := columns{
		portal:    true,
		time:      slices.Index(header, "datetime (utc)"),
		zone:      slices.Index(header, "zone id"),
		country:   slices.Index(header, "country"),
		estimated: slices.Index(header, "data estimated"),
		value: slices.IndexFunc(header, func(name string) bool {
			return isIntensity(name) && slices.ContainsFunc(kinds, func(k string) bool { return strings.HasSuffix(name, k) })
		}),
	}
	if min(c.time, c.zone, c.country, c.estimated, c.value) < 0 {
		return c, rd.fault(0, "not all columns of Electricity Maps' portal are there: want Datetime (UTC), Country, Zone Id, Carbon Intensity gCO₂eq/kWh %s and Data Estimated", strings.ToUpper(kinds[0]))
	}
	return c, nil
}

// pounds is how WattTime and US agencies name the unit that differs by half.
var pounds = regexp.MustCompile(`\b(moer|lbs?)\b|_lbs?(_|$)`)

// olderExport is what Electricity Maps gave to researchers before the portal: the
// life-cycle intensity under other names, and nothing of what was estimated.
func (rd *reader) olderExport(header []string) (columns, error) {
	if rd.options.Direct {
		return columns{}, rd.fault(0, "an export with carbon_intensity_avg holds life-cycle figures alone, no direct ones")
	}
	c := columns{portal: true, country: -1, estimated: -1,
		time: slices.Index(header, "datetime"), value: slices.Index(header, "carbon_intensity_avg"), zone: slices.Index(header, "zone_name")}
	if c.zone < 0 {
		c.zone = slices.Index(header, "zone_key")
	}
	return c, nil
}

func isIntensity(column string) bool { return strings.HasPrefix(column, "carbon intensity gco") }

// portal takes in what a row of the portal says beside its figure.
func (rd *reader) portal(row []string) error {
	c := rd.columns
	if !c.portal {
		return nil
	}
	if c.zone >= 0 {
		if rd.zone == "" {
			rd.zone, rd.country = row[c.zone], row[c.zone]
			if c.country >= 0 {
				rd.country = row[c.country]
			}
		}
		if row[c.zone] != rd.zone {
			return rd.fault(c.zone, "zone %s after zone %s; want one zone per file", row[c.zone], rd.zone)
		}
	}
	if c.estimated < 0 || strings.EqualFold(row[c.estimated], "true") {
		rd.estimated++
	}
	return nil
}

// setPortal states the source and licence of the portal, and grades its figures.
func (rd *reader) setPortal(s *Series) {
	if s.Zone == "" {
		s.Zone = rd.zone
	}
	s.License = license
	s.Source = "Electricity Maps data portal, " + rd.file
	s.Attribution = fmt.Sprintf("Electricity Maps. %s %d hourly Carbon Intensity Data. https://www.electricitymaps.com", rd.country, rd.year())
	s.Grade = grade.A
	if 2*rd.estimated > len(rd.values) {
		s.Grade = grade.B
	}
}

// parseTime reads a timestamp, in UTC when it states no zone, from 1900 to 2189: within
// these years any two differ by less than an int64 of ns.
func parseTime(s string) (t time.Time, zoned bool, err error) {
	for _, layout := range units.TimeLayouts {
		// Parse would look at the machine's own zone.
		if t, err := time.ParseInLocation(layout, s, time.UTC); err == nil {
			if t.Year() < 1900 || t.Year() >= 2190 {
				return t, false, fmt.Errorf("time %q lies outside the years 1900 to 2189", s)
			}
			return t, strings.HasSuffix(layout, "Z07:00"), nil
		}
	}
	return time.Time{}, false, fmt.Errorf("%q is not a time; want one like 2024-05-01T13:00:00Z or 2024-05-01 13:00 (UTC)", s)
}
