// Package metrics is the catalogue of what a run reports, and the latency
// histogram. Every consumer (tables, charts, gates, exports) reads units,
// directions and meanings from here and nowhere else.
package metrics

import (
	"fmt"
	"strings"
)

// Direction says which way a metric improves.
type Direction int8

// The directions.
const (
	Neutral Direction = iota
	LowerIsBetter
	HigherIsBetter
)

// Metric is one figure of a replication. Base units, Prometheus-style names.
type Metric struct {
	Name       string
	Unit       string // "s", "kWh", "g", "USD", "ratio", "requests", ...
	Better     Direction
	PerService bool   // also reported for each service on its own
	Help       string // one sentence, with the definition
}

// Catalogue lists all metrics in the order in which tables show them.
func Catalogue() []Metric { return catalogue }

// Find returns the metric with this name, or an error that lists close names.
func Find(name string) (Metric, error) {
	for _, m := range catalogue {
		if m.Name == name {
			return m, nil
		}
	}
	var like []string
	stem, _, _ := strings.Cut(name, "_")
	for _, m := range catalogue {
		if strings.HasPrefix(m.Name, stem) {
			like = append(like, m.Name)
		}
	}
	if len(like) == 0 {
		for _, m := range catalogue {
			like = append(like, m.Name)
		}
	}
	return Metric{}, fmt.Errorf("unknown metric %q: want one of %s", name, strings.Join(like, ", "))
}

var catalogue = []Metric{
	{"requests_arrived_total", "requests", Neutral, true, "Requests that reached the service."},
	{"requests_served_total", "requests", HigherIsBetter, true, "Requests answered before the scenario's end."},
	{"requests_dropped_total", "requests", LowerIsBetter, true, "Requests refused: the replica's queue was full, or no replica was ready."},
	{"requests_timed_out_total", "requests", LowerIsBetter, true, "Requests that waited longer than the queue timeout."},
	{"latency_mean_seconds", "s", LowerIsBetter, true, "Mean time from arrival to completion, over served requests."},
	{"latency_p50_seconds", "s", LowerIsBetter, true, "Median time from arrival to completion, over served requests."},
	{"latency_p90_seconds", "s", LowerIsBetter, true, "90th percentile of the time from arrival to completion."},
	{"latency_p95_seconds", "s", LowerIsBetter, true, "95th percentile of the time from arrival to completion."},
	{"latency_p99_seconds", "s", LowerIsBetter, true, "99th percentile of the time from arrival to completion."},
	{"latency_p999_seconds", "s", LowerIsBetter, true, "99.9th percentile of the time from arrival to completion."},
	{"slo_attainment_ratio", "ratio", HigherIsBetter, true, "Share of requests served within their service's latency target, out of those served, dropped or timed out; requests in flight at the end count neither way."},
	{"batch_size_mean", "requests", Neutral, true, "Mean number of requests in a batch."},
	{"gpu_busy_ratio", "ratio", HigherIsBetter, true, "Busy GPU-seconds over allocated GPU-seconds."},
	{"gpu_allocated_ratio", "ratio", HigherIsBetter, false, "Allocated GPU-seconds over powered-on GPU-seconds."},
	{"gpu_hours", "h", LowerIsBetter, false, "Hours of GPUs in powered-on nodes."},
	{"node_hours", "h", LowerIsBetter, false, "Hours of powered-on nodes, booting included, asleep not."},
	{"replicas_mean", "replicas", LowerIsBetter, true, "Time-weighted mean of ready replicas."},
	{"replicas_max", "replicas", LowerIsBetter, true, "Largest number of ready replicas."},
	{"scale_events_total", "events", LowerIsBetter, true, "Changes of a service's desired replicas."},
	{"pending_pod_seconds", "s", LowerIsBetter, true, "Pod-seconds spent waiting for a place."},
	{"energy_gpu_kwh", "kWh", LowerIsBetter, false, "Energy of the GPU boards in nodes that are on; booting, waking and sleeping nodes count as a whole."},
	{"energy_node_kwh", "kWh", LowerIsBetter, false, "Energy of whole nodes: GPUs, base, what the host adds to the GPUs, boot and sleep."},
	{"energy_kwh", "kWh", LowerIsBetter, false, "Energy of the facility: nodes times PUE."},
	{"energy_idle_kwh", "kWh", LowerIsBetter, false, "GPU energy drawn while no kernel ran, with and without a context."},
	{"energy_attributed_kwh", "kWh", LowerIsBetter, true, "Facility energy that the pods of a service answer for; the rest of energy_kwh is unattributed."},
	{"energy_unattributed_kwh", "kWh", LowerIsBetter, false, "Facility energy that no service answers for: free GPUs and parts of them, booting and sleeping nodes."},
	{"joules_per_request", "J", LowerIsBetter, false, "Facility energy per served request."},
	{"co2e_operational_grams", "g", LowerIsBetter, false, "Facility energy times the grid's carbon intensity, hour by hour."},
	{"co2e_embodied_grams", "g", LowerIsBetter, false, "Hardware's embodied emissions, by the share of its lifetime it was reserved."},
	{"co2e_grams", "g", LowerIsBetter, false, "Operational plus embodied emissions."},
	{"co2e_grams_per_million_requests", "g", LowerIsBetter, false, "SCI of ISO/IEC 21031:2024, per million served requests."},
	{"cost_usd", "USD", LowerIsBetter, false, "GPU-hours, energy and carbon price together, in the scenario's currency."},
	{"cost_usd_per_million_requests", "USD", LowerIsBetter, false, "Cost per million served requests."},
}

// Values maps metric names to figures. NaN never enters: a figure that has no
// value (a latency when nothing was served) is absent.
type Values map[string]float64
