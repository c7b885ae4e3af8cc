// Package schema checks YAML documents against Go structs. One descriptor
// tree, built by reflection from the structs' yaml and kwatt tags and their
// doc comments, serves the strict decoder, the JSON Schema, the explanations
// and the reference page, so they cannot disagree.
//
// The kwatt tag is a comma-separated list of: required; name (a DNS label);
// enum=a|b; default=v; min=v, max=v, exclusiveMin=v (durations for a
// duration; on a map or list they hold for the values); minItems=n.
package schema

import (
	"encoding"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/kwatt-sim/kwatt/internal/units"
)

// Kind is the shape of a value in a document.
type Kind uint8

// The kinds; those up to Text are scalars.
const (
	String Kind = iota
	Bool
	Int
	Uint
	Float
	Duration
	Mass
	Time
	Text // a type that plugs itself in by Scalar
	Object
	List
	Map
	Union
	Open // an object of any form
)

// Type describes a value. Objects and unions are shared between the fields
// that use them; other types carry the rules of their field.
type Type struct {
	Kind         Kind
	Go           reflect.Type // pointers removed
	Doc          string
	Fields       []*Field       // of an Object, in declaration order
	Elem         *Type          // of a List or Map
	Alternatives []*Alternative // of a Union, in the order the type gives
	Rules        Rules
	scalar       ScalarSpec     // of a Text
	form         *regexp.Regexp // its Pattern
}

// Field is a member of an Object.
type Field struct {
	Name     string // as the document writes it
	Doc      string
	Required bool
	Default  *string // nil when there is none
	Type     *Type
	index    []int
}

// Rules are what the kwatt tag demands of a value.
type Rules struct {
	Enum                   []string
	Name                   bool
	Min, Max, ExclusiveMin *Bound
	MinItems               int
	Empty                  bool // a string may be empty; so may the values of a map, such as labels
}

// Bound is a limit of a number or, in nanoseconds, of a duration.
type Bound struct {
	Text  string
	Value float64
}

// Alternative is one key of a union and what stands below it.
type Alternative struct {
	Key  string
	New  func() any // returns a pointer to a fresh struct
	Type *Type      // filled in by Describe
}

// UnionType is a type that is written as an object with exactly one key. The
// method set is that of the pointer.
type UnionType interface {
	// SchemaUnion lists what can be chosen.
	SchemaUnion() []Alternative
	// SetUnion stores the choice; config is what Alternative.New returned, filled in.
	SetUnion(key string, config any)
	// GetUnion returns the choice; key is empty when none was made.
	GetUnion() (key string, config any)
}

// ScalarSpec is how a Scalar is written. It is an alias, so that a domain type
// can describe itself without importing this package.
type ScalarSpec = struct {
	Want    string // "a quantity like 100, 500m or 2k"
	Pattern string // an anchored regular expression, in the common part of RE2 and ECMA 262
	Numbers bool   // whether a bare number will do
}

// Scalar is a type with a textual form of its own.
type Scalar interface {
	encoding.TextMarshaler
	encoding.TextUnmarshaler
	SchemaScalar() ScalarSpec
}

var (
	durationType = reflect.TypeFor[units.Duration]()
	gramsType    = reflect.TypeFor[units.Grams]()
	timeType     = reflect.TypeFor[time.Time]()
	unionType    = reflect.TypeFor[UnionType]()
	scalarType   = reflect.TypeFor[Scalar]()
)

// Describe builds the descriptor tree of the struct that v points to. It
// panics on a struct it cannot describe, which is a fault of the program.
func Describe(v any) *Type {
	b := builder{objects: map[reflect.Type]*Type{}}
	return b.typ(reflect.TypeOf(v).Elem())
}

type builder struct {
	objects map[reflect.Type]*Type // objects and unions, nil while one is being built
}

