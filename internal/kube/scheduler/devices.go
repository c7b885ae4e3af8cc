package scheduler

import (
	"context"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"

	"github.com/kwatt-sim/kwatt/internal/cluster"
)

// devicesName is a Filter plugin that stands for the device plugin: it asks
// whether one of the node's GPUs has room for the pod, which the node's count
// of nvidia.com/gpu does not show when pods share GPUs, and whether the service
// can run on this GPU model at all.
const devicesName = "GPUDevices"

func withDevices(profiles []config.KubeSchedulerProfile) []config.KubeSchedulerProfile {
	return profilesOf(profiles, func(p *config.KubeSchedulerProfile) {
		p.Plugins.Filter.Enabled = append(p.Plugins.Filter.Enabled, config.Plugin{Name: devicesName})
	})
}

// devices asks the host about its own nodes and pods, by their names.
type devices struct {
	host  cluster.Host
	nodes map[string]*cluster.Node
	pods  map[string]*cluster.Pod
}

func (d devices) factory(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) {
	return d, nil
}

// Name implements fwk.Plugin.
func (devices) Name() string { return devicesName }

// EventsToRegister implements fwk.EnqueueExtensions: what may make room.
func (devices) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{
		{Event: fwk.ClusterEvent{Resource: fwk.Pod, ActionType: fwk.Delete}},
		{Event: fwk.ClusterEvent{Resource: fwk.Node, ActionType: fwk.Add}},
	}, nil
}

// Filter implements fwk.FilterPlugin.
func (d devices) Filter(_ context.Context, _ fwk.CycleState, p *v1.Pod, ni fwk.NodeInfo) *fwk.Status {
	n := d.nodes[ni.Node().Name]
	need := d.host.Need(d.pods[p.Name], n)
	if need.Refused != cluster.NoReason {
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, need.Refused.String())
	}
	if _, ok := d.room(n, ni).Find(need); !ok {
		return fwk.NewStatus(fwk.Unschedulable, "no GPU with room for the pod's part")
	}
	return nil
}

// room is the room on the node's devices if it holds just the pods of the
// NodeInfo: without those that preemption or a fork has taken out of it, and
// with those that were nominated or put there.
func (d devices) room(n *cluster.Node, ni fwk.NodeInfo) cluster.Room {
	here := map[*cluster.Pod]bool{}
	for _, pi := range ni.GetPods() {
		here[d.pods[pi.GetPod().Name]] = true
	}
	room := n.EmptyRoom()
	for i := range n.GPUs {
		for _, p := range n.GPUs[i].Pods {
			if here[p] {
				need := d.host.Need(p, n)
				room[i].Used += need.Part
				room[i].MIG = need.MIG
				delete(here, p)
			}
		}
	}
	for _, pi := range ni.GetPods() { // in their order: a map has none
		if p := d.pods[pi.GetPod().Name]; here[p] {
			room.Take(d.host.Need(p, n))
		}
	}
	return room
}
