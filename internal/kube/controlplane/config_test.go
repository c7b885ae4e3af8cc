package controlplane

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"
)

func TestConfigFaultsAllAtOnce(t *testing.T) {
	t.Parallel()
	cfg := Config{
		Name: "Not_a_name", OnExit: "maybe", GOGC: -1, StartTimeout: -time.Second,
		Etcd: EtcdConfig{QuotaBytes: -1},
		ControllerManager: ControllerManagerConfig{
			HPA:               HPAConfig{SyncPeriod: new(time.Duration(0)), DownscaleStabilization: new(-time.Second), Tolerance: new(-0.1)},
			NodeMonitorPeriod: new(time.Duration(0)),
		},
		Kwok:      KwokConfig{NodeLease: new(1500 * time.Millisecond)},
		Scheduler: SchedulerConfig{Config: []byte("apiVersion: v1\nkind: Pod")},
	}
	err := cfg.Validate()
	if err == nil {
		t.Fatal("it is accepted")
	}
	for _, want := range []string{
		`cluster name "Not_a_name"`, `exit policy "maybe"`, "GOGC is -1", "start timeout is -1s", "etcd's quota is -1", "HPA sync period is 0s",
		"downscale stabilization is -1s", "tolerance -0.1", "node monitor period is 0s", "node lease is 1.5s: want whole seconds", "it is a Pod of v1",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q:\n%v", want, err)
		}
	}
	if again := cfg.Validate(); again.Error() != err.Error() {
		t.Errorf("the order of faults changes:\n%v\n%v", err, again)
	}
}

func TestConfigDefaults(t *testing.T) {
	base := t.TempDir()
	t.Setenv("XDG_STATE_HOME", base)
	cfg, err := Config{}.complete()
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Dir != filepath.Join(base, "kwatt", "clusters", "default") || cfg.OnExit != Restart || cfg.StartTimeout != 2*time.Minute {
		t.Errorf("%+v", cfg)
	}
	t.Setenv("XDG_STATE_HOME", "relative")
	t.Setenv("HOME", "/home/u")
	if dir, err := DirOf("x"); err != nil || dir != "/home/u/.local/state/kwatt/clusters/x" {
		t.Errorf("%s, %v", dir, err)
	}
}

// What is left out stays upstream's default: no flag.
func TestUnsetIsNoFlag(t *testing.T) {
	t.Parallel()
	s := &state{}
	for _, c := range Components() {
		s.member(c).Port = 1
	}
	for _, flag := range []string{"--horizontal-pod-autoscaler", "--node-monitor", "--controllers", "--feature-gates", "--concurrent"} {
		for _, a := range argsOf(ControllerManager, Config{}, "/x", s) {
			if strings.HasPrefix(a, flag) {
				t.Errorf("unasked: %s", a)
			}
		}
	}
	cfg := Config{
		FeatureGates: map[string]bool{"B": false, "A": true},
		Etcd:         EtcdConfig{Fsync: true, QuotaBytes: 7, ExtraArgs: []string{"--e"}},
		APIServer:    APIServerConfig{DisableAdmission: []string{"P", "Q"}, ExtraArgs: []string{"--a"}},
		ControllerManager: ControllerManagerConfig{
			HPA: HPAConfig{
				SyncPeriod: new(time.Second), DownscaleStabilization: new(time.Duration(0)), CPUInitialization: new(2 * time.Second),
				InitialReadinessDelay: new(3 * time.Second), Tolerance: new(0.05), ConcurrentSyncs: 9,
			},
			NodeMonitorPeriod: new(time.Second), NodeMonitorGrace: new(4 * time.Second), Controllers: []string{"*", "-ttl"}, ExtraArgs: []string{"--c"},
		},
		Scheduler: SchedulerConfig{ExtraArgs: []string{"--s"}},
		Kwok:      KwokConfig{NodeLease: new(8 * time.Second), PodParallelism: 3, NodeParallelism: 2, Stages: []byte("x")},
	}
	for c, want := range map[Component][]string{
		Etcd:      {"--quota-backend-bytes=7", "--e", "--client-cert-auth=true", "--peer-client-cert-auth=true", "--listen-client-urls=https://127.0.0.1:1"},
		APIServer: {"--disable-admission-plugins=P,Q", "--a", "--anonymous-auth=false", "--feature-gates=A=true,B=false", "--bind-address=127.0.0.1"},
		ControllerManager: {
			"--horizontal-pod-autoscaler-sync-period=1s", "--horizontal-pod-autoscaler-downscale-stabilization=0s",
			"--horizontal-pod-autoscaler-cpu-initialization-period=2s", "--horizontal-pod-autoscaler-initial-readiness-delay=3s",
			"--horizontal-pod-autoscaler-tolerance=0.05", "--concurrent-horizontal-pod-autoscaler-syncs=9",
			"--node-monitor-period=1s", "--node-monitor-grace-period=4s", "--controllers=*,-ttl", "--c", "--feature-gates=A=true,B=false",
		},
		Scheduler: {"--s", "--authorization-always-allow-paths=", "--feature-gates=A=true,B=false"},
		Kwok:      {"--node-lease=8s", "--pod-parallelism=3", "--node-parallelism=2", "--stages=/x/stages.yaml"},
	} {
		got := argsOf(c, cfg, "/x", s)
		for _, w := range want {
			if !slices.Contains(got, w) {
				t.Errorf("%s lacks %s:\n%s", c, w, strings.Join(got, "\n"))
			}
		}
		if again := argsOf(c, cfg, "/x", s); !slices.Equal(got, again) {
			t.Errorf("the order of %s's arguments changes", c)
		}
	}
	if slices.Contains(argsOf(Etcd, cfg, "/x", s), "--unsafe-no-fsync=true") {
		t.Error("etcd does not sync although it was asked to")
	}
}

