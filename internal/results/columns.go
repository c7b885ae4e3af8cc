package results

import (
	"fmt"
	"math"
)

// column is one float column of the time series. CSV, Parquet and the reader
// all follow the one list below.
type column struct {
	name  string // with the unit, as in the header
	unit  string
	field func(*Point) **float64
}

// The leading columns of every row.
const (
	policyColumn  = "policy"
	seedColumn    = "seed"
	timeColumn    = "t_seconds"
	serviceColumn = "service"
)

var keyColumns = []string{policyColumn, seedColumn, timeColumn, serviceColumn}

var columns = []column{
	{"arrival_requests_per_second", "req/s", func(p *Point) **float64 { return &p.ArrivalRate }},
	{"capacity_requests_per_second", "req/s", func(p *Point) **float64 { return &p.CapacityRate }},
	{"served_requests_per_second", "req/s", func(p *Point) **float64 { return &p.ServedRate }},
	{"lost_requests_per_second", "req/s", func(p *Point) **float64 { return &p.LostRate }},
	{"latency_p50_seconds", "s", func(p *Point) **float64 { return &p.LatencyP50 }},
	{"latency_p95_seconds", "s", func(p *Point) **float64 { return &p.LatencyP95 }},
	{"latency_p99_seconds", "s", func(p *Point) **float64 { return &p.LatencyP99 }},
	{"queued_requests", "requests", func(p *Point) **float64 { return &p.Queued }},
	{"replicas_desired", "replicas", func(p *Point) **float64 { return &p.ReplicasDesired }},
	{"replicas_ready", "replicas", func(p *Point) **float64 { return &p.ReplicasReady }},
	{"gpu_busy_ratio", "ratio", func(p *Point) **float64 { return &p.GPUBusyRatio }},
	{"nodes_on", "nodes", func(p *Point) **float64 { return &p.NodesOn }},
	{"nodes_asleep", "nodes", func(p *Point) **float64 { return &p.NodesAsleep }},
	{"gpus_on", "GPUs", func(p *Point) **float64 { return &p.GPUsOn }},
	{"gpus_allocated", "GPUs", func(p *Point) **float64 { return &p.GPUsAllocated }},
	{"gpu_watts", "W", func(p *Point) **float64 { return &p.GPUWatts }},
	{"facility_watts", "W", func(p *Point) **float64 { return &p.FacilityWatts }},
	{"facility_gpu_busy_watts", "W", func(p *Point) **float64 { return &p.BusyWatts }},
	{"facility_gpu_idle_watts", "W", func(p *Point) **float64 { return &p.IdleWatts }},
	{"facility_host_watts", "W", func(p *Point) **float64 { return &p.HostWatts }},
	{"facility_boot_watts", "W", func(p *Point) **float64 { return &p.BootWatts }},
	{"facility_sleep_watts", "W", func(p *Point) **float64 { return &p.SleepWatts }},
	{"carbon_intensity_grams_per_kwh", "g/kWh", func(p *Point) **float64 { return &p.CarbonIntensity }},
	{"co2e_grams_per_hour", "g/h", func(p *Point) **float64 { return &p.CO2eRate }},
}

// Figure is a column of the time series with its value.
type Figure struct {
	Name  string // of the column, with the unit
	Value float64
}

// Figures returns the columns that apply to the point, in their order.
func (p *Point) Figures() []Figure {
	var out []Figure
	for _, c := range columns {
		if x := *c.field(p); x != nil {
			out = append(out, Figure{c.name, *x})
		}
	}
	return out
}

// rowError names the place of a figure that cannot be written.
func rowError(r *Run, t float64, name string, x float64) error {
	return fmt.Errorf("policy %s seed %d t=%vs: %s is %v: want a finite number", r.Policy, r.Seed, t, name, x)
}

func isFinite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
