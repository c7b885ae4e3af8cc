package scheduler

import (
	"fmt"
	"slices"

	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	frameworkplugins "k8s.io/kubernetes/pkg/scheduler/framework/plugins"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/dynamicresources"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"

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

// newFramework makes the profiles' plugins anew, on another view of the nodes.
// wrap may replace the factories.
func (s *Scheduler) newFramework(lister fwk.SharedLister, wrap func(profile string, r frameworkruntime.Registry), more ...frameworkruntime.Option) (map[string]framework.Framework, error) {
	out := map[string]framework.Framework{}
	for _, p := range profilesOf(s.profiles, withoutClaims) {
		registry := frameworkplugins.NewInTreeRegistry()
		if err := registry.Merge(s.registry); err != nil {
			return nil, err
		}
		if wrap != nil {
			wrap(p.SchedulerName, registry)
		}
		f, err := frameworkruntime.NewFramework(s.ctx, registry, &p, append(more[:len(more):len(more)],
			frameworkruntime.WithClientSet(s.client), frameworkruntime.WithInformerFactory(s.informers),
			frameworkruntime.WithSharedDRAManager(s.Profiles[p.SchedulerName].SharedDRAManager()), // which NodeResourcesFit asks of extended resources
			frameworkruntime.WithSnapshotSharedLister(lister), frameworkruntime.WithParallelism(1), frameworkruntime.WithEventRecorder(silent{}))...)
		if err != nil {
			return nil, fmt.Errorf("make profile %s anew: %w", p.SchedulerName, err)
		}
		out[p.SchedulerName] = f
	}
	return out, nil
}

// withoutClaims leaves out the plugin of resource claims, which no pod here has
// (PodTemplate) and which cannot be made without an API server's caches.
func withoutClaims(p *config.KubeSchedulerProfile) {
	for _, set := range []*config.PluginSet{&p.Plugins.MultiPoint, &p.Plugins.PreEnqueue, &p.Plugins.PreFilter, &p.Plugins.Filter,
		&p.Plugins.PostFilter, &p.Plugins.PreScore, &p.Plugins.Score, &p.Plugins.Reserve, &p.Plugins.PreBind} {
		set.Enabled = slices.DeleteFunc(set.Enabled, func(x config.Plugin) bool { return x.Name == dynamicresources.Name })
	}
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
