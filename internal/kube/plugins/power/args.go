package power

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

// DecodeArgs reads a plugin's arguments into a struct that holds their
// defaults. A field that it does not have is an error.
func DecodeArgs(plugin string, args runtime.Object, into any) error {
	if args == nil {
		return nil
	}
	unknown, ok := args.(*runtime.Unknown)
	if !ok {
		return fmt.Errorf("args of plugin %s: got %T", plugin, args)
	}
	data, err := yaml.YAMLToJSON(unknown.Raw)
	if err != nil {
		return fmt.Errorf("args of plugin %s: %w", plugin, err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil && err != io.EOF {
		return fmt.Errorf("args of plugin %s: %w", plugin, err)
	}
	return nil
}
