// Package scheduler is the upstream kube-scheduler in process, on the virtual
// clock: its cache, queue, framework, default plugins and preemption, called
// synchronously. What an API server's watch would tell it comes through the
// methods of cluster.Scheduler, and each becomes the calls that upstream's
// event handlers make (pkg/scheduler/eventhandlers.go); what it would write
// to the API server goes to the cluster.Host.
//
// # What is not upstream's
//
// The loop around the scheduling cycle (loop.go) stands for scheduleOnePod and
// its binding goroutine: a binding takes no time. Three choices that
// upstream leaves to chance are fixed in preemption (preemption.go). Two feature gates
// are off, batching and asynchronous preemption, and parallelism is 1: all three depend on
// wall time or goroutines. A filter GPUDevices stands for the device plugin where
// pods share GPUs (devices.go).
package scheduler

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	v1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/types"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"

	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// Config is a kube-scheduler and the objects it will see. It is shared by the
// replications, which do not change it.
type Config struct {
	Configuration *Configuration
	Pools         []Pool    // by index of cluster.Node.Pool
	Services      []Service // by index of cluster.Pod.Service
	// Seed draws among nodes of equal scores when SeededTies is set; else the
	// first in kube-scheduler's list is taken, as upstream does since 1.35.
	Seed       uint64
	SeededTies bool
	// Explain keeps each node's filter and score results of every placement.
	Explain bool
	// Devices makes GPUDevices part of the profile: pods share GPUs, or some
	// pool cannot run some service.
	Devices bool
	// Forgetful asks every plugin about every node in every cycle, as upstream
	// does; else what cannot have changed is remembered (memo), and nobody is
	// looked for to preempt where there can be nobody. It is slower, and decides
	// the same.
	Forgetful bool
}

// Check returns what is wrong with the configuration as a whole.
func (c *Config) Check() error {
	for _, s := range c.Services {
		p, err := s.pod()
		if err != nil {
			return err
		}
		if !c.Configuration.serves(p.Spec.SchedulerName) {
			return fmt.Errorf("service %s: its pods ask for the scheduler %q, which the configuration has no profile for", s.Name, p.Spec.SchedulerName)
		}
	}
	return nil
}

func (c *Configuration) serves(name string) bool {
	for _, p := range c.internal.Profiles {
		if p.SchedulerName == name {
			return true
		}
	}
	return false
}

// Scheduler implements cluster.Scheduler.
type Scheduler struct {
	*upstreamScheduler
	host       cluster.Host
	cfg        *Config
	clock      *virtualClock
	templates  []*v1.Pod                       // by service
	budgets    []*policyv1.PodDisruptionBudget // by service, nil without one
	nodes      map[*cluster.Node]*v1.Node
	byName     map[string]*cluster.Node
	pods       map[*cluster.Pod]*v1.Pod
	podByName  map[string]*cluster.Pod
	version    int64                          // of objects
	calls      []apiCall                      // made by the cycle that runs
	inCycle    *cluster.Pod                   // the pod it is about
	ready      int                            // pods that can be popped for certain
	preempted  preempted                      // in this instant
	held       []heldPod                      // in order of their time
	woken      vtime.Time                     // the instant for which events have asked for a call of Schedule
	retry      retry                          // of pods that have been unschedulable for long
	frameworks map[string]framework.Framework // by profile: upstream's, or memos of them
	second     *twin
	nodeList   nodeList       // of the memos
	nominees   int            // pods that wait and have a nominated node
	fork       *forkFramework // made when first needed
	explainer  *explainer     // with Config.Explain
}

