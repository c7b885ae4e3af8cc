// Package parity compares two runs of one scenario, policy and seed: one
// simulated, one on a real control plane (or two of a kind, to see how much a
// real one differs from itself).
package parity

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/results"
)

// Report is how close two runs are.
type Report struct {
	Policy string  `json:"policy"`
	Seed   uint64  `json:"seed"`
	Period float64 `json:"periodSeconds"` // of the looks at the replicas
	// Trajectories of the replicas that were asked for and of those that served.
	Trajectories []Trajectory `json:"trajectories"`
	Placements   Placements   `json:"placements"`
	Metrics      []Metric     `json:"metrics"`
}

// Trajectory is one service's replicas over time.
type Trajectory struct {
	Service string `json:"service"`
	Looks   int    `json:"looks"`
	// Equal is the part of the looks at which both runs had asked for the same
	// number, and MeanAbsoluteError the mean difference over all looks.
	Equal             float64 `json:"equal"`
	MeanAbsoluteError float64 `json:"meanAbsoluteError"`
	Most              int     `json:"most"` // largest difference
	// First and Second are what each run had asked for, look by look.
	First  []int `json:"first"`
	Second []int `json:"second"`
}

// Placements compares the bindings of pods that both runs have, by name: the
// n-th pod of a service.
type Placements struct {
	Pods     int     `json:"pods"`
	SamePool float64 `json:"samePool"`
	SameNode float64 `json:"sameNode"`
}

// Metric is one figure of both runs.
type Metric struct {
	Name   string  `json:"name"`
	First  float64 `json:"first"`
	Second float64 `json:"second"`
	Error  float64 `json:"error"` // (second − first) / first; 0 when both are 0
}

// Metric returns the figure of that name; ok is false when a run lacks it.
func (r *Report) Metric(name string) (m Metric, ok bool) {
	i := slices.IndexFunc(r.Metrics, func(m Metric) bool { return m.Name == name })
	if i < 0 {
		return Metric{}, false
	}
	return r.Metrics[i], true
}

// Shown are the metrics that a report holds, in order.
func Shown() []string {
	return []string{
		"latency_p50_seconds", "latency_p95_seconds", "latency_p99_seconds", "slo_attainment_ratio", "requests_served_total",
		"gpu_busy_ratio", "gpu_hours", "replicas_mean", "scale_events_total", "energy_kwh", "co2e_grams_per_million_requests",
	}
}

// Compare compares two runs over the duration, looking at the replicas once a
// period, in its middle: there what was decided at its beginning has been done.
func Compare(first, second *results.Run, services []string, duration, period time.Duration) Report {
	r := Report{Policy: first.Policy, Seed: first.Seed, Period: period.Seconds(), Placements: placements(first, second)}
	for _, s := range services {
		r.Trajectories = append(r.Trajectories, trajectory(s, asked(first, s), asked(second, s), duration, period))
	}
	for _, name := range Shown() {
		a, okA := first.Metrics[name]
		b, okB := second.Metrics[name]
		if okA && okB {
			r.Metrics = append(r.Metrics, Metric{name, a, b, relative(a, b)})
		}
	}
	return r
}

func relative(a, b float64) float64 {
	if a == b {
		return 0
	}
	return (b - a) / a
}

// step is a number of replicas from an instant on, in seconds.
type step struct {
	t float64
	n int
}

// asked is what was asked for a service over time.
func asked(r *results.Run, service string) []step {
	var steps []step
	for _, d := range r.Decisions {
		if d.Service != service || d.Kind != decisions.Scale {
			continue
		}
		if len(steps) == 0 {
			steps = append(steps, step{math.Inf(-1), d.From})
		}
		steps = append(steps, step{d.T, d.To})
	}
	if len(steps) == 0 {
		for _, p := range r.Points {
			if p.Service == service && p.ReplicasDesired != nil {
				return []step{{math.Inf(-1), int(*p.ReplicasDesired)}}
			}
		}
	}
	return steps
}

// at returns the replicas at t.
func at(steps []step, t float64) int {
	i, found := slices.BinarySearchFunc(steps, t, func(s step, t float64) int { return cmp.Compare(s.t, t) })
	if !found {
		i--
	}
	if i < 0 {
		return 0
	}
	return steps[i].n
}

func trajectory(service string, a, b []step, duration, period time.Duration) Trajectory {
	out := Trajectory{Service: service}
	equal, sum := 0, 0
	for t := period / 2; t < duration; t += period {
		x, y := at(a, t.Seconds()), at(b, t.Seconds())
		out.First, out.Second = append(out.First, x), append(out.Second, y)
		d := max(x-y, y-x)
		if out.Looks++; d == 0 {
			equal++
		}
		sum += d
		out.Most = max(out.Most, d)
	}
	if out.Looks > 0 {
		out.Equal, out.MeanAbsoluteError = float64(equal)/float64(out.Looks), float64(sum)/float64(out.Looks)
	}
	return out
}

func placements(a, b *results.Run) Placements {
	where := map[string]string{}
	for _, d := range a.Decisions {
		if d.Kind == decisions.Bind {
			where[d.Pod] = d.Node
		}
	}
	var out Placements
	pools, nodes := 0, 0
	for _, d := range b.Decisions {
		node, both := where[d.Pod]
		if d.Kind != decisions.Bind || !both {
			continue
		}
		out.Pods++
		if pool(node) == pool(d.Node) {
			pools++
		}
		if node == d.Node {
			nodes++
		}
	}
	if out.Pods > 0 {
		out.SamePool, out.SameNode = float64(pools)/float64(out.Pods), float64(nodes)/float64(out.Pods)
	}
	return out
}

// pool is the part of a node's name before its number.
func pool(node string) string {
	if i := strings.LastIndexByte(node, '-'); i >= 0 {
		return node[:i]
	}
	return node
}
