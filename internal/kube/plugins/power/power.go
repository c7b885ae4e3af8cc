// Package power is what a node draws, as its annotations say it: the model that
// the Score plugins energyaware and carbonaware share. It knows the Kubernetes
// API and nothing of kwatt, so the same source runs in a simulation and in a
// real kube-scheduler.
//
// # The model
//
// A node's draw with u of its GPUs in use, of which d devices hold a context:
//
//	P(0)    = empty
//	P(u)    = base + (devices − d)·bare + d·context + u·(busy − context)
//
// in watts, from the annotations below. A pod that asks for a part of a device
// (NVIDIA's time-slicing, a MIG slice) adds that part to u, and pods are taken
// to be packed: d = ⌈u⌉. Busy is the node's, unless the pod names its own for
// the node's product.
package power

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// The annotations of nodes, in watts (Intensity in g CO2e per kWh).
const (
	NodeBase   = "power.kwatt.dev/node-base-watts"  // the host without its GPUs, while it is on
	NodeEmpty  = "power.kwatt.dev/node-empty-watts" // the whole node once it holds no GPU pod: 0 when it is then powered off
	GPUBare    = "power.kwatt.dev/gpu-bare-watts"   // a GPU without a context
	GPUContext = "power.kwatt.dev/gpu-context-watts"
	GPUBusy    = "power.kwatt.dev/gpu-busy-watts"
	Intensity  = "carbon.kwatt.dev/intensity-grams-per-kwh"
)

// Accelerator is the annotation of a node whose devices are not NVIDIA's, for
// which feature discovery sets no labels: JSON of an AcceleratorOf.
const Accelerator = "power.kwatt.dev/accelerator"

// AcceleratorOf says what a node's devices are.
type AcceleratorOf struct {
	Resource string `json:"resource"` // qualcomm.com/qaic
	Product  string `json:"product"`  // as PodBusy names it
	Count    int    `json:"count"`
}

// EncodeAccelerator writes the annotation Accelerator.
func EncodeAccelerator(a AcceleratorOf) string {
	b, err := json.Marshal(a)
	if err != nil {
		panic("power: " + err.Error()) // strings and a number always have a form
	}
	return string(b)
}

// PodBusy is the annotation of a pod that overrides the nodes' busy watts: a
// JSON object from GPU product (the node's label nvidia.com/gpu.product) to
// watts of a whole GPU.
const PodBusy = "power.kwatt.dev/gpu-busy-watts-by-product"

const (
	labelProduct = "nvidia.com/gpu.product"
	labelCount   = "nvidia.com/gpu.count"
	prefix       = "nvidia.com/"
	gpuResource  = "nvidia.com/gpu"
	sharedSuffix = ".shared"
	migPrefix    = "nvidia.com/mig-"
)

// EncodeBusy writes the annotation PodBusy.
func EncodeBusy(watts map[string]float64) string {
	b, err := json.Marshal(watts) // sorts the keys
	if err != nil {
		panic(fmt.Sprintf("power: watts that are no numbers: %v", watts))
	}
	return string(b)
}

// Node is a node's model.
type Node struct {
	Base, Empty, Bare, Context, Busy float64
	Devices                          float64
	Product                          string
	Resource                         v1.ResourceName // of devices that are not NVIDIA's
}

