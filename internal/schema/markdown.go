package schema

import (
	"fmt"
	"strings"
)

// Markdown writes the reference of t, one table for each object, in the order
// in which a document holds them.
func Markdown(t *Type) string {
	var b strings.Builder
	markdown(&b, t, "", map[*Type]string{})
	return b.String()
}

// markdown writes t's table and those of the objects below it; an object that
// is used twice is written once and linked from then on.
func markdown(b *strings.Builder, t *Type, path string, done map[*Type]string) {
	title := path
	if path == "" {
		title = "The document"
	}
	fmt.Fprintf(b, "\n## %s\n\n", title)
	if t.Doc != "" {
		fmt.Fprintf(b, "%s\n\n", t.Doc)
	}
	b.WriteString("| Field | Type | Rule | Meaning |\n|---|---|---|---|\n")
	for _, f := range t.Fields {
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", f.Name, f.Type.word(), strings.Join(f.facts(), "; "), cell(f.Doc))
	}
	for _, a := range t.Alternatives {
		fmt.Fprintf(b, "| `%s` | object | | %s |\n", a.Key, cell(a.Type.Doc))
	}
	done[t] = title
	section := func(name string, below *Type) {
		at := join(path, name) + inside(below)
		below = below.valueType()
		if len(below.children()) == 0 {
			return
		}
		if earlier, ok := done[below]; ok {
			fmt.Fprintf(b, "\n## %s\n\nThe same as [%s](#%s).\n", at, earlier, anchor(earlier))
			return
		}
		markdown(b, below, at, done)
	}
	for _, f := range t.Fields {
		section(f.Name, f.Type)
	}
	for _, a := range t.Alternatives {
		section(a.Key, a.Type)
	}
}

// inside is the part of a path that leads into lists and maps.
func inside(t *Type) string {
	path := ""
	for ; t.Elem != nil; t = t.Elem {
		if t.Kind == Map {
			path += ".*"
		} else {
			path += "[]"
		}
	}
	return path
}

// cell keeps text on one line of a table.
func cell(text string) string {
	text = strings.ReplaceAll(text, "|", `\|`)
	return strings.Join(strings.Fields(text), " ")
}

// anchor is the fragment that Markdown viewers give a heading.
func anchor(heading string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(heading) {
		switch {
		case r == ' ':
			b.WriteByte('-')
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_':
			b.WriteRune(r)
		}
	}
	return b.String()
}
