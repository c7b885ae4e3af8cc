package gate

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/metrics"
)

// Limit is a number with its unit, as written. What it means depends on the
// metric: see Check.
type Limit struct {
	Number float64
	Unit   string // "" for a bare number; "%", "pp", "ms", "mg/req", ...
}

const limitForm = `^[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)? ?(%|pp|[a-zA-Zµ]+(/M?req)?)?$`

// SchemaScalar describes the textual form.
func (Limit) SchemaScalar() struct {
	Want    string
	Pattern string
	Numbers bool
} {
	return struct {
		Want    string
		Pattern string
		Numbers bool
	}{"a number with its unit, like 200ms, 99%, 2kWh, 0.8mg/req or 0.2", limitForm, true}
}

// String writes l as it is read.
func (l Limit) String() string { return strconv.FormatFloat(l.Number, 'g', -1, 64) + l.Unit }

// MarshalText is String.
func (l Limit) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads a number that is not negative, and what follows it.
func (l *Limit) UnmarshalText(b []byte) error {
	text := string(b)
	// The longest prefix that is a number: in "2e3g" the e is its exponent.
	for end := len(text); end > 0; end-- {
		n, err := strconv.ParseFloat(strings.TrimRight(text[:end], " "), 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			continue
		}
		if math.IsNaN(n) || math.IsInf(n, 0) || n < 0 {
			return fmt.Errorf("%q: a limit is a finite number that is not negative", text)
		}
		*l = Limit{n, strings.TrimSpace(text[end:])}
		return nil
	}
	return fmt.Errorf("%q is not a number with a unit, like 200ms or 2%%", text)
}

// bound is a limit in the terms of its metric.
type bound struct {
	field    string  // max, min, maxIncrease or maxDecrease
	value    float64 // in the metric's unit, or of the baseline's figure when relative
	relative bool
	text     string // as written
}

// below reports whether figures below the bound are the bad ones.
func (b bound) below() bool { return b.field == "min" || b.field == "maxDecrease" }

// regression reports whether it is a bound of the change from a baseline.
func (b bound) regression() bool { return b.field == "maxIncrease" || b.field == "maxDecrease" }

// units of each unit of the catalogue, largest last.
var units = map[string][]struct {
	name   string
	factor float64
}{
	"s":   {{"ns", 1e-9}, {"us", 1e-6}, {"µs", 1e-6}, {"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}},
	"h":   {{"s", 1.0 / 3600}, {"m", 1.0 / 60}, {"h", 1}},
	"g":   {{"mg", 1e-3}, {"g", 1}, {"kg", 1e3}, {"t", 1e6}},
	"kWh": {{"Wh", 1e-3}, {"kWh", 1}, {"MWh", 1e3}},
	"J":   {{"mJ", 1e-3}, {"J", 1}, {"kJ", 1e3}, {"MJ", 1e6}},
}

// resolve returns what l means as a field of a check of m, or a fault with a
// hint.
func (l Limit) resolve(field string, m metrics.Metric) (b bound, message, hint string) {
	b = bound{field: field, text: l.String()}
	switch {
	case b.regression() && l.Unit == "%":
		b.value, b.relative = l.Number/100, true
	case b.regression() && l.Unit == "pp" && m.Unit == "ratio", !b.regression() && l.Unit == "%" && m.Unit == "ratio":
		b.value = l.Number / 100
	case l.Unit == "":
		if b.regression() && l.Number != 0 && (m.Unit == "ratio" || len(units[m.Unit]) > 0) {
			return b, fmt.Sprintf("%s says neither of what nor in which unit", l), "write " + l.String() + "% for a part of the baseline, or " + example(l.Number, m)
		}
		b.value = l.Number
	default:
		factor, ok := factorOf(l.Unit, m)
		if !ok {
			return b, fmt.Sprintf("%s is not in a unit of %s", l, m.Name), "write for example " + example(l.Number, m)
		}
		b.value = l.Number * factor
	}
	if m.Unit == "ratio" && !b.relative && b.value > 1 {
		return b, fmt.Sprintf("%s is more than 1, the most that a ratio can be", l), "write a per cent sign behind per cents"
	}
	if b.relative && field == "maxDecrease" && b.value > 1 {
		return b, fmt.Sprintf("%s is more than all of the baseline", l), ""
	}
	return b, "", ""
}

// perRequests is of how many requests a figure of m is, 0 when of none.
func perRequests(m metrics.Metric) float64 {
	switch {
	case strings.HasSuffix(m.Name, "_per_million_requests"):
		return 1e6
	case strings.HasSuffix(m.Name, "_per_request"):
		return 1
	}
	return 0
}

// factorOf converts from a written unit to the metric's. A figure per request
// needs to be written per request or per million of them: a factor of a million
// is never silent.
func factorOf(unit string, m metrics.Metric) (factor float64, ok bool) {
	name, per, _ := strings.Cut(unit, "/")
	requests := map[string]float64{"": 0, "req": 1, "Mreq": 1e6}[per]
	of := perRequests(m)
	if (requests == 0) != (of == 0) {
		return 0, false
	}
	for _, u := range units[m.Unit] {
		if u.name == name {
			if of == 0 {
				return u.factor, true
			}
			return u.factor * of / requests, true
		}
	}
	return 0, false
}

// example writes a number in the metric's own unit.
func example(x float64, m metrics.Metric) string {
	unit := m.Unit
	switch {
	case unit == "ratio":
		return fmt.Sprintf("%gpp for percentage points", x)
	case len(units[unit]) == 0:
		return fmt.Sprintf("%g, without a unit", x)
	case perRequests(m) == 1e6:
		return fmt.Sprintf("%g%s/Mreq for a million requests, or %g%s/req for one", x, unit, x, unit)
	case perRequests(m) == 1:
		return fmt.Sprintf("%g%s/req", x, unit)
	}
	return fmt.Sprintf("%g%s", x, unit)
}
