package schema

import (
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// scalarNode returns a node with the tag that text has as a value of t.
func scalarNode(t *Type, text string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Value: text, Line: 1, Column: 1}
	switch t.Kind {
	case Bool:
		n.Tag = "!!bool"
	case Int, Uint:
		n.Tag = "!!int"
	case Float:
		n.Tag = "!!float"
		if _, err := strconv.ParseInt(text, 10, 64); err == nil {
			n.Tag = "!!int"
		}
	case Time:
		n.Tag = "!!timestamp"
	default:
		n.Tag = "!!str"
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' }) {
			n.Style = yaml.DoubleQuotedStyle
		}
	}
	return n
}

// isText reports whether n is read as text. YAML takes an unquoted date for a
// timestamp; here it is text until a field wants a time.
func isText(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && (n.Tag == "!!str" || n.Tag == "!!timestamp")
}

// number returns the value of a YAML number.
func number(n *yaml.Node) (float64, bool) {
	if n.Kind != yaml.ScalarNode || n.Tag != "!!int" && n.Tag != "!!float" {
		return 0, false
	}
	var f float64
	return f, n.Decode(&f) == nil
}

// found describes what stands in the document.
func found(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "an object"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Tag == "!!null":
		return "nothing"
	case n.Tag == "!!int" || n.Tag == "!!float":
		return "the number " + n.Value
	case n.Tag == "!!bool":
		return n.Value
	}
	text := []rune(n.Value)
	if len(text) > 40 {
		text = append(text[:40], '…')
	}
	return "the text " + strconv.Quote(string(text))
}
