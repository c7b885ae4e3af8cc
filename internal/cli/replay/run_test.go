package replay_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kwatt-sim/kwatt/internal/cli"
)

const rush = "../../kube/replay/testdata/rush.yaml"

// What a replay refuses before it starts anything.
func TestRunRefuses(t *testing.T) {
	p := program{t, t.TempDir()}
	for _, x := range []struct {
		code int
		text string
		args string
	}{
		{2, "only the speeds [1 3 5 15] keep them exact", "run " + rush + " --speed 10"},
		{2, "want one of [1 3 5 15]", "run " + rush + " --speed 0"},
		{2, "the scenario has hpa, energy-aware", "run " + rush + " --policy none"},
		{2, "the scenario has hpa, energy-aware", "verify " + rush + " --policy none"},
		{2, "--context and --force go with --kubeconfig", "run " + rush + " --force"},
		{4, "open none.yaml", "run none.yaml"},
		{3, "spec.services[0].model.profile", "run " + rush + " --set spec.services[0].model.profile=none"},
		{6, "read kubeconfig", "run " + rush + " --policy hpa --kubeconfig none"},
		{4, "read verified runs", "parity none"},
	} {
		p.expect(x.code, []string{x.text}, strings.Fields(x.args)...)
	}
}

// A run in a cluster that somebody else holds: two policies, the same results as
// sim writes, and nothing left behind. It is refused where it looks like production.
func TestRunInAClusterOfOthers(t *testing.T) {
	p := program{t, t.TempDir()}
	t.Cleanup(func() { p.run("down", "--name", "others") })
	kubeconfig := strings.TrimSpace(p.expect(0, nil, "up", "--name", "others", "--nodes-ready", "1", "--hpa-sync-period", "1s", "--hpa-downscale-stabilization", "20s"))
	out := filepath.Join(p.home, "results")
	args := []string{"run", rush, "--set", "spec.duration=150s", "--out", out, "--kubeconfig", kubeconfig, "--ledger", "nodes", "--set", "spec.regret=true"}
	stdout, stderr, code := p.run(args...)
	if code == 5 { // the machine was busy
		t.Log("once more after:", stderr)
		stdout, stderr, code = p.run(args...)
	}
	if code != 0 || !strings.Contains(stdout, "replicas mean") {
		t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	}
	if !strings.Contains(stderr, "spec.regret is left out") {
		t.Errorf("nothing is said of spec.regret:\n%s", stderr)
	}
	dirs, err := filepath.Glob(filepath.Join(out, "rush", "*-replay-x15"))
	if err != nil || len(dirs) != 1 {
		t.Fatalf("%v, %v", dirs, err)
	}
	var kept struct {
		Speed int
		Runs  []struct{ Policy string }
	}
	if b, err := os.ReadFile(filepath.Join(dirs[0], "replay.json")); err != nil || json.Unmarshal(b, &kept) != nil || kept.Speed != 15 || len(kept.Runs) != 2 {
		t.Errorf("replay.json: %+v, %v", kept, err)
	}
	var exported, said bytes.Buffer
	env := cli.Env{Args: []string{"export", "scheduler-results", dirs[0], "--policy", "hpa", "-o", "jsonl"}, Stdin: strings.NewReader(""), Stdout: &exported, Stderr: &said,
		Getenv: os.Getenv, Now: time.Now, Context: t.Context()}
	if code := cli.Sim(env); code != 0 || strings.Count(exported.String(), `finalscore-result`) < 2 {
		t.Errorf("sim export scheduler-results: exit code %d\n%s%s", code, exported.String(), said.String())
	}
	client := clientOf(t, kubeconfig)
	nodes, err := client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil || len(nodes.Items) != 1 {
		t.Errorf("%d nodes are left, not the one that was there: %v", len(nodes.Items), err)
	}
	if ns, err := client.CoreV1().Namespaces().Get(t.Context(), "kwatt-replay", metav1.GetOptions{}); err == nil && ns.DeletionTimestamp == nil {
		t.Error("the namespace is left")
	}
	if s, err := client.CoreV1().Services("kube-system").List(t.Context(), metav1.ListOptions{}); err != nil || len(s.Items) > 0 {
		t.Errorf("services %v are left, %v", s.Items, err)
	}
	if _, err := client.CoreV1().Nodes().Create(t.Context(), &v1.Node{ObjectMeta: metav1.ObjectMeta{Name: "prod-1"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	p.expect(2, []string{"looks like production", "prod-1"}, args...)
}
