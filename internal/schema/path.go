package schema

import (
	"fmt"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// step is one member of a path: a field name, or an element in brackets.
type step struct {
	name    string
	element bool
	path    string // from the root, this step included
}

// splitPath splits "spec.services[0].name" into its steps.
func splitPath(path string) []step {
	var steps []step
	for part := range strings.SplitSeq(path, ".") {
		name, rest, more := strings.Cut(part, "[")
		if name != "" || !more {
			steps = append(steps, step{name: name})
		}
		for more {
			var in string
			in, rest, _ = strings.Cut(rest, "]")
			steps = append(steps, step{name: in, element: true})
			_, rest, more = strings.Cut(rest, "[")
		}
	}
	at := ""
	for i, s := range steps {
		if s.element {
			at += "[" + s.name + "]"
		} else {
			at = join(at, s.name)
		}
		steps[i].path = at
	}
	return steps
}

// below returns what name stands for below t: the type, and the field when it
// is one. A list is looked through, so that a path may leave out its index.
func (t *Type) below(s step) (*Type, *Field, error) {
	for t.Kind == List && !s.element {
		t = t.Elem
	}
	if t.Kind == Open {
		return t, nil, nil
	}
	if t.Kind == List || t.Kind == Map {
		return t.Elem, nil, nil
	}
	if f := t.field(s.name); f != nil {
		return f.Type, f, nil
	}
	if a := t.alternative(s.name); a != nil {
		return a.Type, nil, nil
	}
	names := t.children()
	if len(names) == 0 {
		return nil, nil, fmt.Errorf("unknown path %s: it lies below a value of type %s", s.path, t.word())
	}
	meant := ""
	if near := Closest(s.name, names); near != "" {
		meant = "did you mean " + near + "? "
	}
	return nil, nil, fmt.Errorf("unknown path %s: %swant %s", s.path, meant, oneOf(names))
}

// Set writes value at path, as if the document had said so, and makes the
// objects on the way. List elements are chosen by index or by their name:
// spec.policies[hpa].scheduler.profile. The value is YAML; for a field that
// holds text it is taken as it stands.
func (d *Document) Set(t *Type, path, value string) error {
	n, steps := d.root, splitPath(path)
	for i, s := range steps {
		child, _, err := t.below(s)
		if err != nil {
			return err
		}
		t = child
		slot, err := memberNode(n, s)
		if err != nil {
			return err
		}
		if i == len(steps)-1 {
			return d.replace(slot, t, path, value)
		}
		if slot.Kind == 0 {
			*slot = yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: n.Line, Column: n.Column}
		}
		n = slot
	}
	return nil
}

// memberNode returns the node of a member of n, made empty when n is an object
// without it.
func memberNode(n *yaml.Node, s step) (*yaml.Node, error) {
	if s.element {
		return elementNode(n, s)
	}
	if n.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("cannot set %s: it lies in %s", s.path, found(n))
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == s.name {
			return n.Content[i+1], nil
		}
	}
	key := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s.name, Line: n.Line, Column: n.Column}
	n.Content = append(n.Content, key, &yaml.Node{})
	return n.Content[len(n.Content)-1], nil
}

// elementNode finds a list element by its index or by its name.
func elementNode(n *yaml.Node, s step) (*yaml.Node, error) {
	if n.Kind != yaml.SequenceNode {
		return nil, fmt.Errorf("cannot set %s: the document has no list there", s.path)
	}
	if i, err := strconv.Atoi(s.name); err == nil && i >= 0 && i < len(n.Content) {
		return n.Content[i], nil
	}
	for _, e := range n.Content {
		for i := 0; i+1 < len(e.Content) && e.Kind == yaml.MappingNode; i += 2 {
			if e.Content[i].Value == "name" && e.Content[i+1].Value == s.name {
				return e, nil
			}
		}
	}
	return nil, fmt.Errorf("cannot set %s: the list has %d elements and none of that name", s.path, len(n.Content))
}

func (d *Document) replace(slot *yaml.Node, t *Type, path, value string) error {
	origin := "--set " + path
	switch t.Kind {
	case String, Duration, Mass, Time:
		*slot = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value, Line: 1, Column: 1}
	default:
		v, errs := ParseDocument([]byte(value), origin)
		if len(errs) > 0 {
			return errs
		}
		*slot = *v.root
	}
	d.mark(slot, origin)
	return nil
}

// mark remembers where a node and those below it came from.
func (d *Document) mark(n *yaml.Node, origin string) {
	d.origins[n] = origin
	for _, c := range n.Content {
		d.mark(c, origin)
	}
}
