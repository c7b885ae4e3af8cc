package schema

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/kwatt-sim/kwatt/internal/units"
)

// The textual forms, shared by the decoder and the JSON Schema. They keep to
// the part of regular expressions that RE2 and ECMA 262 have in common.
const (
	namePattern     = `^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	nameMax         = 63
	durationPattern = `^[-+]?(0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$`
	massPattern     = `^[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)? ?(mg|g|kg)$`
	timePattern     = `^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[-+]([01][0-9]|2[0-3]):[0-5][0-9])$`
)

// maxSafeInt is the largest integer that every JSON reader keeps exact.
// Signed integers stay within it; seeds may use all 64 bits.
const maxSafeInt = 1<<53 - 1

var compiled = map[string]*regexp.Regexp{
	namePattern:     regexp.MustCompile(namePattern),
	durationPattern: regexp.MustCompile(durationPattern),
	massPattern:     regexp.MustCompile(massPattern),
	timePattern:     regexp.MustCompile(timePattern),
}

// matches reports whether text has one of the forms above.
func matches(pattern, text string) bool { return compiled[pattern].MatchString(text) }

// fault is what is wrong with a scalar.
type fault struct {
	message, hint string
	class         Class
}

// parse reads a scalar node as a value of t.Go.
func (t *Type) parse(n *yaml.Node) (reflect.Value, *fault) {
	v := reflect.New(t.Go).Elem()
	var f *fault
	switch t.Kind {
	case String:
		f = t.parseString(n, v)
	case Bool:
		f = parseBool(n, v)
	case Int, Uint:
		f = t.parseInteger(n, v)
	case Float:
		f = t.parseFloat(n, v)
	case Duration:
		f = t.parseDuration(n, v)
	case Mass:
		f = t.parsePatterned(n, v, massPattern, "a mass like 0.8g, 12mg or 1.5kg", "g")
	case Time:
		f = t.parsePatterned(n, v, timePattern, "a time like 2017-12-02T00:00:00+08:00", "")
	case Text:
		f = t.parseText(n, v)
	}
	return v, f
}

// mismatch is the fault of a value of another type than is wanted.
func mismatch(n *yaml.Node, want, hint string) *fault {
	return &fault{message: "want " + want + ", found " + found(n), hint: hint}
}

func (t *Type) parseString(n *yaml.Node, v reflect.Value) *fault {
	if !isText(n) {
		hint := ""
		if n.Kind == yaml.ScalarNode && n.Tag != "!!null" {
			hint = "quote it: " + strconv.Quote(n.Value)
		}
		return mismatch(n, "a string", hint)
	}
	s := n.Value
	switch r := t.Rules; {
	case s == "" && !r.Empty:
		return &fault{message: "must not be empty", hint: "leave the field out"}
	case r.Enum != nil && !slices.Contains(r.Enum, s):
		return &fault{message: fmt.Sprintf("%q is not %s", s, oneOf(r.Enum)), hint: DidYouMean(s, r.Enum, "")}
	case r.Name && !matches(namePattern, s):
		return &fault{message: fmt.Sprintf("%q is not a name", s), hint: "use lower-case letters, digits and dashes, with a letter or digit at both ends"}
	case r.Name && len(s) > nameMax:
		return &fault{message: fmt.Sprintf("the name has %d characters", len(s)), hint: fmt.Sprintf("use at most %d", nameMax)}
	}
	v.SetString(s)
	return nil
}

func parseBool(n *yaml.Node, v reflect.Value) *fault {
	var b bool
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" || n.Decode(&b) != nil {
		return mismatch(n, "true or false", "")
	}
	v.SetBool(b)
	return nil
}

func (t *Type) parseInteger(n *yaml.Node, v reflect.Value) *fault {
	f, ok := number(n)
	if !ok {
		return mismatch(n, "a whole number", "")
	}
	if f != math.Trunc(f) || math.IsInf(f, 0) {
		return &fault{message: "want a whole number, found " + found(n)}
	}
	if msg := t.Rules.violated(f); msg != "" {
		return &fault{message: msg + ", found " + n.Value}
	}
	if t.Kind == Uint {
		return parseUint(n, f, v)
	}
	if most := t.maxInt(); f < -most || f > most {
		return &fault{message: fmt.Sprintf("must lie between -%.0f and %.0f, found %s", most, most, n.Value)}
	}
	v.SetInt(int64(f))
	return nil
}

// maxInt is the largest signed integer that the type and JSON both hold.
func (t *Type) maxInt() float64 {
	if t.Go.Bits() == 32 {
		return math.MaxInt32
	}
	return maxSafeInt
}

// parseUint keeps all 64 bits of a seed, which f has lost above 2^53.
func parseUint(n *yaml.Node, f float64, v reflect.Value) *fault {
	u := uint64(0)
	if f < 0 || n.Tag == "!!float" && f >= 1<<64 || n.Tag == "!!int" && n.Decode(&u) != nil {
		return &fault{message: fmt.Sprintf("must lie between 0 and %d, found %s", uint64(math.MaxUint64), n.Value)}
	}
	if n.Tag == "!!float" {
		u = uint64(f)
	}
	v.SetUint(u)
	return nil
}

func (t *Type) parseFloat(n *yaml.Node, v reflect.Value) *fault {
	f, ok := number(n)
	if !ok {
		return mismatch(n, "a number", "")
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return &fault{message: "want a finite number, found " + n.Value}
	}
	if msg := t.Rules.violated(f); msg != "" {
		return &fault{message: msg + ", found " + n.Value}
	}
	v.SetFloat(f)
	return nil
}

func (t *Type) parseDuration(n *yaml.Node, v reflect.Value) *fault {
	if f, ok := number(n); ok {
		return mismatch(n, "a duration with its unit", fmt.Sprintf("write %ss if seconds are meant", strconv.FormatFloat(f, 'f', -1, 64)))
	}
	if f := t.parsePatterned(n, v, durationPattern, "a duration like 15s, 2m or 1h30m", "s"); f != nil {
		return f
	}
	if msg := t.Rules.violated(float64(v.Interface().(units.Duration))); msg != "" {
		return &fault{message: msg + ", found " + n.Value, class: Meaning}
	}
	return nil
}

// parsePatterned reads text that has a form of its own. What matches the form
// and still cannot be read (30 February, 10000000h) is a fault of meaning.
func (t *Type) parsePatterned(n *yaml.Node, v reflect.Value, pattern, want, unit string) *fault {
	if !isText(n) {
		hint := ""
		if _, ok := number(n); ok && unit != "" {
			hint = "add the unit: " + n.Value + unit
		}
		return mismatch(n, want, hint)
	}
	if !matches(pattern, n.Value) {
		return &fault{message: fmt.Sprintf("%q is not %s", n.Value, want)}
	}
	if err := v.Addr().Interface().(interface{ UnmarshalText([]byte) error }).UnmarshalText([]byte(n.Value)); err != nil {
		return &fault{message: fmt.Sprintf("%q is out of range or does not exist", n.Value), class: Meaning}
	}
	return nil
}

func (t *Type) parseText(n *yaml.Node, v reflect.Value) *fault {
	_, isNumber := number(n)
	if readable := isText(n) || isNumber && t.scalar.Numbers; !readable {
		return mismatch(n, t.scalar.Want, "")
	}
	if f, _ := number(n); math.IsNaN(f) || math.IsInf(f, 0) || isText(n) && !t.form.MatchString(n.Value) {
		return &fault{message: fmt.Sprintf("%q is not %s", n.Value, t.scalar.Want)}
	}
	if err := v.Addr().Interface().(Scalar).UnmarshalText([]byte(n.Value)); err != nil {
		return &fault{message: err.Error(), class: Meaning}
	}
	return nil
}

// format writes a scalar as the text that parse reads back.
func (t *Type) format(v reflect.Value) string {
	switch t.Kind {
	case Time:
		return v.Interface().(time.Time).Format(time.RFC3339Nano)
	case Float:
		return strconv.FormatFloat(v.Float(), 'g', -1, 64)
	case Text:
		p := reflect.New(t.Go)
		p.Elem().Set(v)
		text, err := p.Interface().(Scalar).MarshalText()
		if err != nil {
			panic(fmt.Sprintf("schema: %s read a value it cannot write: %v", t.Go, err))
		}
		return string(text)
	}
	return fmt.Sprint(v.Interface())
}
