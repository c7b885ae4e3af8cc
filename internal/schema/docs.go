package schema

import (
	_ "embed"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
	"unicode"
)

//go:generate go run ./gendoc -root ../.. -out docs.json

// docsJSON holds the doc comments of the configuration structs, written by
// gendoc; reflection cannot see comments.
//
//go:embed docs.json
var docsJSON []byte

var docs = sync.OnceValue(func() map[string]string {
	m := map[string]string{}
	if err := json.Unmarshal(docsJSON, &m); err != nil {
		panic("schema: docs.json is broken, run go generate: " + err.Error())
	}
	return m
})

// typeName is the name of a struct below internal: "scenario.Batching",
// "policies/hpa.Config".
func typeName(g reflect.Type) string {
	path := g.PkgPath()
	if _, below, ok := strings.Cut(path, "/internal/"); ok {
		path = below
	}
	return path + "." + g.Name()
}

func typeDoc(g reflect.Type) string { return docs()[typeName(g)] }

// fieldDoc returns the comment of a field. A comment that opens with the Go
// name opens with the document's name instead, where the two differ by more
// than the capital at the start of a sentence.
func fieldDoc(g reflect.Type, goName, name string) string {
	doc := docs()[typeName(g)+"."+goName]
	if rest, ok := strings.CutPrefix(doc, goName+" "); ok && strings.ContainsFunc(name, unicode.IsUpper) {
		return name + " " + rest
	}
	return doc
}

// firstSentence returns doc up to its first full stop, without it, for hints.
func firstSentence(doc string) string {
	doc, _, _ = strings.Cut(doc, "\n\n")
	doc, _, _ = strings.Cut(doc, ". ")
	return strings.TrimSuffix(doc, ".")
}
