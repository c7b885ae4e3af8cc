package scenario

import (
	"errors"
	"os"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/kwatt-sim/kwatt/internal/schema"
)

// TestTypoAtEveryLevelIsAnError adds a field that nobody knows to each object
// of a full scenario in turn, the policies' configurations included.
func TestTypoAtEveryLevelIsAnError(t *testing.T) {
	everyLevel(t, "templates/full.yaml", 60, func(data []byte) error {
		_, err := Parse(data, "templates/full.yaml", osOpen)
		return err
	})
}

// everyLevel calls load once for each object of the file, with a typo in it,
// and wants an error at the typo each time. The file has at least so many.
func everyLevel(t *testing.T, file string, atLeast int, load func([]byte) error) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		t.Fatal(err)
	}
	objects := 0
	var visit func(n *yaml.Node)
	visit = func(n *yaml.Node) {
		for _, c := range n.Content {
			visit(c)
		}
		if n.Kind != yaml.MappingNode {
			return
		}
		objects++
		sound := n.Content
		n.Content = append(append([]*yaml.Node(nil), sound...), &yaml.Node{Kind: yaml.ScalarNode, Value: "zyx"}, &yaml.Node{Kind: yaml.ScalarNode, Value: "1"})
		broken, err := yaml.Marshal(&root)
		n.Content = sound
		if err != nil {
			t.Fatal(err)
		}
		var errs schema.Errors
		if !errors.As(load(broken), &errs) || !strings.Contains(errs.Error(), "zyx: ") {
			t.Errorf("%s: no error at the typo, but %v\n%s", file, errs, broken)
		}
	}
	visit(&root)
	if objects < atLeast {
		t.Errorf("%s has %d objects only, want at least %d", file, objects, atLeast)
	}
}
