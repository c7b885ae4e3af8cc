// Command gendoc writes the doc comments of kwatt's configuration structs to
// one JSON file, which package schema embeds: it is what `sim explain`, the
// JSON Schema and the reference page say about each field.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
)

func main() {
	root := flag.String("root", ".", "the module's root")
	out := flag.String("out", "docs.json", "where to write")
	flag.Parse()
	data, err := extract(*root)
	if err == nil {
		err = os.WriteFile(*out, data, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gendoc:", err)
		os.Exit(1)
	}
}

// extract returns the JSON for the module at root: the comments of the packages
// that documents are described by, with sorted keys.
func extract(root string) ([]byte, error) {
	dirs, err := filepath.Glob(filepath.Join(root, "internal/policies/*/"))
	if err != nil {
		return nil, err
	}
	docs := map[string]string{}
	for _, name := range []string{"gate", "kube/hpa", "kube/keda", "kube/kpa", "powerfile", "powerprofile", "scenario", "study"} {
		dirs = append(dirs, filepath.Join(root, "internal", name))
	}
	for _, dir := range dirs {
		if err := readPackage(dir, docs); err != nil {
			return nil, fmt.Errorf("read doc comments of %s: %w", dir, err)
		}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(docs); err != nil { // Encode sorts the keys of a map
		return nil, err
	}
	return b.Bytes(), nil
}

// readPackage adds the comments of the structs in dir that have yaml tags.
func readPackage(dir string, docs map[string]string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return err
	}
	_, pkg, _ := strings.Cut(filepath.ToSlash(dir), "internal/")
	unions := map[string]bool{}
	var types []*ast.GenDecl
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		for _, decl := range f.Decls {
			switch decl := decl.(type) {
			case *ast.GenDecl:
				types = append(types, decl)
			case *ast.FuncDecl:
				unions[unionReceiver(decl)] = true
			}
		}
	}
	for _, g := range types {
		readTypes(g, strings.TrimSuffix(pkg, "/"), unions, docs)
	}
	return nil
}

// unionReceiver returns the type that a SchemaUnion method belongs to, or "":
// such a type is part of documents though it has no yaml tags.
func unionReceiver(f *ast.FuncDecl) string {
	if f.Name.Name != "SchemaUnion" || f.Recv == nil {
		return ""
	}
	t := f.Recv.List[0].Type
	if p, ok := t.(*ast.StarExpr); ok {
		t = p.X
	}
	return t.(*ast.Ident).Name
}

func readTypes(g *ast.GenDecl, pkg string, unions map[string]bool, docs map[string]string) {
	for _, spec := range g.Specs {
		t, ok := spec.(*ast.TypeSpec)
		if !ok {
			continue
		}
		s, ok := t.Type.(*ast.StructType)
		if !ok {
			continue
		}
		doc := t.Doc
		if doc == nil {
			doc = g.Doc
		}
		name := pkg + "." + t.Name.Name
		if readFields(s, name, docs) || unions[t.Name.Name] {
			docs[name] = unwrap(doc)
		}
	}
}

// readFields adds the comments of the fields with a yaml tag and reports
// whether there is one.
func readFields(s *ast.StructType, name string, docs map[string]string) bool {
	tagged := false
	for _, f := range s.Fields.List {
		if f.Tag == nil || len(f.Names) == 0 {
			continue
		}
		tag, err := strconv.Unquote(f.Tag.Value)
		if err != nil || reflect.StructTag(tag).Get("yaml") == "" {
			continue
		}
		tagged = true
		doc := f.Doc
		if doc == nil {
			doc = f.Comment
		}
		docs[name+"."+f.Names[0].Name] = unwrap(doc)
	}
	return tagged
}

// unwrap joins the lines of each paragraph.
func unwrap(c *ast.CommentGroup) string {
	paragraphs := strings.Split(strings.TrimSpace(c.Text()), "\n\n")
	for i, p := range paragraphs {
		paragraphs[i] = strings.Join(strings.Fields(p), " ")
	}
	return strings.Join(paragraphs, "\n\n")
}
