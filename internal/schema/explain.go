package schema

import (
	"fmt"
	"strings"
)

// word names a type for people.
func (t *Type) word() string {
	switch t.Kind {
	case List:
		return "list of " + t.Elem.word()
	case Map:
		return "map of " + t.Elem.word()
	}
	return [...]string{String: "string", Bool: "boolean", Int: "integer", Uint: "integer", Float: "number",
		Duration: "duration", Mass: "mass", Time: "time", Text: "string", Object: "object", Union: "object, one key", Open: "object"}[t.Kind]
}

// facts lists what must hold of a field besides its type.
func (f *Field) facts() []string {
	var out []string
	if f.Required {
		out = append(out, "required")
	}
	if f.Default != nil {
		out = append(out, "default "+*f.Default)
	}
	if n := f.Type.Rules.MinItems; n > 0 {
		out = append(out, fmt.Sprintf("at least %d", n))
	}
	r := f.Type.valueType().Rules
	if r.Enum != nil {
		out = append(out, oneOf(r.Enum))
	}
	if r.Name {
		out = append(out, fmt.Sprintf("lower-case letters, digits and dashes, at most %d", nameMax))
	}
	switch {
	case r.ExclusiveMin != nil && r.Max != nil:
		out = append(out, fmt.Sprintf("above %s, at most %s", r.ExclusiveMin.Text, r.Max.Text))
	case r.Min != nil && r.Max != nil:
		out = append(out, fmt.Sprintf("%s to %s", r.Min.Text, r.Max.Text))
	case r.ExclusiveMin != nil:
		out = append(out, "above "+r.ExclusiveMin.Text)
	case r.Min != nil:
		out = append(out, "at least "+r.Min.Text)
	case r.Max != nil:
		out = append(out, "at most "+r.Max.Text)
	}
	return out
}

// Explain describes the value at path ("spec.services.batching", indices may
// be left out; "" is the document) as text, with the names below it; all of
// them with recursive. An unknown path is an error that names its siblings.
func Explain(t *Type, path string, recursive bool) (string, error) {
	f := &Field{Type: t}
	if path != "" {
		for _, s := range splitPath(path) {
			child, field, err := f.Type.below(s)
			if err != nil {
				return "", err
			}
			if f = field; field == nil {
				f = &Field{Name: s.name, Type: child}
			}
		}
	}
	var b strings.Builder
	if path != "" {
		fmt.Fprintf(&b, "PATH:  %s\n", path)
	}
	fmt.Fprintf(&b, "TYPE:  %s\n", strings.Join(append([]string{f.Type.word()}, f.facts()...), "; "))
	for _, doc := range descriptions(f) {
		b.WriteString("\n" + wrap(doc, "    ") + "\n")
	}
	if len(f.Type.valueType().children()) > 0 {
		b.WriteString("\nFIELDS:\n")
		explainChildren(&b, f.Type.valueType(), "  ", recursive)
	}
	return b.String(), nil
}

// descriptions are the field's own comment and its type's, unless one says
// what the other does.
func descriptions(f *Field) []string {
	var out []string
	for _, doc := range []string{f.Doc, f.Type.valueType().Doc} {
		if doc != "" && (len(out) == 0 || !strings.EqualFold(out[0], doc)) {
			out = append(out, doc)
		}
	}
	return out
}

func explainChildren(b *strings.Builder, t *Type, indent string, recursive bool) {
	line := func(f *Field) {
		fmt.Fprintf(b, "%s%s <%s>", indent, f.Name, f.Type.word())
		if facts := f.facts(); len(facts) > 0 {
			b.WriteString(" " + strings.Join(facts, "; "))
		}
		b.WriteString("\n")
		if recursive {
			explainChildren(b, f.Type.valueType(), indent+"  ", true)
		} else if d := descriptions(f); len(d) > 0 {
			b.WriteString(wrap(d[0], indent+"    ") + "\n")
		}
	}
	for _, f := range t.Fields {
		line(f)
	}
	for _, a := range t.Alternatives {
		line(&Field{Name: a.Key, Type: a.Type})
	}
}

// wrap breaks text into lines of at most 80 columns.
func wrap(text, indent string) string {
	var b strings.Builder
	for i, paragraph := range strings.Split(text, "\n\n") {
		if i > 0 {
			b.WriteString("\n\n")
		}
		col := 0
		for j, word := range strings.Fields(paragraph) {
			switch {
			case j == 0:
				b.WriteString(indent)
				col = len(indent)
			case col+1+len(word) > 80:
				b.WriteString("\n" + indent)
				col = len(indent)
			default:
				b.WriteString(" ")
				col++
			}
			b.WriteString(word)
			col += len(word)
		}
	}
	return b.String()
}
