package replay_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/experiment"
	"github.com/kwatt-sim/kwatt/internal/kube/controlplane"
	"github.com/kwatt-sim/kwatt/internal/kube/hpa"
	"github.com/kwatt-sim/kwatt/internal/kube/replay"
	"github.com/kwatt-sim/kwatt/internal/parity"
	_ "github.com/kwatt-sim/kwatt/internal/policies/all"
	"github.com/kwatt-sim/kwatt/internal/scenario"
)

func plan(t *testing.T, file, policy string) *experiment.Plan {
	t.Helper()
	f, err := scenario.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	p, err := experiment.NewPlan(f, policy)
	if err != nil {
		t.Fatal(err)
	}
	p.Config.Ledger = engine.Ticks
	return p
}

func optionsOf(p *experiment.Plan, speed int) replay.Options {
	o := replay.Options{Config: p.Config, Objects: p.Objects, HPAs: map[int]*hpa.Config{}, Namespace: "kwatt", Speed: speed}
	for i, s := range p.Scalers {
		if c, ok := s.Config.(*hpa.Config); ok {
			o.HPAs[i] = c
		}
	}
	return o
}

// The same six minutes in both worlds.
func TestReplayIsTheSimulation(t *testing.T) {
	p := plan(t, "testdata/rush.yaml", "hpa")
	o := optionsOf(p, 15)
	config, err := replay.Plane(o)
	if err != nil {
		t.Fatal(err)
	}
	config.Dir = t.TempDir()
	began := time.Now()
	c, err := controlplane.Up(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Down(t.Context())
	t.Log("up after", time.Since(began))
	o.Cluster = c
	got, lag, err := replay.Run(t.Context(), o, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("after %v: lag %+v", time.Since(began), lag)
	want, err := engine.Run(t.Context(), p.Config, 1)
	if err != nil {
		t.Fatal(err)
	}
	r := parity.Compare(want, got, []string{"ranker"}, 6*time.Minute, 15*time.Second)
	t.Logf("%+v", r)
	for _, run := range []any{want.Decisions, got.Decisions} {
		_ = run
	}
	for i, d := range want.Decisions {
		fmt.Println("sim ", i, d.T, d.Kind, d.From, d.To, d.Pod, d.Node, d.Reason)
	}
	for i, d := range got.Decisions {
		fmt.Println("real", i, d.T, d.Kind, d.From, d.To, d.Pod, d.Node, d.Reason)
	}
}