func (b *builder) typ(g reflect.Type) *Type {
	if g.Kind() == reflect.Pointer {
		g = g.Elem()
	}
	t := &Type{Go: g}
	switch {
	case g == openType:
		t.Kind = Open
	case g == durationType:
		t.Kind = Duration
	case g == gramsType:
		t.Kind = Mass
	case g == timeType:
		t.Kind = Time
	case reflect.PointerTo(g).Implements(scalarType):
		t.Kind = Text
		t.scalar = reflect.New(g).Interface().(Scalar).SchemaScalar()
		t.form = regexp.MustCompile(t.scalar.Pattern)
	case reflect.PointerTo(g).Implements(unionType):
		return b.once(g, b.union)
	default:
		return b.plain(t)
	}
	return t
}

func (b *builder) plain(t *Type) *Type {
	switch t.Go.Kind() {
	case reflect.String:
		t.Kind = String
	case reflect.Bool:
		t.Kind = Bool
	case reflect.Int, reflect.Int32, reflect.Int64:
		t.Kind = Int
	case reflect.Uint64:
		t.Kind = Uint
	case reflect.Float64:
		t.Kind = Float
	case reflect.Slice:
		t.Kind, t.Elem = List, b.typ(t.Go.Elem())
	case reflect.Map:
		if t.Go.Key().Kind() != reflect.String {
			panic(fmt.Sprintf("schema: %s: map keys must be strings", t.Go))
		}
		t.Kind, t.Elem = Map, b.typ(t.Go.Elem())
		t.Elem.Rules.Empty = t.Elem.Kind == String
	case reflect.Struct:
		return b.once(t.Go, b.object)
	default:
		panic(fmt.Sprintf("schema: %s cannot be described", t.Go))
	}
	return t
}

// once builds the type of a struct that more than one field may use.
func (b *builder) once(g reflect.Type, build func(reflect.Type) *Type) *Type {
	if t, ok := b.objects[g]; ok {
		if t == nil {
			panic(fmt.Sprintf("schema: %s contains itself", g))
		}
		return t
	}
	b.objects[g] = nil
	t := build(g)
	b.objects[g] = t
	return t
}

func (b *builder) object(g reflect.Type) *Type {
	t := &Type{Kind: Object, Go: g, Doc: typeDoc(g)}
	b.fields(t, g, nil)
	return t
}

// fields appends the members of g, and those of structs it inlines.
func (b *builder) fields(t *Type, g reflect.Type, prefix []int) {
	for i := range g.NumField() {
		sf := g.Field(i)
		name, options, _ := strings.Cut(sf.Tag.Get("yaml"), ",")
		if !sf.IsExported() || name == "-" {
			continue
		}
		index := append(append([]int(nil), prefix...), i)
		if strings.Contains(options, "inline") {
			b.fields(t, sf.Type, index)
			continue
		}
		if name == "" {
			panic(fmt.Sprintf("schema: %s.%s has no yaml name", g, sf.Name))
		}
		f := &Field{Name: name, Doc: fieldDoc(g, sf.Name, name), Type: b.typ(sf.Type), index: index}
		parseTag(f, sf.Tag.Get("kwatt"))
		t.Fields = append(t.Fields, f)
	}
}

func (b *builder) union(g reflect.Type) *Type {
	t := &Type{Kind: Union, Go: g, Doc: typeDoc(g)}
	for _, a := range reflect.New(g).Interface().(UnionType).SchemaUnion() {
		a.Type = b.typ(reflect.TypeOf(a.New()).Elem())
		t.Alternatives = append(t.Alternatives, &a)
	}
	return t
}

// field returns the member with this name, or nil.
func (t *Type) field(name string) *Field {
	for _, f := range t.Fields {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// alternative returns the choice with this key, or nil.
func (t *Type) alternative(key string) *Alternative {
	for _, a := range t.Alternatives {
		if a.Key == key {
			return a
		}
	}
	return nil
}

// children lists the names that can stand below t.
func (t *Type) children() []string {
	var names []string
	for _, f := range t.Fields {
		names = append(names, f.Name)
	}
	for _, a := range t.Alternatives {
		names = append(names, a.Key)
	}
	return names
}
