package controlplane

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"sigs.k8s.io/yaml"
)

// apiQPS is the rate at which components may call the API server. Kubernetes'
// own limits (20 to 50 a second) would bind first when time is compressed.
const apiQPS = 5000

// serviceRange are the addresses of Services; nothing routes them here.
const serviceRange = "10.96.0.0/16"

// flags is a component's command line.
type flags []string

func (f *flags) set(name string, value any) { *f = append(*f, fmt.Sprintf("--%s=%v", name, value)) }

// duration sets a flag that may be left at its default.
func (f *flags) duration(name string, d *time.Duration) {
	if d != nil {
		f.set(name, *d)
	}
}

// serve makes a component of Kubernetes serve on loopback with TLS.
func (f *flags) serve(l layout, c Component, port int) {
	f.set("bind-address", "127.0.0.1")
	f.set("secure-port", port)
	f.set("tls-cert-file", l.cert(serving(c)))
	f.set("tls-private-key-file", l.key(serving(c)))
	f.set("client-ca-file", l.cert(clusterCA))
}

// admitMasters refuses all requests without a certificate of a system:masters,
// health checks included, without asking the API server.
func (f *flags) admitMasters() {
	f.set("authorization-always-allow-paths", "")
	f.set("authentication-skip-lookup", true)
}

func (f *flags) gates(gates map[string]bool) {
	if len(gates) == 0 {
		return
	}
	var list []string
	for _, name := range slices.Sorted(maps.Keys(gates)) {
		list = append(list, fmt.Sprintf("%s=%v", name, gates[name]))
	}
	f.set("feature-gates", strings.Join(list, ","))
}

// argsOf are the arguments of a component. The ports of those that started
// before it are in the state.
func argsOf(c Component, cfg Config, l layout, s *state) []string {
	switch c {
	case Etcd:
		return etcdArgs(cfg, l, s.member(c))
	case APIServer:
		return apiServerArgs(cfg, l, s.member(c).Port, s.member(Etcd).Port)
	case ControllerManager:
		return controllerManagerArgs(cfg, l, s.member(c).Port)
	case Scheduler:
		return schedulerArgs(cfg, l, s.member(c).Port)
	case Kwok:
		return kwokArgs(cfg, l, s.member(c).Port)
	}
	panic("controlplane: no such component: " + string(c))
}

func etcdArgs(cfg Config, l layout, m *member) []string {
	var f flags
	f.set("name", "kwatt")
	f.set("data-dir", l.path(etcdDir))
	f.set("listen-client-urls", loopbackURL(m.Port))
	f.set("advertise-client-urls", loopbackURL(m.Port))
	f.set("listen-peer-urls", loopbackURL(m.PeerPort))
	f.set("initial-advertise-peer-urls", loopbackURL(m.PeerPort))
	f.set("initial-cluster", "kwatt="+loopbackURL(m.PeerPort))
	for prefix, cert := range map[string]string{"": serving(Etcd), "peer-": etcdPeerCert} {
		f.set(prefix+"cert-file", l.cert(cert))
		f.set(prefix+"key-file", l.key(cert))
		f.set(prefix+"trusted-ca-file", l.cert(etcdCA))
		f.set(prefix+"client-cert-auth", true)
	}
	slices.Sort(f) // the map has no order
	f.set("enable-grpc-gateway", false)
	f.set("log-level", "warn")
	f.set("quota-backend-bytes", cfg.Etcd.QuotaBytes)
	if !cfg.Etcd.Fsync {
		f.set("unsafe-no-fsync", true)
	}
	return append(f, cfg.Etcd.ExtraArgs...)
}

