package scheduler_test

import (
	"encoding/json"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/kube/scheduler"
)

// A configuration as written is one that kube-scheduler would start with, and
// the same configuration.
func TestConfigurationAsWritten(t *testing.T) {
	for _, name := range scheduler.Profiles() {
		c, err := scheduler.Builtin(name)
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(c.AsWritten())
		if err != nil {
			t.Fatal(err)
		}
		var object map[string]any
		if err := json.Unmarshal(b, &object); err != nil {
			t.Fatal(err)
		}
		again, problems := scheduler.ParseConfig(object)
		if len(problems) > 0 {
			t.Fatalf("%s: %v", name, problems)
		}
		if !scheduler.Same(c, again) {
			t.Errorf("%s: read again it is another configuration", name)
		}
	}
}
