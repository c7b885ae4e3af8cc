package main

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
)

const root = "../../.."

func TestCommittedDocsAreFresh(t *testing.T) {
	want, err := extract(root)
	if err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile("../docs.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, want) {
		t.Error("internal/schema/docs.json is stale: run go generate ./internal/schema")
	}
}

func TestEveryFieldIsDocumented(t *testing.T) {
	data, err := extract(root)
	if err != nil {
		t.Fatal(err)
	}
	docs := map[string]string{}
	if err := json.Unmarshal(data, &docs); err != nil {
		t.Fatal(err)
	}
	if docs["scenario.Batching.MaxBatch"] == "" || docs["scenario.Batching"] == "" {
		t.Error("the batcher is not documented: the generator looks in the wrong place")
	}
	for name, doc := range docs {
		if doc == "" {
			t.Errorf("%s has no doc comment", name)
		}
	}
}

// Every package whose structs are read from documents is looked into: their tags
// tell.
func TestEveryPackageIsDocumented(t *testing.T) {
	data, err := extract(root)
	if err != nil {
		t.Fatal(err)
	}
	internal := os.DirFS(root + "/internal")
	err = fs.WalkDir(internal, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.Name() == "testdata" || name == "schema":
			return fs.SkipDir
		case !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		text, err := fs.ReadFile(internal, name)
		pkg := path.Dir(name)
		if err == nil && bytes.Contains(text, []byte(` kwatt:"`)) && !bytes.Contains(data, []byte(`"`+pkg+`.`)) {
			t.Errorf("gendoc does not look into internal/%s, whose types %s has", pkg, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