func apiServerArgs(cfg Config, l layout, port, etcdPort int) []string {
	var f flags
	f.serve(l, APIServer, port)
	f.set("advertise-address", "127.0.0.1") // else it looks for another interface and fails without one
	f.set("cert-dir", l.path(pkiDir))
	f.set("etcd-servers", loopbackURL(etcdPort))
	f.set("etcd-cafile", l.cert(etcdCA))
	f.set("etcd-certfile", l.cert(etcdClientCert))
	f.set("etcd-keyfile", l.key(etcdClientCert))
	f.set("anonymous-auth", false)
	f.set("authorization-mode", "RBAC")
	f.set("service-account-issuer", "https://kubernetes.default.svc")
	f.set("service-account-key-file", l.key(accountKey))
	f.set("service-account-signing-key-file", l.key(accountKey))
	f.set("service-cluster-ip-range", serviceRange)
	f.set("endpoint-reconciler-type", "none") // a Service may not point to loopback
	f.set("allow-privileged", true)
	f.set("requestheader-client-ca-file", l.cert(frontProxyCA))
	f.set("requestheader-allowed-names", FrontProxyUser)
	f.set("requestheader-username-headers", "X-Remote-User")
	f.set("requestheader-group-headers", "X-Remote-Group")
	f.set("requestheader-extra-headers-prefix", "X-Remote-Extra-")
	f.set("proxy-client-cert-file", l.cert(frontProxyCert))
	f.set("proxy-client-key-file", l.key(frontProxyCert))
	// There is one tenant; queues would only delay it.
	f.set("enable-priority-and-fairness", false)
	f.set("max-requests-inflight", 0)
	f.set("max-mutating-requests-inflight", 0)
	if off := cfg.APIServer.DisableAdmission; len(off) > 0 {
		f.set("disable-admission-plugins", strings.Join(off, ","))
	}
	f.gates(cfg.FeatureGates)
	return append(f, cfg.APIServer.ExtraArgs...)
}

func controllerManagerArgs(cfg Config, l layout, port int) []string {
	cm := cfg.ControllerManager
	var f flags
	f.serve(l, ControllerManager, port)
	f.admitMasters()
	f.set("kubeconfig", l.kubeconfig(ControllerManager))
	f.set("kube-api-qps", apiQPS)
	f.set("kube-api-burst", apiQPS)
	f.set("leader-elect", false)
	f.set("use-service-account-credentials", true)
	f.set("service-account-private-key-file", l.key(accountKey))
	f.set("root-ca-file", l.cert(clusterCA))
	if cm.Controllers != nil {
		f.set("controllers", strings.Join(cm.Controllers, ","))
	}
	f.duration("horizontal-pod-autoscaler-sync-period", cm.HPA.SyncPeriod)
	f.duration("horizontal-pod-autoscaler-downscale-stabilization", cm.HPA.DownscaleStabilization)
	f.duration("horizontal-pod-autoscaler-cpu-initialization-period", cm.HPA.CPUInitialization)
	f.duration("horizontal-pod-autoscaler-initial-readiness-delay", cm.HPA.InitialReadinessDelay)
	if t := cm.HPA.Tolerance; t != nil {
		f.set("horizontal-pod-autoscaler-tolerance", strconv.FormatFloat(*t, 'g', -1, 64))
	}
	if n := cm.HPA.ConcurrentSyncs; n > 0 {
		f.set("concurrent-horizontal-pod-autoscaler-syncs", n)
	}
	f.duration("node-monitor-period", cm.NodeMonitorPeriod)
	f.duration("node-monitor-grace-period", cm.NodeMonitorGrace)
	f.gates(cfg.FeatureGates)
	return append(f, cm.ExtraArgs...)
}

func schedulerArgs(cfg Config, l layout, port int) []string {
	var f flags
	f.serve(l, Scheduler, port)
	f.admitMasters()
	f.set("config", l.path(schedulerFile))
	if cfg.Scheduler.Placements {
		f.set(PlacementsFlag, l.path(placementsFile))
	}
	f.gates(cfg.FeatureGates)
	return append(f, cfg.Scheduler.ExtraArgs...)
}

