package archtest

import (
	"os/exec"
	"strings"
	"testing"
)

// sim stays light: building it must not compile a control plane, which takes
// minutes and a hundred megabytes.
func TestSimHoldsNoControlPlane(t *testing.T) {
	heavy := []string{
		"go.etcd.io/etcd/server/v3/etcdmain", "k8s.io/kubernetes/cmd/kube-apiserver/app", "k8s.io/kubernetes/cmd/kube-controller-manager/app",
		"sigs.k8s.io/kwok/pkg/kwok/controllers", module + "internal/kube/controlplane",
	}
	sim, replay := depsOf(t, "cmd/sim"), depsOf(t, "cmd/replay")
	for _, p := range heavy {
		if sim[p] {
			t.Errorf("cmd/sim links %s", p)
		}
		if !replay[p] { // else the name is wrong, and the check above checks nothing
			t.Errorf("cmd/replay does not link %s", p)
		}
	}
}

func depsOf(t *testing.T, command string) map[string]bool {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps", module+command).Output()
	if err != nil {
		t.Fatalf("go list -deps %s: %v", command, err)
	}
	deps := map[string]bool{}
	for p := range strings.Lines(string(out)) {
		deps[strings.TrimSpace(p)] = true
	}
	return deps
}
