package scheduler

import (
	"fmt"
	"slices"

	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/kwatt-sim/kwatt/internal/cluster"
)

// forkFramework runs the profiles' filters on a view of the cluster that can
// be changed. There is one for all forks, of which one lives at a time.
type forkFramework struct {
	view     *view
	profiles map[string]framework.Framework
}

// view is a list of nodes that stands for the scheduler's snapshot.
type view struct {
	nodes  []fwk.NodeInfo
	byName map[string]int
	rest   fwk.SharedLister
}

// Fork implements cluster.Scheduler.
func (s *Scheduler) Fork() cluster.Fork {
	s.must(s.Cache.UpdateSnapshot(s.log(), s.snapshot), "update the snapshot for", "a fork")
	if s.fork == nil {
		v := &view{}
		profiles, err := s.newFramework(v, nil)
		s.must(err, "make", "the fork's plugins")
		s.fork = &forkFramework{v, profiles}
	}
	all, err := s.snapshot.NodeInfos().List()
	s.must(err, "list", "the nodes")
	v := s.fork.view
	v.rest, v.nodes, v.byName = s.snapshot, slices.Clone(all), map[string]int{}
	for i, n := range v.nodes {
		v.byName[n.Node().Name] = i
	}
	return &fork{s, v}
}

type fork struct {
	s *Scheduler
	*view
}

// AddNode implements cluster.Fork.
func (f *fork) AddNode(n *cluster.Node) {
	f.s.byName[n.Name] = n
	info := framework.NewNodeInfo()
	info.SetNode(f.s.cfg.Pools[n.Pool].node(n.Name, f.s.host.Intensity(n)))
	f.byName[n.Name] = len(f.nodes)
	f.nodes = append(f.nodes, info)
}

// RemoveNode implements cluster.Fork.
func (f *fork) RemoveNode(n *cluster.Node) {
	i := f.byName[n.Name]
	f.nodes = slices.Delete(f.nodes, i, i+1)
	delete(f.byName, n.Name)
	for name, k := range f.byName {
		if k > i {
			f.byName[name] = k - 1
		}
	}
}

// Place implements cluster.Fork.
func (f *fork) Place(p *cluster.Pod, on []*cluster.Node) *cluster.Node {
	o := f.s.pods[p].DeepCopy()
	o.Spec.NodeName, o.Status.NominatedNodeName = "", ""
	profile := f.s.fork.profiles[o.Spec.SchedulerName]
	state := framework.NewCycleState()
	result, status, _ := profile.RunPreFilterPlugins(f.s.ctx, state, o)
	if !status.IsSuccess() {
		return nil
	}
	for _, n := range on {
		i, ok := f.byName[n.Name]
		if !ok || !result.AllNodes() && !result.NodeNames.Has(n.Name) {
			continue
		}
		if !profile.RunFilterPlugins(f.s.ctx, state, o, f.nodes[i]).IsSuccess() {
			continue
		}
		o.Spec.NodeName = n.Name
		info := f.nodes[i].Snapshot()
		pi, err := framework.NewPodInfo(o)
		f.s.must(err, "place pod", o.Name)
		info.AddPodInfo(pi)
		f.nodes[i] = info
		return n
	}
	return nil
}

// NodeInfos implements fwk.SharedLister.
func (v *view) NodeInfos() fwk.NodeInfoLister { return v }

// StorageInfos implements fwk.SharedLister.
func (v *view) StorageInfos() fwk.StorageInfoLister { return v.rest.StorageInfos() }

// PodGroupStates implements fwk.SharedLister.
func (v *view) PodGroupStates() fwk.PodGroupStateLister { return v.rest.PodGroupStates() }

// List implements fwk.NodeInfoLister.
func (v *view) List() ([]fwk.NodeInfo, error) { return v.nodes, nil }

// HavePodsWithAffinityList implements fwk.NodeInfoLister.
func (v *view) HavePodsWithAffinityList() ([]fwk.NodeInfo, error) {
	return v.having(func(n fwk.NodeInfo) bool { return len(n.GetPodsWithAffinity()) > 0 }), nil
}

// HavePodsWithRequiredAntiAffinityList implements fwk.NodeInfoLister.
func (v *view) HavePodsWithRequiredAntiAffinityList() ([]fwk.NodeInfo, error) {
	return v.having(func(n fwk.NodeInfo) bool { return len(n.GetPodsWithRequiredAntiAffinity()) > 0 }), nil
}

func (v *view) having(what func(fwk.NodeInfo) bool) (out []fwk.NodeInfo) {
	for _, n := range v.nodes {
		if what(n) {
			out = append(out, n)
		}
	}
	return out
}

// Get implements fwk.NodeInfoLister.
func (v *view) Get(name string) (fwk.NodeInfo, error) {
	if i, ok := v.byName[name]; ok {
		return v.nodes[i], nil
	}
	return nil, fmt.Errorf("nodeinfo not found for node name %q", name)
}
