package hpa

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// observed are two pods that are measured and one that is not.
func observed() policies.Observation {
	a := policies.PodMetrics{RequestRate: 120.5, ServedRate: 118.25, BatchRate: 14, InFlight: 6.5, Queued: 2.75, BusyRatio: 0.625, QueueSeconds: 0.0125, LatencySeconds: 0.0405, GPUWatts: 251.5, CPUCores: 0.75}
	b := policies.PodMetrics{RequestRate: 1, ServedRate: 2, BatchRate: 3, InFlight: 4, Queued: 5, BusyRatio: 0.5, QueueSeconds: 7, LatencySeconds: 8, GPUWatts: 9, CPUCores: 0.25}
	pod := func(name string, m policies.PodMetrics, measured bool) policies.Pod {
		return policies.Pod{Name: name, Running: true, Ready: true, HasMetrics: measured, Metrics: m}
	}
	return policies.Observation{
		Now: vtime.At(time.Hour), At: vtime.At(time.Hour - 10*time.Second), Valid: true, Window: time.Minute, Desired: 3,
		ArrivalRate: 121.75, Latency: policies.Latency{P50: 0.02, P90: 0.0355, P95: 0.04, P99: 0.0625},
		Pods: []policies.Pod{pod("ranker-1", a, true), pod("ranker-2", b, true), pod("ranker-3", b, false)},
	}
}

func viewOf(o policies.Observation) *view {
	v := newView(newConfig().(*Config), model().Containers)
	v.see(o)
	return v
}

// Every name of the catalogue, in thousandths, for the first pod by hand.
func TestPodMetrics(t *testing.T) {
	want := map[string]int64{
		"requests_per_second": 120_500, "inflight_requests": 6_500, "queued_requests": 2_750,
		"DCGM_FI_DEV_GPU_UTIL": 62_500, "DCGM_FI_DEV_POWER_USAGE": 251_500,
		"nv_inference_request_success": 118_250, "nv_inference_exec_count": 14_000, "nv_inference_pending_request_count": 2_750,
		"nv_inference_queue_duration_us": 12_500_000, "nv_inference_request_duration_us": 40_500_000,
		"nv_gpu_utilization": 625, "nv_gpu_power_usage": 251_500,
	}
	v, have := viewOf(observed()), map[string]int64{}
	for _, m := range PodMetrics() {
		values, _, err := v.GetRawMetric(m.Name, "", nil, nil)
		if err != nil || len(values) != 2 {
			t.Fatalf("%s: %v, %v", m.Name, values, err)
		}
		have[m.Name] = values["ranker-1"].Value
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
}

func TestServiceMetrics(t *testing.T) {
	want := map[string]int64{
		"service_requests_per_second": 121_750,
		"service_latency_p50_seconds": 20,
		"service_latency_p90_seconds": 35, // 35.5 ms, cut off
		"service_latency_p95_seconds": 40,
		"service_latency_p99_seconds": 62,
		"service_inflight_requests":   10_500,
		"service_queued_requests":     7_750,
	}
	v, have := viewOf(observed()), map[string]int64{}
	for _, m := range ServiceMetrics() {
		values, _, err := v.GetExternalMetric(m.Name, "", nil)
		if err != nil || len(values) != 1 {
			t.Fatalf("%s: %v, %v", m.Name, values, err)
		}
		have[m.Name] = values[0]
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
}

// A latency is missing while nothing completes; everything is before the first scrape.
func TestMissingServiceMetrics(t *testing.T) {
	o := observed()
	o.Latency = policies.Latency{}
	quiet := viewOf(o)
	o.Valid = false
	blind := viewOf(o)
	for _, m := range ServiceMetrics() {
		if _, _, err := quiet.GetExternalMetric(m.Name, "", nil); (err != nil) != (m.Unit == "s") {
			t.Errorf("%s while nothing completes: %v", m.Name, err)
		}
		if _, _, err := blind.GetExternalMetric(m.Name, "", nil); err == nil {
			t.Errorf("%s has a value before the first scrape", m.Name)
		}
	}
}

// The server uses what the pod uses; the container beside it is idle.
func TestResources(t *testing.T) {
	for _, c := range []struct {
		resource, container string
		want                int64
	}{
		{cpu, "", 750}, {cpu, "server", 750}, {cpu, "proxy", 0},
		{gpu, "", 625}, {gpu, "server", 625}, {gpu, "proxy", 0},
	} {
		values, _, err := viewOf(observed()).GetResourceMetric(t.Context(), v1.ResourceName(c.resource), "", nil, c.container)
		if err != nil || values["ranker-1"].Value != c.want || len(values) != 2 {
			t.Errorf("%s of %q: %v, %v; want %d", c.resource, c.container, values, err, c.want)
		}
	}
}

// Two GPUs in a pod are busy twice as much.
func TestGPUUseIsOfAllThePodAsksFor(t *testing.T) {
	v := newView(newConfig().(*Config), []policies.Container{{Name: "proxy"}, {Name: "server", Requests: map[string]int64{gpu: 2000}}})
	v.see(observed())
	values, _, err := v.GetResourceMetric(t.Context(), gpu, "", nil, "server")
	if err != nil || values["ranker-1"].Value != 1250 {
		t.Errorf("%v, %v", values, err)
	}
}

// A metric is cut off below a thousandth, the use of a resource is rounded up:
// so adapters and metrics-server do.
func TestThousandths(t *testing.T) {
	for _, c := range []struct {
		v            float64
		metric, used int64
	}{
		{0, 0, 0},
		{1, 1000, 1000},
		{0.0009, 0, 1},
		{0.0011, 1, 2},
		{2.9999, 2999, 3000},
		{0.07, 70, 70},      // 1000 × 0.07 is a little more than 70, but not by a nanocore
		{1.001, 1000, 1001}, // 1000 × 1.001 is a little less than 1001
	} {
		if have := milli(c.v); have != c.metric {
			t.Errorf("a metric of %v is served as %d thousandths, want %d", c.v, have, c.metric)
		}
		if have := milliUsed(c.v); have != c.used {
			t.Errorf("a use of %v is served as %d thousandths, want %d", c.v, have, c.used)
		}
	}
	if have := milli(math.NaN()); have != 0 {
		t.Errorf("NaN is served as %d, want 0", have)
	}
}
