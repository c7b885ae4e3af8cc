package replay_test

import (
	"context"
	"flag"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/experiment"
	"github.com/kwatt-sim/kwatt/internal/kube/controlplane"
	"github.com/kwatt-sim/kwatt/internal/kube/hpa"
	"github.com/kwatt-sim/kwatt/internal/kube/replay"
	"github.com/kwatt-sim/kwatt/internal/parity"
	_ "github.com/kwatt-sim/kwatt/internal/policies/all"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/scenario"
)

var long = flag.Bool("replay.long", false, "also kill each component of the control plane in mid-run")

const rush = "testdata/rush.yaml"

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

func optionsOf(p *experiment.Plan) replay.Options {
	o := replay.Options{Config: p.Config, Objects: p.Objects, HPAs: map[int]*hpa.Config{}, Namespace: replay.DefaultNamespace, Speed: 15}
	for i, s := range p.Scalers {
		if c, ok := s.Config.(*hpa.Config); ok {
			o.HPAs[i] = c
		}
	}
	return o
}

// up starts the control plane of a plan; it ends with the test.
func up(t *testing.T, o *replay.Options) *controlplane.Cluster {
	t.Helper()
	config, err := replay.Plane(*o)
	if err != nil {
		t.Fatal(err)
	}
	config.Dir = filepath.Join(t.TempDir(), "cluster")
	c, err := controlplane.Up(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Down(context.Background()); err != nil {
			t.Error(err)
		}
	})
	o.Cluster = c
	return c
}

// assertClean fails when a replay has left an object behind.
func assertClean(t *testing.T, c *controlplane.Cluster) {
	t.Helper()
	config, err := c.RESTConfig()
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	nodes, err := client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil || len(nodes.Items) > 0 {
		t.Errorf("%d nodes are left, %v", len(nodes.Items), err)
	}
	pods, err := client.CoreV1().Pods("").List(t.Context(), metav1.ListOptions{})
	if err != nil || len(pods.Items) > 0 {
		t.Errorf("%d pods are left, %v", len(pods.Items), err)
	}
	classes, err := client.SchedulingV1().PriorityClasses().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range classes.Items {
		if strings.HasPrefix(x.Name, "kwatt") {
			t.Errorf("priority class %s is left", x.Name)
		}
	}
	if ns, err := client.CoreV1().Namespaces().Get(t.Context(), replay.DefaultNamespace, metav1.GetOptions{}); err == nil && ns.DeletionTimestamp == nil {
		t.Error("the namespace is left")
	}
}

// The same six minutes in both worlds, with the bounds that a busy machine
// keeps. A run that is invalid, or off, is given a second chance.
func TestReplayIsTheSimulation(t *testing.T) {
	for _, policy := range []string{"hpa", "energy-aware"} {
		t.Run(policy, func(t *testing.T) {
			p := plan(t, rush, policy)
			if policy == "energy-aware" {
				p.Config.Ledger = engine.NodeResults
			}
			want, err := engine.Run(t.Context(), p.Config, 1)
			if err != nil {
				t.Fatal(err)
			}
			if want.Metrics["scale_events_total"] < 2 {
				t.Fatalf("%v scale events: the scenario shows nothing", want.Metrics["scale_events_total"])
			}
			var problems []string
			for range 2 {
				if problems = compare(t, p, want); len(problems) == 0 {
					return
				}
				t.Log("once more after:", strings.Join(problems, "; "))
			}
			t.Error(strings.Join(problems, "; "))
		})
	}
}

// binds is how many pods found a node.
func binds(run *results.Run) (n int) {
	for _, d := range run.Decisions {
		if d.Kind == decisions.Bind {
			n++
		}
	}
	return n
}

func compare(t *testing.T, p *experiment.Plan, want *results.Run) (problems []string) {
	o := optionsOf(p)
	c := up(t, &o)
	got, lag, err := replay.Run(t.Context(), o, 1)
	if err != nil {
		t.Fatal(err)
	}
	assertClean(t, c)
	if !lag.Valid() {
		return lag.Invalid
	}
	r := parity.Compare(want, got, []string{"ranker"}, 6*time.Minute, 15*time.Second)
	missed := parity.Aims{Equal: 0.7, Energy: 0.05, Latency: 0.1}.Missed(&r)
	if x := r.Trajectories[0]; x.MeanAbsoluteError > 1 {
		missed = append(missed, "the replicas differ by more than one in the mean")
	}
	if r.Placements.Pods < binds(want) || r.Placements.SamePool != 1 {
		missed = append(missed, "pods are missing, or not on the same pool")
	}
	if p.Config.Ledger == engine.NodeResults {
		missed = append(missed, comparePlacements(t, p, want, got)...)
	}
	t.Logf("trajectory %.3f, error %.3f, placements %+v, lag %+v", r.Trajectories[0].Equal, r.Trajectories[0].MeanAbsoluteError, r.Placements, lag)
	return missed
}

// kill -9 of a component in mid-run: it is started again and the run goes on to
// its end, where its books balance and nothing is left; if it did not keep its
// times, it says so.
func TestKilledInMidRun(t *testing.T) {
	for _, component := range controlplane.Components() {
		t.Run(string(component), func(t *testing.T) {
			if !*long && component != controlplane.Scheduler {
				t.Skip("takes half a minute: go test ./internal/kube/replay -replay.long -timeout 20m -v")
			}
			p := plan(t, rush, "hpa")
			p.Config.Ledger = engine.NodeResults
			o := optionsOf(p)
			c := up(t, &o)
			killed := make(chan error, 1)
			o.Begun = func() {
				time.AfterFunc(7500*time.Millisecond, func() { killed <- c.Kill(component) }) // as the HPA is about to scale
			}
			run, lag, err := replay.Run(t.Context(), o, 1)
			if err != nil {
				t.Fatal(err)
			}
			if err := <-killed; err != nil {
				t.Fatal(err)
			}
			if exit := <-c.Exits(); exit.Component != component || !exit.Restarted {
				t.Errorf("exit %+v", exit)
			}
			assertClean(t, c)
			if l := run.Ledger; l.Arrivals == 0 || l.Arrivals != l.Served+l.Dropped+l.TimedOut+l.InFlight {
				t.Errorf("ledger %+v", l)
			}
			if placed := len(exported(t, p, run)); placed < binds(run) { // of each pod that was placed, also by the second scheduler
				t.Errorf("placements of %d pods, %d bindings", placed, binds(run))
			}
			if most := run.Metrics["replicas_max"]; most < 4 {
				t.Errorf("the run never got beyond %v replicas", most)
			}
			t.Logf("valid %t, lag %+v", lag.Valid(), lag)
		})
	}
}
