package scheduler

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/powermodel"
	"github.com/kwatt-sim/kwatt/internal/rng"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// diary is a cluster's watcher that writes down what it hears.
type diary struct {
	q          *vtime.Queue
	c          *cluster.Cluster
	lines      []string
	placements map[string]decisions.Placement
	node       map[string]string // by pod
	attempts   []attempt
	uneven     bool          // pods drain for up to 4 s longer than one, each for another time
	waited     time.Duration // by all pods that found a place
}

func (d *diary) write(format string, args ...any) {
	d.lines = append(d.lines, fmt.Sprintf("%v ", d.q.Now())+fmt.Sprintf(format, args...))
	if n := len(d.lines); n > atOnce && strings.HasPrefix(d.lines[n-atOnce], fmt.Sprintf("%v ", d.q.Now())) {
		panic("one instant has no end:\n  " + strings.Join(d.lines[n-40:], "\n  "))
	}
}

// atOnce is more than can happen in one instant.
const atOnce = 20_000

func (d *diary) PodBound(p *cluster.Pod, how decisions.Placement) {
	d.placements[p.Name], d.node[p.Name] = how, p.Node.Name
	d.attempts = append(d.attempts, attempt{p.Name, p.Node.Name, how})
	d.waited += p.Bound.Sub(p.Created)
	d.write("%s on %s/%d", p.Name, p.Node.Name, p.GPU)
}
func (d *diary) PodReady(*cluster.Pod) {}
func (d *diary) PodGone(*cluster.Pod)  {}
func (d *diary) PodDraining(p *cluster.Pod) {
	last := time.Second
	if d.uneven {
		h := fnv.New32a()
		_, _ = h.Write([]byte(p.Name))
		last += time.Duration(h.Sum32())
	}
	d.q.At(d.q.Now().Add(last), vtime.PriorityCluster, func() { d.c.Delete(p) })
}
func (d *diary) PodEvicted(p *cluster.Pod, kind, reason string) {
	d.write("%s %s: %s", kind, p.Name, reason)
}
func (d *diary) Unschedulable(p *cluster.Pod, message string, how decisions.Placement) {
	d.attempts = append(d.attempts, attempt{p.Name, message, how})
	d.write("%s: %s", p.Name, message)
}
func (d *diary) PowerChanging() {}
func (d *diary) NodeChanged(n *cluster.Node, kind, reason string) {
	d.write("%s %s: %s", kind, n.Name, reason)
}

func (d *diary) runTo(t time.Duration) {
	for d.q.Next() <= vtime.At(t) {
		d.q.Step()
	}
	d.q.At(vtime.At(t), vtime.PriorityDecide, func() {})
	d.q.Step()
}

// take returns the lines since the last call.
func (d *diary) take() string {
	text := strings.Join(d.lines, "\n")
	d.lines = nil
	return text
}

func (d *diary) expect(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(d.lines, want) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(d.lines, "\n  "), strings.Join(want, "\n  "))
	}
	d.lines = nil
}

// world is a cluster of pools and services and a configuration, made by edit
// from two pools of two nodes with two GPUs each and one service.
type world struct {
	cluster cluster.Config
	config  Config
	uneven  bool
	profile string // in YAML, where it was generated
}

func newWorld(t testing.TB, profile string) *world {
	t.Helper()
	configuration, err := Builtin(profile)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{config: Config{Configuration: configuration}}
	w.pool(t, "a100", "nvidia-a100-sxm4-80gb", 2, 2)
	w.service("ranker", 1)
	return w
}

func (w *world) pool(t testing.TB, name, gpu string, perNode, nodes int) *Pool {
	t.Helper()
	g, err := powermodel.Lookup(gpu)
	if err != nil {
		t.Fatal(err)
	}
	n := powermodel.NewNode(g, perNode)
	w.cluster.Pools = append(w.cluster.Pools, cluster.Pool{Name: name, Node: n, Initial: nodes, Max: nodes, ProvisionDelay: time.Minute})
	busy, _ := g.BusyWatts(8)
	w.config.Pools = append(w.config.Pools, Pool{
		Name: name, Product: gpu, GPUsPerNode: perNode, UnitsPerGPU: 1, CPU: "64", Memory: "512Gi",
		Watts: Watts{Base: n.BaseWatts.Value, Bare: g.Bare.Value, Context: g.Context.Value, Busy: busy},
	})
	for i := range w.cluster.Services {
		w.cluster.Services[i].Needs = append(w.cluster.Services[i].Needs, w.cluster.Services[i].Needs[0])
	}
	return &w.config.Pools[len(w.config.Pools)-1]
}

