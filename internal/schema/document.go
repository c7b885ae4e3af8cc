package schema

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sort"
	"strings"

	"gopkg.in/yaml.v3"
)

// MaxBytes is the largest document that is read.
const MaxBytes = 10 << 20

// maxDepth is how deep a document may nest, so that none exhausts the stack.
const maxDepth = 64

// Document is one parsed YAML document, not yet checked against a type.
type Document struct {
	file    string
	root    *yaml.Node
	origins map[*yaml.Node]string // of values that Set put in
}

// ParseDocument reads exactly one YAML document. Anchors, aliases and tags are
// refused: a scenario is read by people, and an alias hides what it says.
func ParseDocument(data []byte, file string) (*Document, Errors) {
	if len(data) > MaxBytes {
		return nil, Errors{{Position: Position{file, 1, 1}, Class: Syntax,
			Message: fmt.Sprintf("the file has %d bytes, more than the %d allowed", len(data), MaxBytes)}}
	}
	root, second, err := parseYAML(data)
	if err != nil {
		return nil, Errors{syntaxError(data, file, err)}
	}
	if root == nil {
		message := "the file is empty"
		if len(bytes.TrimSpace(data)) > 0 {
			message = "the file holds nothing but comments"
		}
		return nil, Errors{{Position: Position{file, 1, 1}, Class: Syntax, Message: message}}
	}
	d := &Document{file: file, root: root, origins: map[*yaml.Node]string{}}
	var errs Errors
	d.refuse(root, 1, &errs)
	if second != nil {
		errs = append(errs, Error{Position: Position{file, second.Line, second.Column}, Class: Syntax,
			Message: "a second document starts here", Hint: "keep one document in a file"})
	}
	if len(errs) > 0 {
		return nil, errs
	}
	return d, nil
}

// parseYAML returns the first document's content, and the second document when
// there is one. yaml.v3 panics on some malformed comments where it should
// fail; that is turned into the error it ought to be.
func parseYAML(data []byte) (root, second *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("not YAML: %v", r)
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var docs []*yaml.Node
	for len(docs) < 2 {
		var n yaml.Node
		if err := decoder.Decode(&n); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, nil, err
		}
		docs = append(docs, &n)
	}
	if len(docs) == 0 || len(docs[0].Content) == 0 {
		return nil, nil, nil
	}
	if len(docs) == 2 {
		second = docs[1]
	}
	return docs[0].Content[0], second, nil
}

var yamlPrefix = regexp.MustCompile(`^yaml: (line [0-9]+: )?`)

// syntaxError places what the YAML parser complains of. The parser names the
// line where the surrounding block starts, or none; since it reads forward,
// the fault lies on the first line with which its complaint appears.
func syntaxError(data []byte, file string, err error) Error {
	message := func(err error) string { return yamlPrefix.ReplaceAllString(err.Error(), "") }
	want := message(err)
	lines := bytes.SplitAfter(data, []byte("\n"))
	ends := make([]int, len(lines))
	for i, l := range lines {
		ends[i] = len(l)
		if i > 0 {
			ends[i] += ends[i-1]
		}
	}
	at := sort.Search(len(lines)-1, func(i int) bool {
		_, _, err := parseYAML(data[:ends[i]])
		return err != nil && message(err) == want
	})
	line := lines[at]
	col := len(line) - len(bytes.TrimLeft(line, " \t")) + 1
	hint := ""
	if bytes.HasPrefix(bytes.TrimLeft(line, " "), []byte("\t")) {
		hint = "YAML indents with spaces, not tabs"
	}
	return Error{Position: Position{file, at + 1, col}, Message: want, Hint: hint, Class: Syntax}
}

// refuse reports what no document may hold, at any depth.
func (d *Document) refuse(n *yaml.Node, depth int, errs *Errors) {
	fail := func(message, hint string) {
		*errs = append(*errs, Error{Position: d.position(n), Message: message, Hint: hint, Class: Syntax})
	}
	switch {
	case depth > maxDepth:
		fail(fmt.Sprintf("nested deeper than %d levels", maxDepth), "")
		return
	case n.Kind == yaml.AliasNode:
		fail("aliases are not supported: *"+n.Value, "write the value out")
	case n.Anchor != "":
		fail("anchors are not supported: &"+n.Anchor, "write the value out where it is needed")
	case n.Style&yaml.TaggedStyle != 0:
		fail("YAML tags are not supported: "+n.Tag, "leave the tag out")
	}
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 && c.Kind != yaml.ScalarNode && c.Kind != yaml.AliasNode {
			*errs = append(*errs, Error{Position: d.position(c), Message: "a field name must be text, found " + found(c), Class: Syntax})
			continue
		}
		d.refuse(c, depth+1, errs)
	}
}

// position returns where n stands: in the file, or in the value of an override.
func (d *Document) position(n *yaml.Node) Position {
	file := d.file
	if origin, ok := d.origins[n]; ok {
		file = origin
	}
	return Position{file, n.Line, n.Column}
}

// join appends a member to a path.
func join(path, name string) string {
	if path == "" || strings.HasPrefix(name, "[") {
		return path + name
	}
	return path + "." + name
}
