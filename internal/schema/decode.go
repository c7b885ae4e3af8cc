package schema

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Decode parses one YAML document and fills the struct that into points to.
// All faults come back at once, in the order of the document; what they touch
// keeps its default.
func Decode(data []byte, file string, into any) (*Positions, Errors) {
	d, errs := ParseDocument(data, file)
	if len(errs) > 0 {
		return &Positions{at: map[string]Position{"": {file, 1, 1}}}, errs
	}
	return d.Decode(into)
}

// Decode checks the document against the struct that into points to and fills
// it, defaults first.
func (d *Document) Decode(into any) (*Positions, Errors) {
	t := Describe(into)
	w := &walker{doc: d, positions: &Positions{at: map[string]Position{"": d.position(d.root)}}}
	v := reflect.ValueOf(into).Elem()
	setDefaults(t, v)
	w.value(d.root, t, v, "")
	w.errs.Sort()
	return w.positions, anotherKind(w.errs)
}

// takers say where kwatt's kinds of files belong.
var takers = map[string]string{
	"Scenario":     "sim run takes a scenario",
	"Gate":         "sim gate takes a gate",
	"Study":        "sim study takes a study",
	"PowerModel":   "gpu.powerModel of a node pool takes a power model",
	"PowerProfile": "a profile holds readings, not a model: sim power fit makes one of it",
}

// anotherKind returns the faults, or of a document of another of kwatt's kinds that
// one alone: the rest is not about what it was taken for.
func anotherKind(errs Errors) Errors {
	for _, e := range errs {
		kind, _, _ := strings.Cut(e.Message, " is not ")
		if kind, err := strconv.Unquote(kind); e.Path == "kind" && err == nil && takers[kind] != "" {
			e.Hint = takers[kind]
			return Errors{e}
		}
	}
	return errs
}

// SetDefaults fills the struct that into points to with its tags' defaults.
func SetDefaults(into any) { setDefaults(Describe(into), reflect.ValueOf(into).Elem()) }

// setDefaults sets the defaults of an object and of the objects it holds by
// value. Those behind pointers, in lists and maps get theirs when they are made.
func setDefaults(t *Type, v reflect.Value) {
	for _, f := range t.Fields {
		fv := v.FieldByIndex(f.index)
		switch {
		case f.Default != nil:
			value, _ := f.Type.parse(scalarNode(f.Type, *f.Default)) // parseTag has tried it
			indirect(fv).Set(value)
		case fv.Kind() == reflect.Struct && f.Type.Kind == Object:
			setDefaults(f.Type, fv)
		}
	}
}

// indirect returns what v points to, made when it is nil, or v itself.
func indirect(v reflect.Value) reflect.Value {
	if v.Kind() != reflect.Pointer {
		return v
	}
	if v.IsNil() {
		v.Set(reflect.New(v.Type().Elem()))
	}
	return v.Elem()
}

// walker goes through a document and its type together.
type walker struct {
	doc       *Document
	positions *Positions
	errs      Errors
}

func (w *walker) fail(n *yaml.Node, path string, f fault) {
	w.errs = append(w.errs, Error{Position: w.doc.position(n), Path: path, Message: f.message, Hint: f.hint, Class: f.class})
}

// value checks n against t and stores it in v.
func (w *walker) value(n *yaml.Node, t *Type, v reflect.Value, path string) {
	switch t.Kind {
	case Object:
		if w.is(n, yaml.MappingNode, "an object", path) {
			fresh := v.Kind() == reflect.Pointer && v.IsNil()
			v = indirect(v)
			if fresh {
				setDefaults(t, v)
			}
			w.object(n, t, v, path)
		}
	case List:
		if w.is(n, yaml.SequenceNode, "a list", path) {
			w.list(n, t, indirect(v), path)
		}
	case Map:
		if w.is(n, yaml.MappingNode, "an object", path) {
			w.mapping(n, t, indirect(v), path)
		}
	case Open:
		if w.is(n, yaml.MappingNode, "an object", path) {
			v.Set(reflect.ValueOf(w.open(n, path)))
		}
	case Union:
		if w.is(n, yaml.MappingNode, "an object with one key", path) {
			w.union(n, t, indirect(v), path)
		}
	default:
		if value, fault := t.parse(n); fault != nil {
			w.fail(n, path, *fault)
		} else {
			indirect(v).Set(value)
		}
	}
}

// is reports whether n has the kind that is wanted, and says so when it has not.
func (w *walker) is(n *yaml.Node, kind yaml.Kind, want, path string) bool {
	if n.Kind == kind {
		return true
	}
	hint := ""
	if n.Tag == "!!null" {
		hint = "leave the field out, or give it a value"
	}
	w.fail(n, path, *mismatch(n, want, hint))
	return false
}

