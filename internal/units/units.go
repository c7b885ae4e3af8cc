// Package units is the quantities that scenarios write with their unit, and
// the conversions between the ones that formulas use.
package units

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// JoulesPerKWh is the joules in a kilowatt-hour.
const JoulesPerKWh = 3.6e6

// KWh converts joules to kilowatt-hours.
func KWh(joules float64) float64 { return joules / JoulesPerKWh }

// TimeLayouts are the ways to write a time in a data file, for time.Parse, which
// takes a fraction of a second behind each that ends in seconds.
var TimeLayouts = []string{
	"2006-01-02T15:04:05Z07:00",
	"2006-01-02 15:04:05",
	"2006-01-02T15:04Z07:00",
	"2006-01-02T15:04:05",
	"2006-01-02 15:04:05Z07:00",
	"2006-01-02T15:04",
	"2006-01-02 15:04",
}

// Duration is a time span that is written like "15s", "1h30m" or "2m".
type Duration time.Duration

// D returns d as a time.Duration.
func (d Duration) D() time.Duration { return time.Duration(d) }

// Seconds returns d in seconds.
func (d Duration) Seconds() float64 { return time.Duration(d).Seconds() }

// String writes d without the zero parts that time.Duration prints: "24h".
func (d Duration) String() string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}

// MarshalText is String.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads a Go duration; the unit is required.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("%q is not a duration like 15s, 2m or 1h30m", b)
	}
	*d = Duration(v)
	return nil
}

// Grams is a mass of CO2e that is written like "0.8g", "12mg" or "1.5kg".
type Grams float64

// String writes g in grams.
func (g Grams) String() string { return strconv.FormatFloat(float64(g), 'g', -1, 64) + "g" }

// MarshalText is String.
func (g Grams) MarshalText() ([]byte, error) { return []byte(g.String()), nil }

// UnmarshalText reads a number with the unit mg, g or kg.
func (g *Grams) UnmarshalText(b []byte) error {
	for _, u := range []struct {
		suffix string
		grams  float64
	}{{"mg", 1e-3}, {"kg", 1e3}, {"g", 1}} {
		if num, ok := strings.CutSuffix(string(b), u.suffix); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(num), 64)
			if err != nil || v != v || v < 0 || v > 1e15 {
				break
			}
			*g = Grams(v * u.grams)
			return nil
		}
	}
	return fmt.Errorf("%q is not a mass like 0.8g, 12mg or 1.5kg", b)
}

// Share is a number of things, or a percentage of them, written like 2 or
// "25%" (Kubernetes' IntOrString).
type Share struct {
	N       int
	Percent bool
}

const shareForm = `^[0-9]{1,9}%?$`

// SchemaScalar describes the textual form; the result is an unnamed struct so
// that this package need not import the one that reads it.
func (Share) SchemaScalar() struct {
	Want    string
	Pattern string
	Numbers bool
} {
	return struct {
		Want    string
		Pattern string
		Numbers bool
	}{"a number or a percentage, like 2 or 25%", shareForm, true}
}

// String writes s as it is read.
func (s Share) String() string {
	if s.Percent {
		return strconv.Itoa(s.N) + "%"
	}
	return strconv.Itoa(s.N)
}

// MarshalText is String.
func (s Share) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a whole number, with or without a per cent sign.
func (s *Share) UnmarshalText(b []byte) error {
	text, percent := strings.CutSuffix(string(b), "%")
	n, err := strconv.ParseUint(text, 10, 30)
	if err != nil || percent && n > 100 {
		return fmt.Errorf("%q is not a number or a percentage, like 2 or 25%%", b)
	}
	*s = Share{int(n), percent}
	return nil
}

// Of returns how many of total it is, a percentage rounded up.
func (s Share) Of(total int) int {
	if s.Percent {
		return (s.N*total + 99) / 100
	}
	return s.N
}

// Watts is a power that is written like "250W" or "0.7kW".
type Watts float64

const wattsForm = `^[0-9]+(\.[0-9]+)? ?(W|kW)$`

// SchemaScalar describes the textual form; see Share's.
func (Watts) SchemaScalar() struct {
	Want    string
	Pattern string
	Numbers bool
} {
	return struct {
		Want    string
		Pattern string
		Numbers bool
	}{"a power with its unit, like 250W or 0.7kW", wattsForm, false}
}

// String writes w in watts.
func (w Watts) String() string { return strconv.FormatFloat(float64(w), 'f', -1, 64) + "W" }

// MarshalText is String.
func (w Watts) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

// UnmarshalText reads a number with the unit W or kW.
func (w *Watts) UnmarshalText(b []byte) error {
	num, kilo := strings.CutSuffix(string(b), "kW")
	scale := 1000.0
	ok := kilo
	if !kilo {
		num, ok = strings.CutSuffix(string(b), "W")
		scale = 1
	}
	v, err := strconv.ParseFloat(strings.TrimSpace(num), 64)
	if !ok || err != nil || !(v > 0) || v > 1e9 {
		return fmt.Errorf("%q is not a power with its unit, like 250W or 0.7kW", b)
	}
	*w = Watts(v * scale)
	return nil
}
