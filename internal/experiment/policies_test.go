package experiment

import (
	"testing"

	"github.com/kwatt-sim/kwatt/internal/results"
)

// Over a day's rise and fall a fleet of peak size keeps the promise best and
// draws most; whoever follows the load pays with latency and saves at night.
func TestAPeakFleetAgainstThoseThatFollow(t *testing.T) {
	byPolicy := map[string]*results.Run{}
	for _, r := range runs(t, compile(t, small, nil), 1) {
		byPolicy[r.Policy] = r
	}
	peak := byPolicy["static"].Metrics
	if peak["slo_attainment_ratio"] < 0.999 || peak["latency_p95_seconds"] > 0.1 || peak["scale_events_total"] != 0 {
		t.Errorf("the peak fleet: attainment %v, p95 %v s, %v scale events", peak["slo_attainment_ratio"], peak["latency_p95_seconds"], peak["scale_events_total"])
	}
	if peak["replicas_mean"] != 12 || peak["gpu_hours"] != 6 {
		t.Errorf("the peak fleet: %v replicas, %v GPU-hours, want 12 for half an hour", peak["replicas_mean"], peak["gpu_hours"])
	}
	for _, name := range []string{"hpa", "energy-aware", "forecast"} {
		m := byPolicy[name].Metrics
		for _, less := range []string{"energy_kwh", "energy_idle_kwh", "gpu_hours", "cost_usd", "co2e_grams", "slo_attainment_ratio"} {
			if m[less] >= peak[less] {
				t.Errorf("%s: %s is %v, not below the peak fleet's %v", name, less, m[less], peak[less])
			}
		}
		if m["energy_kwh"] < 0.5*peak["energy_kwh"] || m["slo_attainment_ratio"] < 0.85 {
			t.Errorf("%s: %v kWh of the peak fleet's %v at an attainment of %v", name, m["energy_kwh"], peak["energy_kwh"], m["slo_attainment_ratio"])
		}
		if m["gpu_busy_ratio"] <= peak["gpu_busy_ratio"] || m["scale_events_total"] < 4 {
			t.Errorf("%s: busy %v of the peak fleet's %v, %v scale events", name, m["gpu_busy_ratio"], peak["gpu_busy_ratio"], m["scale_events_total"])
		}
	}
}

// The work is the same whoever does it: busy GPU energy differs between
// policies by the batches they form, not by more.
func TestTheWorkIsTheSame(t *testing.T) {
	list := runs(t, compile(t, small, nil), 1)
	perRequest := func(r *results.Run) float64 {
		return (r.Metrics["energy_gpu_kwh"] - r.Metrics["energy_idle_kwh"]) * 3.6e6 / float64(r.Ledger.Served)
	}
	// A lone request takes 15 ms, one of eight 50/8 ms.
	for _, r := range list {
		busy := r.Metrics["gpu_busy_ratio"] * allocatedSeconds(r) / float64(r.Ledger.Served)
		if busy < 0.00625 || busy > 0.015 {
			t.Errorf("%s: a request keeps a GPU busy for %v s", r.Policy, busy)
		}
		if j := perRequest(r); j < 0.00625*130 || j > 0.015*165 {
			t.Errorf("%s: a request draws %v J while it runs", r.Policy, j)
		}
	}
}

func allocatedSeconds(r *results.Run) float64 {
	return r.Metrics["gpu_allocated_ratio"] * r.Metrics["gpu_hours"] * 3600
}
