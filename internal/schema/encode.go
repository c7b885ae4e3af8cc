package schema

import (
	"bytes"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"gopkg.in/yaml.v3"
)

// Encode writes the struct that v points to as YAML that Decode reads back to
// the same struct: defaults filled in, what is unset left out, map keys sorted.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(encode(Describe(v), reflect.ValueOf(v).Elem())); err != nil {
		return nil, fmt.Errorf("write %s as YAML: %w", reflect.TypeOf(v).Elem(), err)
	}
	return b.Bytes(), e.Close()
}

// encode returns the node for v.
func encode(t *Type, v reflect.Value) *yaml.Node {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	member := func(key string, value *yaml.Node) {
		n.Content = append(n.Content, scalarNode(&Type{Kind: String}, key), value)
	}
	switch t.Kind {
	case Object:
		for _, f := range t.Fields {
			if fv := v.FieldByIndex(f.index); f.written(fv) {
				member(f.Name, encode(f.Type, fv))
			}
		}
	case List:
		n = &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for i := range v.Len() {
			n.Content = append(n.Content, encode(t.Elem, v.Index(i)))
		}
	case Map:
		m := map[string]reflect.Value{}
		for _, k := range v.MapKeys() {
			m[k.String()] = v.MapIndex(k)
		}
		for _, k := range slices.Sorted(maps.Keys(m)) {
			member(k, encode(t.Elem, m[k]))
		}
	case Union:
		p := reflect.New(t.Go)
		p.Elem().Set(v)
		key, config := p.Interface().(UnionType).GetUnion()
		if a := t.alternative(key); a != nil {
			member(key, encode(a.Type, reflect.ValueOf(config)))
		}
	case Open:
		// The encoder sorts the keys; plain values cannot fail.
		_ = n.Encode(v.Interface())
	default:
		return scalarNode(t, t.format(v))
	}
	return n
}

// written reports whether a field has something to say: a value that Decode
// would not put there by itself, or a default worth showing.
func (f *Field) written(v reflect.Value) bool {
	if v.Kind() == reflect.Pointer {
		return !v.IsNil()
	}
	if v.Kind() == reflect.Struct && f.Type.Kind == Object && !f.Required {
		return slices.ContainsFunc(f.Type.Fields, func(g *Field) bool { return g.written(v.FieldByIndex(g.index)) })
	}
	return f.Required || f.Default != nil || !v.IsZero()
}
