package schema

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// parseTag reads a kwatt tag into f. A wrong tag is a fault of the program.
func parseTag(f *Field, tag string) {
	if tag == "" {
		return
	}
	for item := range strings.SplitSeq(tag, ",") {
		key, value, _ := strings.Cut(item, "=")
		switch key {
		case "required":
			f.Required = true
		case "default":
			f.Default = &value
		case "minItems":
			n, err := strconv.Atoi(value)
			if err != nil {
				panic(fmt.Sprintf("schema: field %s: tag %s: %v", f.Name, item, err))
			}
			f.Type.Rules.MinItems = n
		default:
			f.Type.valueType().Rules.set(f, key, value)
		}
	}
	if f.Default != nil {
		if _, fault := f.Type.parse(scalarNode(f.Type, *f.Default)); fault != nil {
			panic(fmt.Sprintf("schema: field %s: default %s: %s", f.Name, *f.Default, fault.message))
		}
	}
}

// valueType is the type that bounds and enums hold for: t, or what a map or
// list holds.
func (t *Type) valueType() *Type {
	for t.Elem != nil {
		t = t.Elem
	}
	return t
}

func (r *Rules) set(f *Field, key, value string) {
	switch key {
	case "name":
		r.Name = true
	case "enum":
		r.Enum = strings.Split(value, "|")
	case "min":
		r.Min = bound(f, value)
	case "max":
		r.Max = bound(f, value)
	case "exclusiveMin":
		r.ExclusiveMin = bound(f, value)
	default:
		panic(fmt.Sprintf("schema: field %s: unknown tag %q", f.Name, key))
	}
}

func bound(f *Field, text string) *Bound {
	if f.Type.valueType().Kind == Duration {
		d, err := time.ParseDuration(text)
		if err != nil {
			panic(fmt.Sprintf("schema: field %s: bound %s: %v", f.Name, text, err))
		}
		if d == 0 {
			text = "0s"
		}
		return &Bound{text, float64(d)}
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		panic(fmt.Sprintf("schema: field %s: bound %s: %v", f.Name, text, err))
	}
	return &Bound{text, v}
}

// violated says how v breaks the bounds, or returns "".
func (r *Rules) violated(v float64) string {
	switch {
	case r.ExclusiveMin != nil && !(v > r.ExclusiveMin.Value):
		return "must be greater than " + r.ExclusiveMin.Text
	case r.Min != nil && v < r.Min.Value:
		return "must be at least " + r.Min.Text
	case r.Max != nil && v > r.Max.Value:
		return "must be at most " + r.Max.Text
	}
	return ""
}
