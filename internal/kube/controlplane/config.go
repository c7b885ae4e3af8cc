package controlplane

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"
)

// Component names a process of the control plane.
type Component string

// The components, in the order in which they start.
const (
	Etcd              Component = "etcd"
	APIServer         Component = "kube-apiserver"
	ControllerManager Component = "kube-controller-manager"
	Scheduler         Component = "kube-scheduler"
	Kwok              Component = "kwok"
)

// Components lists all of them in the order in which they start.
func Components() []Component {
	return []Component{Etcd, APIServer, ControllerManager, Scheduler, Kwok}
}

// ParseComponent finds a component by its name.
func ParseComponent(name string) (Component, error) {
	if c := Component(name); slices.Contains(Components(), c) {
		return c, nil
	}
	return "", fmt.Errorf("component %q: want one of %v", name, Components())
}

// ExitPolicy says what the launcher does about a component that ended by itself.
type ExitPolicy string

// The exit policies. Either way the exit is recorded.
const (
	Restart ExitPolicy = "restart" // start it again, as a kubelet does
	Report  ExitPolicy = "report"  // leave it down
)

// DefaultName is the name of a cluster that was given none.
const DefaultName = "default"

// Config says how a cluster is to be. Its zero value is a cluster with
// Kubernetes' own defaults. A nil pointer leaves a flag at upstream's default.
type Config struct {
	// Name tells clusters of one user apart; empty is DefaultName.
	Name string `json:"name"`
	// Dir is the cluster's folder; empty is DirOf(Name).
	Dir string `json:"dir"`
	// Program is recorded as the version of the program that starts the cluster.
	Program string `json:"program,omitempty"`
	// StartTimeout is how long the whole start may take; zero is two minutes.
	StartTimeout time.Duration `json:"startTimeout,omitempty"`
	// OnExit is what happens when a component ends by itself; empty is Restart.
	OnExit ExitPolicy `json:"onExit,omitempty"`
	// GOGC of the components, in percent; zero is Go's default. 400 is faster
	// under load and takes two to three times the memory.
	GOGC int `json:"gogc,omitempty"`
	// FeatureGates of the API server, the controller manager and the scheduler.
	FeatureGates map[string]bool `json:"featureGates,omitempty"`

	Etcd              EtcdConfig              `json:"etcd"`
	APIServer         APIServerConfig         `json:"apiServer"`
	ControllerManager ControllerManagerConfig `json:"controllerManager"`
	Scheduler         SchedulerConfig         `json:"scheduler"`
	Kwok              KwokConfig              `json:"kwok"`
}

// EtcdConfig is about etcd.
type EtcdConfig struct {
	// Fsync makes writes durable against a crash of the machine. A cluster for
	// replays needs that as little as it outlives its machine.
	Fsync bool `json:"fsync,omitempty"`
	// QuotaBytes is the size at which etcd takes no more writes; zero is 4 GiB.
	QuotaBytes int64 `json:"quotaBytes,omitempty"`
	// ExtraArgs come last on the command line.
	ExtraArgs []string `json:"extraArgs,omitempty"`
}

// APIServerConfig is about kube-apiserver.
type APIServerConfig struct {
	// DisableAdmission names admission plugins to turn off, for instance
	// TaintNodesByCondition, with which a new node is tainted until the
	// controller manager has seen it Ready.
	DisableAdmission []string `json:"disableAdmission,omitempty"`
	// ExtraArgs come last on the command line.
	ExtraArgs []string `json:"extraArgs,omitempty"`
}

// ControllerManagerConfig is about kube-controller-manager.
type ControllerManagerConfig struct {
	HPA HPAConfig `json:"hpa"`
	// NodeMonitorPeriod is how often node leases are looked at (5 s).
	NodeMonitorPeriod *time.Duration `json:"nodeMonitorPeriod,omitempty"`
	// NodeMonitorGrace is how long a node may be silent before it is NotReady (50 s).
	NodeMonitorGrace *time.Duration `json:"nodeMonitorGrace,omitempty"`
	// Controllers to run, as for --controllers; nil is "*".
	Controllers []string `json:"controllers,omitempty"`
	// ExtraArgs come last on the command line.
	ExtraArgs []string `json:"extraArgs,omitempty"`
}

// HPAConfig is about the horizontal pod autoscaler; upstream's defaults in
// brackets. Durations are real time: under compressed time, divide them first.
type HPAConfig struct {
	SyncPeriod             *time.Duration `json:"syncPeriod,omitempty"`             // [15 s]
	DownscaleStabilization *time.Duration `json:"downscaleStabilization,omitempty"` // [5 m] of an HPA that sets none
	CPUInitialization      *time.Duration `json:"cpuInitialization,omitempty"`      // [5 m]
	InitialReadinessDelay  *time.Duration `json:"initialReadinessDelay,omitempty"`  // [30 s]
	Tolerance              *float64       `json:"tolerance,omitempty"`              // [0.1] of the ratio
	ConcurrentSyncs        int            `json:"concurrentSyncs,omitempty"`        // [5]; zero is the default
}

// SchedulerConfig is about kube-scheduler.
type SchedulerConfig struct {
	// Program, if set, is the path of another program that is the scheduler: it is
	// started with the arguments of a component. It gets the administrator's
	// kubeconfig, because kube-scheduler's role may not write a pod's annotations.
	Program string `json:"program,omitempty"`
	// Config is a KubeSchedulerConfiguration in YAML; nil is upstream's default
	// profile. Its connection and leader election are replaced.
	Config []byte `json:"config,omitempty"`
	// Placements makes it write down what its plugins say in each cycle, see
	// Cluster.Placements. It takes some more time for each pod.
	Placements bool `json:"placements,omitempty"`
	// ExtraArgs come last on the command line.
	ExtraArgs []string `json:"extraArgs,omitempty"`
}

