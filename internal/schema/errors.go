package schema

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Class says which of kwatt's checks found an error.
type Class uint8

// The classes. The JSON Schema and the Go decoder agree on Structure; Syntax
// is lost once a document is a JSON value, and Meaning is beyond JSON Schema.
const (
	Structure Class = iota // names, types, enums, numeric bounds, patterns
	Syntax                 // not YAML, duplicate keys, aliases, a second document
	Meaning                // bounds of durations, dates that do not exist, and all that a caller adds
)

// Position is a place in a file. Line and Col count from 1.
type Position struct {
	File      string
	Line, Col int
}

// Error is one fault of a document.
type Error struct {
	Position
	Path    string // "spec.services[0].batching.maxBatch"; empty for the whole document
	Message string
	Hint    string // how to put it right; may be empty
	Class   Class
	meant   string // the path that an unknown field was probably meant to be
}

// Error formats e as file:line:col: path: message (hint: …). Control
// characters of a document are replaced, so that none reaches a terminal.
func (e Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: ", e.File, e.Line, e.Col)
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	b.WriteString(e.Message)
	if e.Hint != "" {
		b.WriteString(" (hint: " + e.Hint + ")")
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, b.String())
}

// Errors are all faults of a document, and of the files it names.
type Errors []Error

// Error writes one line for each fault.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i := range e {
		lines[i] = e[i].Error()
	}
	return strings.Join(lines, "\n")
}

// Err returns e as an error, nil when there is no fault.
func (e Errors) Err() error {
	if len(e) == 0 {
		return nil
	}
	return e
}

// Sort orders by line and column within a file; files keep the order in which
// they first appear.
func (e Errors) Sort() {
	rank := map[string]int{}
	for i := range e {
		if _, seen := rank[e[i].File]; !seen {
			rank[e[i].File] = len(rank)
		}
	}
	slices.SortStableFunc(e, func(a, b Error) int {
		if d := rank[a.File] - rank[b.File]; d != 0 {
			return d
		}
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Col - b.Col
	})
}

// Touches reports whether a fault lies at path, above it or below it, or may
// have been meant for it: a check that reads the value at path would then speak
// of a value nobody wrote.
func (e Errors) Touches(path string) bool {
	near := func(x string) bool { return within(x, path) || within(path, x) }
	return slices.ContainsFunc(e, func(x Error) bool { return near(x.Path) || x.meant != "" && near(x.meant) })
}

// within reports whether path is root or lies below it.
func within(path, root string) bool {
	rest, ok := strings.CutPrefix(path, root)
	return ok && (root == "" || rest == "" || rest[0] == '.' || rest[0] == '[')
}

// Positions maps the paths of a document to where they stand.
type Positions struct {
	at map[string]Position
}

// At returns where path stands, or its nearest ancestor that is written.
func (p *Positions) At(path string) Position {
	for {
		if pos, ok := p.at[path]; ok {
			return pos
		}
		cut := strings.LastIndexAny(path, ".[")
		if cut < 0 {
			return p.at[""]
		}
		path = path[:cut]
	}
}

// Has reports whether path itself is written in the document.
func (p *Positions) Has(path string) bool {
	_, ok := p.at[path]
	return ok
}
