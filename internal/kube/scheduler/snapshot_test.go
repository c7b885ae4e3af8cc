package scheduler_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/experiment"
	"github.com/kwatt-sim/kwatt/internal/kube/schedsim"
	"github.com/kwatt-sim/kwatt/internal/kube/scheduler"
	_ "github.com/kwatt-sim/kwatt/internal/policies/all"
	"github.com/kwatt-sim/kwatt/internal/scenario"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// onlooker is an outside that looks at a run and does not touch it.
type onlooker struct {
	at   []time.Duration
	look func(t time.Duration)
}

func (o *onlooker) Open(w engine.World) error {
	for _, t := range o.at {
		w.Queue().At(vtime.At(t), math.MaxUint8, func() { o.look(t) })
	}
	return nil
}
func (o *onlooker) Begin(context.Context) error            { return nil }
func (o *onlooker) Wait(context.Context, vtime.Time) error { return nil }

// A snapshot, built from scenario and ledger, is the cluster as the scheduler
// saw it at that instant, object by object.
func TestSnapshotIsWhatTheSchedulerSaw(t *testing.T) {
	for _, path := range []string{"../../cli/testdata/crowd.yaml", "../../cli/testdata/small.yaml", "../../metrics/testdata/run.yaml"} {
		f, err := scenario.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, policy := range f.Scenario.Spec.Policies {
			checkSnapshots(t, f, policy.Name)
		}
	}
}

func checkSnapshots(t *testing.T, f *scenario.File, policy string) {
	plan, err := experiment.NewPlan(f, policy)
	if err != nil {
		t.Fatal(err)
	}
	config, objects := plan.Config, plan.Objects
	var s *scheduler.Scheduler
	build := config.Cluster.NewScheduler
	config.Cluster.NewScheduler = func(h cluster.Host, seed uint64) (cluster.Scheduler, error) {
		out, err := build(h, seed)
		s, _ = out.(*scheduler.Scheduler)
		return out, err
	}
	type view struct {
		nodes map[string]*v1.Node
		pods  map[string]*v1.Pod
	}
	seen := map[time.Duration]view{}
	o := &onlooker{look: func(at time.Duration) { n, p := s.Objects(); seen[at] = view{n, p} }}
	for at := 1234 * time.Millisecond; at < time.Duration(config.Duration); at += 6789 * time.Millisecond { // when nothing else happens
		o.at = append(o.at, at)
	}
	config.Outside = o
	run, err := engine.Run(t.Context(), config, 1)
	if err != nil {
		t.Fatal(err)
	}
	c := &schedsim.Cluster{Scheduler: objects, Ledger: run.Decisions}
	for _, p := range config.Cluster.Pools {
		c.Initial = append(c.Initial, p.Initial)
	}
	c.Intensity = func(pool int, at float64) float64 { return config.Grids[pool].IntensityAt(vtime.Time(at * 1e9)) }
	for at, want := range seen {
		snapshot, err := c.Snapshot(at.Seconds())
		if err != nil {
			t.Fatal(err)
		}
		nodes, pods := map[string]*v1.Node{}, map[string]*v1.Pod{}
		for i := range snapshot.Nodes {
			nodes[snapshot.Nodes[i].Name] = alike(&snapshot.Nodes[i])
		}
		for i := range snapshot.Pods {
			pods[snapshot.Pods[i].Name] = likeScheduled(&snapshot.Pods[i])
		}
		for name, n := range want.nodes {
			want.nodes[name] = alike(n)
		}
		for name, p := range want.pods {
			want.pods[name] = likeScheduled(p)
		}
		if d := cmp.Diff(want.nodes, nodes); d != "" {
			t.Fatalf("%s at %v: nodes: %s", policy, at, d)
		}
		if d := cmp.Diff(want.pods, pods); d != "" {
			t.Fatalf("%s at %v: pods: %s", policy, at, d)
		}
	}
	if len(seen) < 50 {
		t.Errorf("%s: only %d looks", policy, len(seen))
	}
}

// alike takes away what a new object cannot have.
func alike(n *v1.Node) *v1.Node {
	n.UID, n.ResourceVersion = "", ""
	return n
}

// likeScheduled takes away from a pod what a new object cannot have, and what a
// scheduler does not look at or is not told of.
func likeScheduled(p *v1.Pod) *v1.Pod {
	p.TypeMeta, p.UID, p.ResourceVersion, p.OwnerReferences = metav1.TypeMeta{}, "", "", nil
	p.Status.Phase = ""
	var conditions []v1.PodCondition
	for _, c := range p.Status.Conditions {
		if c.Type == v1.PodScheduled && c.Status == v1.ConditionFalse && p.Spec.NodeName == "" {
			conditions = append(conditions, v1.PodCondition{Type: c.Type, Status: c.Status, Reason: c.Reason, Message: c.Message})
		}
	}
	p.Status.Conditions = conditions
	if p.Spec.NodeName != "" {
		p.Status.NominatedNodeName = "" // an API server clears it when it binds the pod
	}
	for _, at := range []*metav1.Time{&p.CreationTimestamp, p.DeletionTimestamp, p.Status.StartTime} { // in whole seconds, as the API has them
		if at != nil {
			at.Time = at.Truncate(time.Second)
		}
	}
	return p
}
