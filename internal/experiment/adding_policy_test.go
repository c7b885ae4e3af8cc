package experiment

import (
	"os"
	"strings"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/experiment/testdata/inflight"
	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/scenario"
)

// The policy of docs/adding-a-policy.md, which nothing outside its folder knows,
// is run from a scenario and follows its load.
func TestAddingAPolicy(t *testing.T) {
	text := readText(t, "testdata/inflight/scenario.yaml")
	f, err := scenario.Parse([]byte(text), "scenario.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	configs, err := Compile(f, []string{"one", "concurrency"})
	if err != nil {
		t.Fatal(err)
	}
	all := runs(t, configs, 1)
	if len(all) != 2 {
		t.Fatalf("%d runs", len(all))
	}
	ups, downs := 0, 0
	for _, d := range all[1].Decisions {
		if d.Kind != decisions.Scale {
			continue
		}
		if !strings.Contains(d.Reason, "requests in flight, 2 a replica") {
			t.Errorf("at %v s: %q", d.T, d.Reason)
		}
		if d.To > d.From {
			ups++
		} else {
			downs++
		}
	}
	if ups == 0 || downs == 0 {
		t.Errorf("%d decisions for more and %d for fewer replicas, want both: the load triples and falls again", ups, downs)
	}
	fixed, follows := all[0].Metrics["latency_p95_seconds"], all[1].Metrics["latency_p95_seconds"]
	if !(follows < fixed) {
		t.Errorf("p95 %v s, of one replica %v s", follows, fixed)
	}

	for from, want := range map[string]string{
		"maxReplicas: 8":            "minReplicas: 9, maxReplicas: 8",
		"target: 2, maxReplicas: 8": "target: 0, maxReplicas: 8",
		"{target: 2,":               "{traget: 2,",
	} {
		bad := strings.Replace(text, from, want, 1)
		_, err := scenario.Parse([]byte(bad), "scenario.yaml", nil)
		if err == nil || !strings.Contains(err.Error(), "scenario.yaml:20:") || !strings.Contains(err.Error(), "spec.policies[1].scaler.inFlight") {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestInFlightDecides(t *testing.T) {
	kind, err := policies.Find("inFlight")
	if err != nil {
		t.Fatal(err)
	}
	config := kind.NewConfig().(*inflight.Config)
	config.Target, config.MaxReplicas = 4, 10
	s, err := kind.New(config, policies.Model{})
	if err != nil {
		t.Fatal(err)
	}
	pod := func(inFlight float64) policies.Pod {
		return policies.Pod{HasMetrics: true, Metrics: policies.PodMetrics{InFlight: inFlight}}
	}
	for _, c := range []struct {
		name string
		o    policies.Observation
		want int
	}{
		{"before the first scrape nothing changes", policies.Observation{Desired: 3}, 3},
		{"a part of a replica is a replica", policies.Observation{Valid: true, Pods: []policies.Pod{pod(4), pod(4.1)}}, 3},
		{"never below the least", policies.Observation{Valid: true, Desired: 3}, 1},
		{"never above the most", policies.Observation{Valid: true, Pods: []policies.Pod{pod(400)}}, 10},
		{"a pod without metrics counts nothing", policies.Observation{Valid: true, Pods: []policies.Pod{pod(5), {Metrics: policies.PodMetrics{InFlight: 99}}}}, 2},
	} {
		if d := s.Decide(c.o); d.Replicas != c.want || d.Reason == "" {
			t.Errorf("%s: %+v, want %d", c.name, d, c.want)
		}
	}
}

// What the page shows is what is tested.
func TestAddingAPolicyPage(t *testing.T) {
	page := readText(t, "../../docs/adding-a-policy.md")
	for _, file := range []string{"inflight.go", "scenario.yaml"} {
		if code := readText(t, "testdata/inflight/"+file); !strings.Contains(page, "\n"+code+"```\n") {
			t.Errorf("docs/adding-a-policy.md does not show testdata/inflight/%s as it is", file)
		}
	}
}

func readText(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
