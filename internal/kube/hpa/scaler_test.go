package hpa

import (
	"testing"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/schema"
)

// model is a service whose pods ask for a GPU and a core, with a proxy beside
// the server.
func model() policies.Model {
	return policies.Model{Service: "ranker", HasCPU: true, Containers: []policies.Container{
		{Name: "server", Requests: map[string]int64{cpu: 1000, gpu: 1000}},
		{Name: "proxy", Requests: map[string]int64{cpu: 100}},
	}}
}

// configOf reads a configuration as a scenario does.
func configOf(t testing.TB, text string) *Config {
	t.Helper()
	c := newConfig()
	if _, errs := schema.Decode([]byte(text), "test", c); len(errs) > 0 {
		t.Fatal(errs)
	}
	return c.(*Config)
}

// newTest makes a scaler from a spec.
func newTest(t testing.TB, spec string) *Scaler {
	t.Helper()
	c := configOf(t, "spec: "+spec)
	if problems := append(c.check(), c.suits(model())...); len(problems) > 0 {
		t.Fatalf("%+v", problems)
	}
	s, err := NewScaler(c, model())
	if err != nil {
		t.Fatal(err)
	}
	return s
}
