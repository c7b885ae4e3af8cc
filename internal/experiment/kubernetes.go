package experiment

import (
	"fmt"
	"math"

	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/kube/scheduler"
	"github.com/kwatt-sim/kwatt/internal/scenario"
)

// maxUnits bounds into how many parts a GPU is counted.
const maxUnits = 100_000

// schedulerConfig is the policy's kube-scheduler, with the Node and Pod objects
// it will see.
func (w *world) schedulerConfig(p *scenario.Policy, c *engine.Config) (*scheduler.Config, error) {
	units, err := w.unitsPerGPU(c)
	if err != nil {
		return nil, err
	}
	config := &scheduler.Config{SeededTies: p.Scheduler.Ties == "Seeded", Devices: units > 1}
	for _, s := range c.Cluster.Services {
		for _, n := range s.Needs {
			config.Devices = config.Devices || n.MIG || n.Refused != cluster.NoReason
		}
	}
	for i := range w.spec.Policies {
		if &w.spec.Policies[i] == p {
			config.Configuration = w.file.Schedulers[i]
		}
	}
	for i := range w.pools {
		config.Pools = append(config.Pools, w.objects(i, units, p.Nodes))
	}
	for i := range w.deployed {
		pod, err := w.podOf(i, units, c)
		if err != nil {
			return nil, err
		}
		config.Services = append(config.Services, pod)
	}
	return config, config.Check()
}

// newScheduler returns what makes a scheduler for each replication.
func newScheduler(config *scheduler.Config, c *engine.Config) cluster.NewScheduler {
	return func(h cluster.Host, seed uint64) (cluster.Scheduler, error) {
		own := *config
		own.Seed, own.Explain = seed, c.Ledger >= engine.NodeResults
		return scheduler.New(&own, h)
	}
}

// unitsPerGPU is into how many units of nvidia.com/gpu a GPU is counted, as
// with the replicas of NVIDIA's time-slicing: the least number of which each
// service takes a whole one. It is 1 when no service shares GPUs.
func (w *world) unitsPerGPU(c *engine.Config) (int, error) {
	units := 1
	for _, s := range c.Cluster.Services {
		for _, n := range s.Needs {
			if n.Refused != cluster.NoReason || n.MIG {
				continue
			}
			ways := int(math.Round(1 / n.Part))
			if units = units / gcd(units, ways) * ways; units > maxUnits {
				return 0, fmt.Errorf("service %s: the services' shares of a GPU have no common unit above 1/%d: choose shares that divide each other", s.Name, maxUnits)
			}
		}
	}
	return units, nil
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// objects is a pool as its Node objects show it.
func (w *world) objects(i, units int, nodes scenario.NodePolicy) scheduler.Pool {
	p, node := w.spec.Cluster.NodePools[i].Objects(), w.pools[i].Node
	p.UnitsPerGPU, p.Resource = units, node.GPU.ResourceName()
	p.MIG = map[string]int{}
	for _, s := range w.spec.Services {
		if slice, err := node.GPU.Slice(s.GPU.MIG); s.GPU.MIG != "" && err == nil {
			p.MIG[s.GPU.MIG] = slice.PerGPU
		}
	}
	bare := float64(float64(node.GPUs) * node.GPU.Bare.Value)
	busy, _ := node.GPU.BusyWatts(math.MaxInt32)
	p.Watts = scheduler.Watts{
		Base: node.BaseWatts.Value, Empty: node.BaseWatts.Value + bare,
		Bare: node.GPU.Bare.Value, Context: node.GPU.Context.Value, Busy: busy,
	}
	if nodes.Autoscale && w.pools[i].Max > w.pools[i].Min {
		p.Watts.Empty = 0
		if nodes.Sleep {
			p.Watts.Empty = node.SleepWatts.Value
		}
	}
	return p
}

// podOf is a service as its Pod objects show it.
func (w *world) podOf(i, units int, c *engine.Config) (scheduler.Service, error) {
	d := w.deployed[i]
	s := &w.spec.Services[d.service]
	out := scheduler.Service{Name: d.object, Template: w.file.Pods[d.service], MIG: s.GPU.MIG, BusyWatts: map[string]float64{}}
	for k, need := range c.Cluster.Services[i].Needs {
		if need.Refused != cluster.NoReason {
			continue
		}
		name := w.pools[k].Node.GPU.ResourceName()
		if out.Resource != "" && out.Resource != name {
			return out, fmt.Errorf("service %s: its pods ask for one resource, and the pools that can run it have %s and %s: make two services of it", s.Name, out.Resource, name)
		}
		out.Resource = name
		if !need.MIG {
			out.Units = int(math.Round(need.Part * float64(units)))
		}
		perBatch := c.Services[i].Pools[k].BusyWatts
		out.BusyWatts[w.pools[k].Node.GPU.Name] = perBatch[len(perBatch)-1] // at the largest batch
	}
	if b := s.DisruptionBudget; b != nil {
		if b.MinAvailable != nil {
			out.MinAvailable = b.MinAvailable.String()
		}
		if b.MaxUnavailable != nil {
			out.MaxUnavailable = b.MaxUnavailable.String()
		}
	}
	return out, nil
}
