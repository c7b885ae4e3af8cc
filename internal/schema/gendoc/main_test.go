package main

import (
	"bytes"
	"encoding/json"
	"os"
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