// New returns a scheduler for one replication.
func New(c *Config, h cluster.Host) (*Scheduler, error) {
	s := &Scheduler{
		host: h, cfg: c, clock: newClock(), retry: upstreamRetry, woken: -1,
		nodes: map[*cluster.Node]*v1.Node{}, byName: map[string]*cluster.Node{},
		pods: map[*cluster.Pod]*v1.Pod{}, podByName: map[string]*cluster.Pod{},
	}
	s.clock.set(s.now())
	for _, service := range c.Services {
		p, err := service.pod()
		if err != nil {
			return nil, err
		}
		s.templates = append(s.templates, p)
	}
	var err error
	if s.upstreamScheduler, err = newUpstreamWith(c.profiles(), c.Configuration.internal, s.ownPlugins(), s, s.clock); err != nil {
		return nil, fmt.Errorf("make kube-scheduler: %w", err)
	}
	if err := errors.Join(s.addServices(), s.addViews()); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// addViews adds what stands beside the upstream frameworks.
func (s *Scheduler) addViews() (err error) {
	s.frameworks = s.Profiles
	if !s.cfg.Forgetful {
		if s.frameworks, err = s.newMemos(); err != nil {
			return err
		}
	}
	if s.cfg.Explain {
		t, err := s.twin()
		s.explainer = &explainer{s, t}
		return err
	}
	return nil
}

// profiles are the configuration's, with the plugins that the other fields ask for.
func (c *Config) profiles() []config.KubeSchedulerProfile {
	profiles := c.Configuration.internal.Profiles
	if c.SeededTies {
		profiles = withSeededTies(profiles)
	}
	if c.Devices {
		profiles = withDevices(profiles)
	}
	return profiles
}

// ownPlugins are the plugins that belong to this scheduler alone.
func (s *Scheduler) ownPlugins() frameworkruntime.Registry {
	lowest := int32(math.MinInt32)
	if !s.cfg.Forgetful && len(s.templates) > 0 {
		lowest = corev1helpers.PodPriority(slices.MinFunc(s.templates, func(a, b *v1.Pod) int {
			return cmp.Compare(corev1helpers.PodPriority(a), corev1helpers.PodPriority(b))
		}))
	}
	return frameworkruntime.Registry{
		preemptionName: newPreemptionAbove(lowest), tiesName: newTies(s.cfg.Seed), devicesName: devices{s.host, s.byName, s.podByName}.factory,
	}
}

// addServices adds the objects besides pods that the plugins look up.
func (s *Scheduler) addServices() error {
	for i, service := range s.cfg.Services {
		if err := s.informers.Apps().V1().ReplicaSets().Informer().GetIndexer().Add(service.replicaSet(s.templates[i])); err != nil {
			return err
		}
		b := service.budget(s.templates[i])
		if s.budgets = append(s.budgets, b); b == nil {
			continue
		}
		if err := s.informers.Policy().V1().PodDisruptionBudgets().Informer().GetIndexer().Add(b); err != nil {
			return err
		}
	}
	return nil
}

// Close implements cluster.Scheduler.
func (s *Scheduler) Close() {
	if s.upstreamScheduler != nil {
		s.cancel()
	}
}

// epoch is the date of the scenario's start in the objects' timestamps.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func (s *Scheduler) now() time.Time { return epoch.Add(time.Duration(s.host.Now())) }

// nextVersion returns a new resource version.
func (s *Scheduler) nextVersion() string {
	s.version++
	return fmt.Sprint(s.version)
}

// newVersion returns a copy of a pod to change: of its own fields, not of what
// they refer to, which is replaced as a whole or stays.
func (s *Scheduler) newVersion(p *v1.Pod) *v1.Pod {
	o := *p
	o.ResourceVersion = s.nextVersion()
	return &o
}

// podObject makes the Pod object of a new pod.
func (s *Scheduler) podObject(p *cluster.Pod) *v1.Pod {
	o := *s.templates[p.Service] // shares the template's maps, which nobody changes
	o.Name, o.UID, o.ResourceVersion = p.Name, types.UID(p.Name), s.nextVersion()
	o.CreationTimestamp.Time = s.now()
	return &o
}

// profilesOf copies profiles and lets change work on each.
func profilesOf(profiles []config.KubeSchedulerProfile, change func(*config.KubeSchedulerProfile)) []config.KubeSchedulerProfile {
	var out []config.KubeSchedulerProfile
	for i := range profiles {
		p := profiles[i].DeepCopy()
		change(p)
		out = append(out, *p)
	}
	return out
}