// members calls visit for each key of a mapping; keys that come twice are
// reported and visited once.
func (w *walker) members(n *yaml.Node, path string, visit func(key, value *yaml.Node, path string)) {
	first := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		below := join(path, key.Value)
		if earlier, twice := first[key.Value]; twice {
			w.fail(key, below, fault{message: fmt.Sprintf("%s is set twice, first on line %d", key.Value, earlier.Line), class: Syntax})
			continue
		}
		first[key.Value] = key
		w.positions.at[below] = w.doc.position(value)
		if value.Kind != yaml.ScalarNode {
			w.positions.at[below] = w.doc.position(key)
		}
		visit(key, value, below)
	}
}

func (w *walker) object(n *yaml.Node, t *Type, v reflect.Value, path string) {
	present := map[string]bool{}
	w.members(n, path, func(key, value *yaml.Node, below string) {
		f := t.field(key.Value)
		if f == nil {
			meant := w.unknown(key, t, below)
			present[meant] = true // one typo is one error, not also a missing field
			return
		}
		present[f.Name] = true
		w.value(value, f.Type, v.FieldByIndex(f.index), below)
	})
	for _, f := range t.Fields {
		if f.Required && !present[f.Name] {
			w.missing(f, path)
		}
	}
}

// missing reports a required field that the object at path lacks.
func (w *walker) missing(f *Field, path string) {
	hint := firstSentence(f.Doc)
	if e := f.Type.Rules.Enum; len(e) == 1 {
		hint = "write " + f.Name + ": " + e[0]
	}
	w.errs = append(w.errs, Error{Position: w.positions.At(path), Path: join(path, f.Name), Message: "is required", Hint: hint})
}

// unknown reports a key that t does not have and returns the one that was
// probably meant, or "".
func (w *walker) unknown(key *yaml.Node, t *Type, path string) string {
	names := t.children()
	meant := Closest(key.Value, names)
	hint := oneOf(names)
	switch below := t.holder(key.Value); {
	case meant != "":
		hint = "did you mean " + meant + "?"
	case below != "":
		hint = "it belongs below " + below
	case len(names) > 1:
		hint = "want " + hint
	}
	e := Error{Position: w.doc.position(key), Path: path, Message: "unknown field", Hint: hint}
	if meant != "" {
		e.meant = strings.TrimSuffix(path, key.Value) + meant
	}
	w.errs = append(w.errs, e)
	return meant
}

// holder returns the member of t that has a member called name, or "".
func (t *Type) holder(name string) string {
	for _, f := range t.Fields {
		if f.Type.valueType().field(name) != nil {
			return f.Name
		}
	}
	return ""
}

func (w *walker) list(n *yaml.Node, t *Type, v reflect.Value, path string) {
	if len(n.Content) < t.Rules.MinItems {
		w.fail(n, path, fault{message: fmt.Sprintf("wants at least %d, has %d", t.Rules.MinItems, len(n.Content))})
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, c := range n.Content {
		below := fmt.Sprintf("%s[%d]", path, i)
		w.positions.at[below] = w.doc.position(c)
		w.element(c, t.Elem, v.Index(i), below)
	}
}

func (w *walker) mapping(n *yaml.Node, t *Type, v reflect.Value, path string) {
	v.Set(reflect.MakeMap(v.Type()))
	w.members(n, path, func(key, value *yaml.Node, below string) {
		if strings.Trim(key.Value, " ") == "" {
			w.fail(key, below, fault{message: "a name must not be empty"})
			return
		}
		e := reflect.New(v.Type().Elem()).Elem()
		w.element(value, t.Elem, e, below)
		v.SetMapIndex(reflect.ValueOf(key.Value).Convert(v.Type().Key()), e)
	})
}

// element fills a list or map value, which has no defaults yet.
func (w *walker) element(n *yaml.Node, t *Type, v reflect.Value, path string) {
	if v.Kind() == reflect.Struct && t.Kind == Object {
		setDefaults(t, v)
	}
	w.value(n, t, v, path)
}

func (w *walker) union(n *yaml.Node, t *Type, v reflect.Value, path string) {
	if len(n.Content) != 2 {
		w.fail(n, path, fault{message: fmt.Sprintf("wants exactly one key, has %d", len(n.Content)/2), hint: oneOf(t.children())})
	}
	w.members(n, path, func(key, value *yaml.Node, below string) {
		a := t.alternative(key.Value)
		if a == nil {
			w.unknown(key, t, below)
			return
		}
		config := a.New()
		cv := reflect.ValueOf(config).Elem()
		setDefaults(a.Type, cv)
		w.value(value, a.Type, cv, below)
		v.Addr().Interface().(UnionType).SetUnion(a.Key, config)
	})
}