func (w *world) service(name string, part float64) *Service {
	needs := make([]cluster.Need, len(w.cluster.Pools))
	for i := range needs {
		needs[i].Part = part
	}
	w.cluster.Services = append(w.cluster.Services, cluster.Service{Name: name, Needs: needs, ModelLoad: 10 * time.Second})
	w.config.Services = append(w.config.Services, Service{Name: name, Units: 1})
	return &w.config.Services[len(w.config.Services)-1]
}

// start returns the cluster with nothing in it.
func (w *world) start(t testing.TB) (*cluster.Cluster, *diary) {
	t.Helper()
	c, d := w.startWith(t, func(h cluster.Host, seed uint64) (cluster.Scheduler, error) {
		config := w.config
		config.Seed = seed
		return New(&config, h)
	})
	t.Cleanup(c.Close)
	return c, d
}

// startWith starts the cluster with another scheduler; Close is the caller's.
func (w *world) startWith(t testing.TB, with cluster.NewScheduler) (*cluster.Cluster, *diary) {
	t.Helper()
	d := &diary{q: &vtime.Queue{}, placements: map[string]decisions.Placement{}, node: map[string]string{}, uneven: w.uneven}
	w.cluster.NewScheduler = with
	if err := w.config.Check(); err != nil {
		t.Fatal(err)
	}
	var err error
	if d.c, err = cluster.New(w.cluster, d.q, rng.New(1), d, make([]float64, len(w.cluster.Pools))); err != nil {
		t.Fatal(err)
	}
	return d.c, d
}

// template is a service's pod template with this spec, in YAML.
func template(t testing.TB, spec string) *PodTemplate {
	t.Helper()
	var object map[string]any
	if err := yaml.Unmarshal([]byte(spec), &object); err != nil {
		t.Fatal(err)
	}
	p, problems := ParsePodTemplate(map[string]any{"spec": object})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return p
}

func TestDefaultSpreads(t *testing.T) {
	c, d := newWorld(t, "Default").start(t)
	c.Scale(0, 4)
	d.expect(t, "0s ranker-1 on a100-0/0", "0s ranker-2 on a100-1/0", "0s ranker-3 on a100-0/1", "0s ranker-4 on a100-1/1")
}

func TestPackingProfilesFillANodeFirst(t *testing.T) {
	for _, profile := range []string{"BinPacking", "EnergyAware", "CarbonAware"} {
		c, d := newWorld(t, profile).start(t)
		c.SetIntensity(0, 300)
		c.Scale(0, 3)
		d.expect(t, "0s ranker-1 on a100-0/0", "0s ranker-2 on a100-0/1", "0s ranker-3 on a100-1/0")
	}
}

// The node that draws least now is the emptier one: placing by it spreads. Cut off
// to a whole number it says nothing, and the rest of the profile decides.
func TestInversePowerSpreads(t *testing.T) {
	spread := []string{"0s ranker-1 on a100-0/0", "0s ranker-2 on a100-1/0", "0s ranker-3 on a100-0/1"}
	packed := []string{"0s ranker-1 on a100-0/0", "0s ranker-2 on a100-0/1", "0s ranker-3 on a100-1/0"}
	const profile = `profiles: [{plugins: {preScore: {enabled: [{name: EnergyAware}]}, score: {disabled: [{name: '*'}], enabled: [{name: EnergyAware, weight: 100}, {name: NodeResourcesFit, weight: 1}]}},
  pluginConfig: [{name: EnergyAware, args: {scoringStrategy: {type: %s}}},
    {name: NodeResourcesFit, args: {scoringStrategy: {type: %s, resources: [{name: nvidia.com/gpu, weight: 1}]}}}]}]`
	for _, x := range []struct {
		strategy, fit string
		want          []string
	}{
		{"MarginalWatts", "LeastAllocated", packed},
		{"InversePower", "MostAllocated", spread},
		{"InversePowerTruncated", "MostAllocated", packed},
		{"InversePowerTruncated", "LeastAllocated", spread},
	} {
		c, d := configured(t, fmt.Sprintf(profile, x.strategy, x.fit)).start(t)
		c.Scale(0, 3)
		t.Log(x.strategy, x.fit)
		d.expect(t, x.want...)
	}
}

func TestAPodWaitsForRoom(t *testing.T) {
	c, d := newWorld(t, "Default").start(t)
	c.Scale(0, 5)
	if text := d.take(); !strings.HasSuffix(text, "0s ranker-5: 0/2 nodes are available: 2 Insufficient nvidia.com/gpu. no new claims to deallocate, preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.") {
		t.Errorf("%s", text)
	}
	d.runTo(time.Minute)
	c.Scale(0, 4) // the pending one goes first
	c.Scale(0, 5)
	d.take()
	c.Scale(0, 3)
	d.runTo(2 * time.Minute)
	d.take()
	c.Scale(0, 4)
	if text := d.take(); !strings.HasPrefix(text, "2m0s ranker-7 on a100-") {
		t.Errorf("%q, want the freed place taken", text)
	}
}
