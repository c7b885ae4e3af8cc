package scheduler

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	frameworkplugins "k8s.io/kubernetes/pkg/scheduler/framework/plugins"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
)

// twin is the profiles' plugins once more, on the scheduler's snapshot and
// within reach: a framework keeps its own to itself.
type twin struct {
	profiles map[string]framework.Framework
	plugins  map[string]fwk.Plugin // by profile and name
}

func (t *twin) plugin(profile, name string) fwk.Plugin { return t.plugins[profile+"/"+name] }

// twin returns the scheduler's twin, which is made when first asked for.
func (s *Scheduler) twin() (*twin, error) {
	if s.second != nil {
		return s.second, nil
	}
	t := &twin{plugins: map[string]fwk.Plugin{}}
	var err error
	t.profiles, err = s.newFramework(s.snapshot, func(profile string, r frameworkruntime.Registry) {
		for name, factory := range r {
			r[name] = func(ctx context.Context, args runtime.Object, h fwk.Handle) (fwk.Plugin, error) {
				p, err := factory(ctx, args, h)
				t.plugins[profile+"/"+name] = p
				return p, err
			}
		}
	})
	s.second = t
	return t, err
}

// newFramework makes the profiles' plugins anew, on another view of the nodes.
// wrap may replace the factories.
func (s *Scheduler) newFramework(lister fwk.SharedLister, wrap func(profile string, r frameworkruntime.Registry)) (map[string]framework.Framework, error) {
	out := map[string]framework.Framework{}
	for i := range s.profiles {
		registry := frameworkplugins.NewInTreeRegistry()
		if err := registry.Merge(s.registry); err != nil {
			return nil, err
		}
		p := &s.profiles[i]
		if wrap != nil {
			wrap(p.SchedulerName, registry)
		}
		own := s.Profiles[p.SchedulerName]
		f, err := frameworkruntime.NewFramework(s.ctx, registry, p,
			frameworkruntime.WithClientSet(s.client), frameworkruntime.WithInformerFactory(s.informers),
			frameworkruntime.WithSharedDRAManager(own.SharedDRAManager()), frameworkruntime.WithSharedCSIManager(own.SharedCSIManager()),
			frameworkruntime.WithSnapshotSharedLister(lister), frameworkruntime.WithParallelism(1), frameworkruntime.WithEventRecorder(silent{}))
		if err != nil {
			return nil, fmt.Errorf("make profile %s anew: %w", p.SchedulerName, err)
		}
		f.SetPodNominator(s.SchedulingQueue)
		out[p.SchedulerName] = f
	}
	return out, nil
}
