package schema

import (
	"fmt"
	"math"
	"reflect"

	"gopkg.in/yaml.v3"
)

// openType is an object that somebody else checks, such as the spec of a
// Kubernetes object: here any member will do.
var openType = reflect.TypeFor[map[string]any]()

// DecodeOpen reads one document that is an object of any form, with the
// positions of all it holds: maps, lists, strings, bools, float64 and int.
func DecodeOpen(data []byte, file string) (map[string]any, *Positions, Errors) {
	d, errs := ParseDocument(data, file)
	if len(errs) > 0 {
		return nil, &Positions{at: map[string]Position{"": {file, 1, 1}}}, errs
	}
	w := &walker{doc: d, positions: &Positions{at: map[string]Position{"": d.position(d.root)}}}
	var object map[string]any
	w.value(d.root, &Type{Kind: Open, Go: openType}, reflect.ValueOf(&object).Elem(), "")
	w.errs.Sort()
	return object, w.positions, w.errs
}

// open notes where everything below n stands and returns it as plain values.
func (w *walker) open(n *yaml.Node, path string) any {
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		w.members(n, path, func(key, value *yaml.Node, below string) { m[key.Value] = w.open(value, below) })
		return m
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, c := range n.Content {
			below := fmt.Sprintf("%s[%d]", path, i)
			w.positions.at[below] = w.doc.position(c)
			list[i] = w.open(c, below)
		}
		return list
	}
	if n.Tag == "!!timestamp" {
		return n.Value
	}
	var v any
	if err := n.Decode(&v); err != nil {
		w.fail(n, path, fault{message: err.Error()})
	}
	if f, ok := v.(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
		w.fail(n, path, fault{message: "want a finite number, found " + n.Value})
	}
	return v
}