// NodeOf reads a node's annotations; an error names the one that is missing or
// wrong.
func NodeOf(n *v1.Node) (Node, error) {
	m := Node{Product: n.Labels[labelProduct]}
	for _, x := range []struct {
		key  string
		into *float64
	}{{NodeBase, &m.Base}, {NodeEmpty, &m.Empty}, {GPUBare, &m.Bare}, {GPUContext, &m.Context}, {GPUBusy, &m.Busy}} {
		v, err := annotation(n, x.key)
		if err != nil {
			return Node{}, err
		}
		*x.into = v
	}
	if text, ok := n.Annotations[Accelerator]; ok {
		var a AcceleratorOf
		if err := json.Unmarshal([]byte(text), &a); err != nil || a.Resource == "" || a.Count < 1 {
			return Node{}, fmt.Errorf("annotation %s is %q, want a resource, a product and a count", Accelerator, text)
		}
		m.Resource, m.Product, m.Devices = v1.ResourceName(a.Resource), a.Product, float64(a.Count)
	} else if text, ok := n.Labels[labelCount]; ok {
		count, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return Node{}, fmt.Errorf("label %s is %q, want a number of GPUs", labelCount, text)
		}
		m.Devices = float64(count)
	} else if q, ok := n.Status.Allocatable[gpuResource]; ok {
		m.Devices = float64(q.Value())
	}
	if m.Devices < 1 {
		return Node{}, fmt.Errorf("node has no GPU")
	}
	return m, nil
}

// IntensityOf reads the g CO2e per kWh of the node's grid.
func IntensityOf(n *v1.Node) (float64, error) { return annotation(n, Intensity) }

func annotation(n *v1.Node, key string) (float64, error) {
	text, ok := n.Annotations[key]
	if !ok {
		return 0, fmt.Errorf("annotation %s is missing", key)
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(v) || v < 0 || v > 1e9 {
		return 0, fmt.Errorf("annotation %s is %q, want a number from 0 to 1e9", key, text)
	}
	return v, nil
}

// Pod is what a pod adds to a GPU it runs on.
type Pod struct {
	Requests map[v1.ResourceName]int64 // of devices, their time-slices or MIG slices
	Busy     map[string]float64        // by product
}

// PodOf reads what a pod asks for, and its own busy watts; one that cannot be
// read counts as absent.
func PodOf(p *v1.Pod) Pod {
	out := Pod{Requests: map[v1.ResourceName]int64{}}
	for i := range p.Spec.Containers {
		for name, q := range p.Spec.Containers[i].Resources.Requests {
			if strings.Contains(string(name), "/") { // devices are extended resources
				out.Requests[name] += q.Value()
			}
		}
	}
	if text, ok := p.Annotations[PodBusy]; ok {
		if json.Unmarshal([]byte(text), &out.Busy) != nil {
			out.Busy = nil
		}
	}
	return out
}

// IsGPU reports whether a resource is a GPU or a part of one.
func IsGPU(name v1.ResourceName) bool {
	return name == gpuResource || name == gpuResource+sharedSuffix || strings.HasPrefix(string(name), migPrefix)
}

// Used returns how many of the node's devices are in use, with the pod's
// request added when pod is not nil. Each resource counts in parts of a device:
// its allocatable amount stands for all devices.
func (m Node) Used(ni fwk.NodeInfo, pod *Pod) float64 {
	used := 0.0
	requested, allocatable := ni.GetRequested().GetScalarResources(), ni.GetAllocatable().GetScalarResources()
	for name, total := range allocatable {
		if total <= 0 || !IsGPU(name) && name != m.Resource {
			continue
		}
		n := requested[name]
		if pod != nil {
			n += pod.Requests[name]
		}
		used += float64(float64(n)*m.Devices) / float64(total)
	}
	return min(used, m.Devices)
}

// Watts is the node's draw with used devices in use, at busy watts each.
func (m Node) Watts(used, busy float64) float64 {
	if used == 0 {
		return m.Empty
	}
	loaded := math.Ceil(used - 1e-9)
	return m.Base + float64((m.Devices-loaded)*m.Bare) + float64(loaded*m.Context) + float64(used*max(busy-m.Context, 0))
}

// Marginal is what the pod adds to the node's draw, in watts.
func (m Node) Marginal(ni fwk.NodeInfo, pod *Pod) float64 {
	busy := m.Busy
	if own, ok := pod.Busy[m.Product]; ok && own >= 0 {
		busy = own
	}
	before, after := m.Used(ni, nil), m.Used(ni, pod)
	// What runs already stays as it is: only its difference counts.
	return m.Watts(after, busy) - m.Watts(before, busy)
}
