package scheduler

import (
	"context"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
)

// tiesName is a Score plugin that draws among nodes of equal scores. All other
// weights are multiplied by tiesScale, above its own largest score, so that it
// never turns the order of unequal ones.
const (
	tiesName  = "SeededTies"
	tiesScale = fwk.MaxScore + 1
)

func withSeededTies(profiles []config.KubeSchedulerProfile) []config.KubeSchedulerProfile {
	return profilesOf(profiles, func(p *config.KubeSchedulerProfile) {
		for _, set := range []*config.PluginSet{&p.Plugins.MultiPoint, &p.Plugins.Score} {
			for i := range set.Enabled {
				// No weight means 1.
				set.Enabled[i].Weight = max(set.Enabled[i].Weight, 1) * int32(tiesScale)
			}
		}
		p.Plugins.Score.Enabled = append(p.Plugins.Score.Enabled, config.Plugin{Name: tiesName, Weight: 1})
	})
}

type ties struct{ seed uint64 }

func newTies(seed uint64) frameworkruntime.PluginFactory {
	return func(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) { return ties{seed}, nil }
}

// Name implements fwk.Plugin.
func (ties) Name() string { return tiesName }

// ScoreExtensions implements fwk.ScorePlugin.
func (ties) ScoreExtensions() fwk.ScoreExtensions { return nil }

// Score is a hash of seed, pod and node (FNV-1a and a finisher), 0 to 100.
func (t ties) Score(_ context.Context, _ fwk.CycleState, p *v1.Pod, n fwk.NodeInfo) (int64, *fwk.Status) {
	h := t.seed ^ 14695981039346656037
	for _, text := range [2]string{string(p.UID), n.Node().Name} {
		for i := range len(text) {
			h = (h ^ uint64(text[i])) * 1099511628211
		}
	}
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	return int64(h % uint64(tiesScale)), nil
}
