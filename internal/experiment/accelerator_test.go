package experiment

import (
	"strings"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/scenario"
)

// The resource that pods ask for and nodes offer comes from the accelerator: a
// service finds its own pool by it, under upstream's scheduler and the
// energy-aware plugin.
func TestTheResourceIsTheAccelerators(t *testing.T) {
	const path = "../../scenarios/other-accelerator.yaml"
	f, err := scenario.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := NewPlan(f, "energy-aware")
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"nvidia.com/gpu", "qualcomm.com/qaic"} {
		containers, err := plan.Objects.Services[i].Containers()
		if err != nil || plan.Objects.Pools[i].Resource != want || len(containers) != 1 || containers[0].Requests[want] != 1000 {
			t.Errorf("pool of %q, pods that ask for %v, want %s; %v", plan.Objects.Pools[i].Resource, containers, want, err)
		}
	}
	bound := map[string]int{}
	for _, c := range compile(t, path, nil, "spec.duration=20m") {
		for _, d := range runs(t, []*engine.Config{c}, 1)[0].Decisions {
			if d.Kind == decisions.Bind {
				bound[d.Service]++
				if !strings.HasPrefix(d.Node, strings.TrimPrefix(d.Service, "on-")+"-") {
					t.Errorf("policy %s: a pod of %s is on %s", c.Policy, d.Service, d.Node)
				}
			}
		}
	}
	if bound["on-t4"] == 0 || bound["on-qaic"] == 0 {
		t.Errorf("bound pods %v", bound)
	}
}

// A pod asks for one resource: a service that could run on both is refused.
func TestOneResourceAService(t *testing.T) {
	f, err := scenario.Load("../../scenarios/other-accelerator.yaml", scenario.Override{Path: "spec.services[on-t4].model", Value: "{serviceTime: {mean: 1ms}}"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Compile(f, []string{"static"}); err == nil || !strings.Contains(err.Error(), "service on-t4: its pods ask for one resource, and the pools that can run it have nvidia.com/gpu and qualcomm.com/qaic") {
		t.Errorf("%v", err)
	}
}