func TestSchedulerConfigIsTurnedToTheCluster(t *testing.T) {
	t.Parallel()
	out, err := schedulerConfig([]byte(`
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
clientConnection: {kubeconfig: /elsewhere, qps: 7}
leaderElection: {leaderElect: true}
podMaxBackoffSeconds: 2000000
profiles: [{schedulerName: default-scheduler, plugins: {multiPoint: {enabled: [{name: EnergyAware, weight: 5}]}}}]
`), "/mine")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		ClientConnection struct {
			Kubeconfig string
			QPS, Burst int
		}
		LeaderElection       struct{ LeaderElect bool }
		PodMaxBackoffSeconds int64
		Profiles             []any
	}
	if err := yaml.Unmarshal(out, &doc); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if c := doc.ClientConnection; c.Kubeconfig != "/mine" || c.QPS != 7 || c.Burst != apiQPS || doc.LeaderElection.LeaderElect ||
		doc.PodMaxBackoffSeconds != 2_000_000 || len(doc.Profiles) != 1 {
		t.Errorf("%+v\n%s", doc, out)
	}
	for text, want := range map[string]string{
		"kind: KubeSchedulerConfiguration": "want kind: KubeSchedulerConfiguration, apiVersion: kubescheduler.config.k8s.io/v1",
		"a: 1\na: 2":                       `key "a" already set`,
		"apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nleaderElection: no": "leaderElection is no object",
	} {
		if _, err := schedulerConfig([]byte(text), ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestEnvironmentIsOurs(t *testing.T) {
	for _, name := range []string{"ETCD_DATA_DIR", "KWOK_CONFIG", "KUBECONFIG", "HTTPS_PROXY", "KUBERNETES_SERVICE_HOST", "KUBE_FEATURE_WatchListClient"} {
		t.Setenv(name, "stray")
	}
	for _, v := range environment(Config{GOGC: 400}, "/x") {
		if strings.Contains(v, "stray") {
			t.Errorf("it is passed on: %s", v)
		}
	}
	if !slices.Contains(environment(Config{GOGC: 400}, "/x"), "GOGC=400") {
		t.Error("GOGC is not passed on")
	}
}

func TestLayoutRefusesOthersFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "thesis.tex"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := makeLayout(dir); err == nil || !strings.Contains(err.Error(), "thesis.tex, which is no cluster's") {
		t.Errorf("error %v", err)
	}
	// What comes later stays.
	l, err := makeLayout(filepath.Join(dir, "new"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(slices.Clone(allEntries), "notes.txt", stateFile+".123") {
		if err := os.WriteFile(l.path(name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.clear(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(string(l))
	if err != nil || len(entries) != 1 || entries[0].Name() != "notes.txt" {
		t.Errorf("left %v, %v", entries, err)
	}
}
