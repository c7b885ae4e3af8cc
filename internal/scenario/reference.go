package scenario

import (
	"fmt"

	"github.com/kwatt-sim/kwatt/internal/schema"
)

//go:generate go test -run TestGeneratedFiles . -update

// schemaID names the JSON Schema; it is an identifier, nothing is fetched.
const schemaID = "https://kwatt.dev/schema/v1alpha1/scenario.json"

// JSONSchema returns the JSON Schema (draft 2020-12) of scenario files. It
// knows the policies that are registered.
func JSONSchema() ([]byte, error) {
	return schema.JSONSchema(schema.Describe(&Scenario{}), schemaID, "kwatt scenario")
}

// Explain describes the field at path ("spec.services.batching"; "" for the
// whole file), with all that lies below it when recursive. An unknown path is
// an error that names what there is.
func Explain(path string, recursive bool) (string, error) {
	text, err := schema.Explain(schema.Describe(&Scenario{}), path, recursive)
	if err != nil {
		return "", fmt.Errorf("explain scenario: %w", err)
	}
	return text, nil
}

// Reference returns the reference page of scenario files, in Markdown.
func Reference() string {
	const head = `# Scenario files

<!-- Generated from the doc comments of internal/scenario and internal/policies. Change those, then run: go generate ./internal/schema ./internal/scenario -->

A scenario is one YAML document in the manner of a Kubernetes object. Durations are written like ` + "`90s`, `2m` or `1h30m`" + `, masses like
` + "`0.8g`, `12mg` or `1.5kg`" + `; other quantities say their unit in the text below. Paths are relative to the file that names them.
An unknown field, a missing file or a value out of its bounds is an error with file, line and column, and all errors are reported at once:
` + "`sim validate FILE`" + `. The same text is at hand as ` + "`sim explain spec.services.batching`" + `, and as a JSON Schema for editors, ` + "`sim schema`" + `.
Anchors, aliases and YAML tags are refused. ` + "`[]`" + ` in a heading stands for each element of a list, ` + "`*`" + ` for each name in a map.
`
	return head + schema.Markdown(schema.Describe(&Scenario{}))
}