// KwokConfig is about kwok.
type KwokConfig struct {
	// Stages are kwok Stage documents in YAML that replace the default ones; nil
	// is kwok's: nodes and pods are Ready at once, pods go when deleted.
	Stages []byte `json:"stages,omitempty"`
	// NodeSelector, a label selector, is which nodes it plays; empty is all.
	NodeSelector string `json:"nodeSelector,omitempty"`
	// NodeLease is how long a node's lease lasts, renewed four times as often,
	// in whole seconds; nil is 40 s.
	NodeLease *time.Duration `json:"nodeLease,omitempty"`
	// PodParallelism and NodeParallelism bound the stages played at once; zero is 16.
	PodParallelism  int `json:"podParallelism,omitempty"`
	NodeParallelism int `json:"nodeParallelism,omitempty"`
}

const (
	defaultStartTimeout = 2 * time.Minute
	defaultQuota        = 4 << 30
)

var validName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// Validate checks the Config, all faults at once.
func (c Config) Validate() error {
	_, err := c.complete()
	return err
}

// complete fills in what was left out and checks the rest, all faults at once.
func (c Config) complete() (Config, error) {
	if c.Name == "" {
		c.Name = DefaultName
	}
	var errs []error
	if err := checkName(c.Name); err != nil {
		errs = append(errs, err)
	} else if c.Dir == "" {
		dir, err := DirOf(c.Name)
		if err != nil {
			errs = append(errs, err)
		}
		c.Dir = dir
	}
	if c.StartTimeout == 0 {
		c.StartTimeout = defaultStartTimeout
	}
	if c.OnExit == "" {
		c.OnExit = Restart
	}
	if c.OnExit != Restart && c.OnExit != Report {
		errs = append(errs, fmt.Errorf("exit policy %q: want %s or %s", c.OnExit, Restart, Report))
	}
	if c.Etcd.QuotaBytes == 0 {
		c.Etcd.QuotaBytes = defaultQuota
	}
	errs = append(errs, c.checkDurations()...)
	if c.Scheduler.Placements && c.Scheduler.Program != "" {
		errs = append(errs, fmt.Errorf("placements are recorded by the scheduler of this program, not by %s: leave one of the two out", c.Scheduler.Program))
	}
	if _, err := schedulerConfig(c.Scheduler.Config, ""); err != nil {
		errs = append(errs, err)
	}
	if t := c.ControllerManager.HPA.Tolerance; t != nil && !(*t >= 0 && *t < 100) {
		errs = append(errs, fmt.Errorf("HPA tolerance %v: want a ratio from 0 up, for instance 0.1", *t))
	}
	for what, n := range map[string]int{"GOGC": c.GOGC, "concurrent HPA syncs": c.ControllerManager.HPA.ConcurrentSyncs,
		"kwok's pod parallelism": c.Kwok.PodParallelism, "kwok's node parallelism": c.Kwok.NodeParallelism} {
		if n < 0 {
			errs = append(errs, fmt.Errorf("%s is %d: want 0 (the default) or more", what, n))
		}
	}
	if c.Etcd.QuotaBytes < 0 {
		errs = append(errs, fmt.Errorf("etcd's quota is %d bytes: want 0 (the default) or more", c.Etcd.QuotaBytes))
	}
	slices.SortFunc(errs, func(a, b error) int { return bytes.Compare([]byte(a.Error()), []byte(b.Error())) })
	return c, errors.Join(errs...)
}

func (c Config) checkDurations() (errs []error) {
	cm := c.ControllerManager
	for what, d := range map[string]*time.Duration{
		"HPA sync period": cm.HPA.SyncPeriod, "node monitor period": cm.NodeMonitorPeriod, "node monitor grace": cm.NodeMonitorGrace,
		"start timeout": &c.StartTimeout,
	} {
		if d != nil && *d <= 0 {
			errs = append(errs, fmt.Errorf("%s is %v: want more than 0", what, *d))
		}
	}
	for what, d := range map[string]*time.Duration{
		"HPA downscale stabilization": cm.HPA.DownscaleStabilization, "HPA CPU initialization period": cm.HPA.CPUInitialization,
		"HPA initial readiness delay": cm.HPA.InitialReadinessDelay,
	} {
		if d != nil && *d < 0 {
			errs = append(errs, fmt.Errorf("%s is %v: want 0 or more", what, *d))
		}
	}
	if d := c.Kwok.NodeLease; d != nil && (*d < time.Second || *d%time.Second != 0) {
		errs = append(errs, fmt.Errorf("node lease is %v: want whole seconds, at least 1s", *d))
	}
	return errs
}

func checkName(name string) error {
	if !validName.MatchString(name) {
		return fmt.Errorf("cluster name %q: want lower-case letters, digits and inner dashes, 63 at most", name)
	}
	return nil
}

// writeConfig keeps the Config in the cluster's folder, for readers.
func writeConfig(c Config, l layout) error {
	data, err := json.MarshalIndent(c, "", "  ")
	if err == nil {
		err = writePrivate(l.path(configFile), append(data, '\n'))
	}
	if err != nil {
		return fmt.Errorf("write the cluster's configuration: %w", err)
	}
	return nil
}
