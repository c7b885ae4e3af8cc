package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// JSONSchema writes t as a JSON Schema, draft 2020-12, under the given $id.
// Documents it accepts are those in which Decode finds no Structure error.
func JSONSchema(t *Type, id, title string) ([]byte, error) {
	g := generator{defs: map[*Type]string{}}
	root := g.schema(t)
	doc := object{
		{"$schema", "https://json-schema.org/draft/2020-12/schema"},
		{"$id", id},
		{"title", title},
	}
	doc = append(doc, root...)
	doc = append(doc, member{"$defs", g.bodies})
	data, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("write JSON schema %s: %w", id, err)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, data, "", "  "); err != nil {
		return nil, fmt.Errorf("write JSON schema %s: %w", id, err)
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// object is a JSON object that keeps its members in order.
type object []member

type member struct {
	key   string
	value any
}

// MarshalJSON writes the members in order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Quote(m.key) + ":")
		var v bytes.Buffer
		e := json.NewEncoder(&v)
		e.SetEscapeHTML(false)
		if err := e.Encode(m.value); err != nil {
			return nil, err
		}
		b.Write(bytes.TrimSpace(v.Bytes()))
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// generator collects the objects that more than one field may refer to.
type generator struct {
	defs   map[*Type]string
	bodies object
}

// schema returns the schema of t in place: for an object its own members, for
// use at the root and in $defs.
func (g *generator) schema(t *Type) object {
	switch t.Kind {
	case Object:
		return g.object(t)
	case List:
		s := object{{"type", "array"}, {"items", g.use(t.Elem)}}
		if t.Rules.MinItems > 0 {
			s = append(s, member{"minItems", t.Rules.MinItems})
		}
		return s
	case Map:
		return object{{"type", "object"}, {"propertyNames", object{{"pattern", "[^ ]"}}}, {"additionalProperties", g.use(t.Elem)}}
	case Union:
		return g.union(t)
	case Open:
		return object{{"type", "object"}}
	}
	return t.scalarSchema()
}

// use returns a schema that stands where t is used: a reference for an object.
func (g *generator) use(t *Type) object {
	if t.Kind != Object && t.Kind != Union {
		return g.schema(t)
	}
	name, ok := g.defs[t]
	if !ok {
		name = strings.ReplaceAll(typeName(t.Go), "/", ".")
		g.defs[t] = name
		at := len(g.bodies)
		g.bodies = append(g.bodies, member{name, nil})
		g.bodies[at].value = described(t.Doc, g.schema(t))
	}
	return object{{"$ref", "#/$defs/" + name}}
}

func (g *generator) object(t *Type) object {
	properties, required := object{}, []string{}
	for _, f := range t.Fields {
		s := described(f.Doc, g.use(f.Type))
		if f.Default != nil {
			s = append(s, member{"default", f.defaultValue()})
		}
		properties = append(properties, member{f.Name, s})
		if f.Required {
			required = append(required, f.Name)
		}
	}
	s := object{{"type", "object"}, {"properties", properties}}
	if len(required) > 0 {
		s = append(s, member{"required", required})
	}
	return append(s, member{"additionalProperties", false})
}

func (g *generator) union(t *Type) object {
	properties := object{}
	for _, a := range t.Alternatives {
		properties = append(properties, member{a.Key, g.use(a.Type)})
	}
	return object{{"type", "object"}, {"properties", properties}, {"minProperties", 1}, {"maxProperties", 1}, {"additionalProperties", false}}
}

func described(doc string, s object) object {
	if doc == "" {
		return s
	}
	return append(object{{"description", doc}}, s...)
}

// defaultValue is the default as a JSON value.
func (f *Field) defaultValue() any {
	switch f.Type.Kind {
	case Bool, Int, Uint, Float:
		return json.RawMessage(*f.Default)
	}
	return *f.Default
}

// scalarSchema says what parse accepts, bounds of durations excepted.
func (t *Type) scalarSchema() object {
	text := func(pattern string) object { return object{{"type", "string"}, {"pattern", pattern}} }
	switch t.Kind {
	case String:
		return t.stringSchema()
	case Bool:
		return object{{"type", "boolean"}}
	case Int, Uint, Float:
		return t.numberSchema()
	case Duration:
		return text(durationPattern)
	case Mass:
		return text(massPattern)
	case Time:
		return text(timePattern)
	}
	if t.scalar.Numbers {
		return object{{"type", []string{"string", "number"}}, {"pattern", t.scalar.Pattern}}
	}
	return text(t.scalar.Pattern)
}

func (t *Type) stringSchema() object {
	switch {
	case t.Rules.Enum != nil:
		return object{{"enum", t.Rules.Enum}}
	case t.Rules.Name:
		return object{{"type", "string"}, {"pattern", namePattern}, {"maxLength", nameMax}}
	case t.Rules.Empty:
		return object{{"type", "string"}}
	}
	return object{{"type", "string"}, {"minLength", 1}}
}

func (t *Type) numberSchema() object {
	s := object{{"type", "integer"}}
	var low, high any
	switch t.Kind {
	case Int:
		low, high = -t.maxInt(), t.maxInt()
	case Uint:
		low, high = 0, json.RawMessage("18446744073709551615")
	case Float:
		s = object{{"type", "number"}}
	}
	if b := t.Rules.Min; b != nil {
		low = b.Value
	}
	if b := t.Rules.Max; b != nil {
		high = b.Value
	}
	if b := t.Rules.ExclusiveMin; b != nil {
		s = append(s, member{"exclusiveMinimum", b.Value})
	}
	if low != nil {
		s = append(s, member{"minimum", low})
	}
	if high != nil {
		s = append(s, member{"maximum", high})
	}
	return s
}