// PlacementsFlag is a flag of component kube-scheduler that upstream's has not: a
// file to which it appends what its plugins say, see package placements.
const PlacementsFlag = "placements"

// The flags of component kwok are our own: see package component.
func kwokArgs(cfg Config, l layout, port int) []string {
	var f flags
	f.set("kubeconfig", l.kubeconfig(Kwok))
	f.set("listen", loopback(port))
	f.set("tls-cert-file", l.cert(serving(Kwok)))
	f.set("tls-private-key-file", l.key(serving(Kwok)))
	f.set("client-ca-file", l.cert(clusterCA))
	if cfg.Kwok.Stages != nil {
		f.set("stages", l.path(stagesFile))
	}
	if cfg.Kwok.NodeSelector != "" {
		f.set("node-selector", cfg.Kwok.NodeSelector)
	}
	f.duration("node-lease", cfg.Kwok.NodeLease)
	if n := cfg.Kwok.PodParallelism; n > 0 {
		f.set("pod-parallelism", n)
	}
	if n := cfg.Kwok.NodeParallelism; n > 0 {
		f.set("node-parallelism", n)
	}
	return f
}

// environment is all that a component sees of ours. Variables of etcd, kwok and
// client-go would change what they do.
func environment(cfg Config, l layout) []string {
	env := []string{"HOME=" + string(l), "KWOK_WORKDIR=" + l.path("kwok")}
	if cfg.GOGC > 0 {
		env = append(env, "GOGC="+strconv.Itoa(cfg.GOGC))
	}
	for _, name := range []string{"PATH", "TMPDIR", "TZ"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// writeConfigFiles writes the files that components are pointed to.
func writeConfigFiles(cfg Config, l layout) error {
	kubeconfig := l.kubeconfig(Scheduler)
	if cfg.Scheduler.Program != "" {
		kubeconfig = l.path(adminFile)
	}
	scheduler, err := schedulerConfig(cfg.Scheduler.Config, kubeconfig)
	if err != nil {
		return err
	}
	errs := []error{writePrivate(l.path(schedulerFile), scheduler)}
	if cfg.Kwok.Stages != nil {
		errs = append(errs, writePrivate(l.path(stagesFile), cfg.Kwok.Stages))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("write the components' configuration: %w", err)
	}
	return nil
}

// schedulerConfig is the user's KubeSchedulerConfiguration, turned to this cluster.
func schedulerConfig(user []byte, kubeconfig string) ([]byte, error) {
	const kind, group = "KubeSchedulerConfiguration", "kubescheduler.config.k8s.io/"
	doc := map[string]any{"apiVersion": group + "v1", "kind": kind}
	if user != nil {
		doc = map[string]any{}
		if err := yaml.UnmarshalStrict(user, &doc); err != nil {
			return nil, fmt.Errorf("scheduler configuration: %w", err)
		}
		if version, _ := doc["apiVersion"].(string); doc["kind"] != kind || !strings.HasPrefix(version, group) {
			return nil, fmt.Errorf("scheduler configuration: it is a %v of %v, want kind: %s, apiVersion: %sv1", doc["kind"], doc["apiVersion"], kind, group)
		}
	}
	connection, err := section(doc, "clientConnection")
	if err != nil {
		return nil, err
	}
	connection["kubeconfig"] = kubeconfig
	for _, limit := range []string{"qps", "burst"} {
		if _, ok := connection[limit]; !ok {
			connection[limit] = apiQPS
		}
	}
	election, err := section(doc, "leaderElection")
	if err != nil {
		return nil, err
	}
	election["leaderElect"] = false
	out, err := yaml.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("scheduler configuration: %w", err)
	}
	return out, nil
}

func section(doc map[string]any, name string) (map[string]any, error) {
	if doc[name] == nil {
		doc[name] = map[string]any{}
	}
	s, ok := doc[name].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("scheduler configuration: %s is no object", name)
	}
	return s, nil
}
