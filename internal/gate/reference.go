package gate

import "github.com/kwatt-sim/kwatt/internal/schema"

//go:generate go test -run TestGeneratedFiles . -update

// schemaID names the JSON Schema; it is an identifier, nothing is fetched.
const schemaID = "https://kwatt.dev/schema/v1alpha1/gate.json"

// JSONSchema returns the JSON Schema (draft 2020-12) of gate files.
func JSONSchema() ([]byte, error) {
	return schema.JSONSchema(schema.Describe(&Gate{}), schemaID, "kwatt gate")
}

// Reference returns the tables of a gate file's fields, in Markdown.
func Reference() string { return schema.Markdown(schema.Describe(&Gate{})) }
