package study

import "github.com/kwatt-sim/kwatt/internal/schema"

//go:generate go test -run TestGeneratedFiles . -update

// schemaID names the JSON Schema; it is an identifier, nothing is fetched.
const schemaID = "https://kwatt.dev/schema/v1alpha1/study.json"

// JSONSchema returns the JSON Schema (draft 2020-12) of study files.
func JSONSchema() ([]byte, error) {
	return schema.JSONSchema(schema.Describe(&Study{}), schemaID, "kwatt study")
}
