package experiment

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/results"
)

// twoRegions is the small scenario over two regions of three nodes each: dirty and
// near, clean and far.
func twoRegions(t *testing.T, more ...string) string {
	t.Helper()
	return editedText(t, append([]string{
		"      - {name: a30, gpu: {model: nvidia-a30, perNode: 2}, nodes: {initial: 6}, provisionDelay: 15s}\n",
		`      - {name: near, gpu: {model: nvidia-a30, perNode: 2}, nodes: {initial: 3, max: 6}, provisionDelay: 15s}
      - {name: far, gpu: {model: nvidia-a30, perNode: 2}, nodes: {initial: 3, max: 6}, provisionDelay: 15s}
  regions:
    - {name: near, nodePools: [near], carbonZone: PL, pue: 1.4, networkLatency: 5ms}
    - {name: far, nodePools: [far], carbonZone: SE, pue: 1.1, networkLatency: 60ms, energyPerKWh: 0.05}
`,
	}, more...)...)
}

// route gives every policy of a text the routing.
func route(text, routing string) string {
	return strings.ReplaceAll(text, "    - name: hpa\n", "    - name: hpa\n      routing: "+routing+"\n")
}

// One region without a network is no region: not a figure and not a decision
// changes.
func TestOneRegionIsNone(t *testing.T) {
	want := runs(t, edited(t), 1)
	got := runs(t, edited(t, "  carbon: {zone: DE, year: 2024}", "  regions: [{name: only, nodePools: [a30], carbonZone: DE, pue: 1.2}]\n  carbon: {zone: DE, year: 2024}"), 1)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("one region is another world (-none +one):\n%s", d)
	}
}

// In which order a scenario lists its regions and which of two names comes first
// in a pool's list means nothing.
func TestOrderOfRegionsMeansNothing(t *testing.T) {
	text := route(twoRegions(t), "{kind: Green}")
	_, after, _ := strings.Cut(text, "  regions:\n")
	near, after, _ := strings.Cut(after, "\n")
	far, _, _ := strings.Cut(after, "\n")
	swapped := strings.Replace(text, near+"\n"+far+"\n", far+"\n"+near+"\n", 1)
	if swapped == text {
		t.Fatal("nothing was swapped")
	}
	if d := cmp.Diff(runs(t, parse(t, text), 1), runs(t, parse(t, swapped), 1)); d != "" {
		t.Errorf("swapped regions differ:\n%s", d)
	}
}

// Under every router and without regions the same customers arrive.
func TestRegionsMeetTheSameCustomers(t *testing.T) {
	want := runs(t, policy(t, edited(t), "hpa"), 1)[0].Ledger.Arrivals
	for _, routing := range []string{"{}", "{kind: Weighted, weights: {near: 1, far: 2}}", "{kind: Cheapest}", "{kind: Green}"} {
		r := runs(t, policy(t, parse(t, route(twoRegions(t), routing)), "hpa"), 1)[0]
		near, far := r.Services["ranker@near"], r.Services["ranker@far"]
		if r.Ledger.Arrivals != want || near["requests_arrived_total"]+far["requests_arrived_total"] != float64(want) || r.Services["ranker"]["requests_arrived_total"] != float64(want) {
			t.Errorf("%s: %d arrive, near %v and far %v, want %d", routing, r.Ledger.Arrivals, near["requests_arrived_total"], far["requests_arrived_total"], want)
		}
		if share := far["requests_arrived_total"] / float64(want); strings.Contains(routing, "Weighted") && math.Abs(share-2./3) > 0.01 {
			t.Errorf("a weight of two thirds is %v", share)
		}
	}
}

// exact is a case in which every request costs the same joules wherever it is
// served, and idle hardware draws the same under every router.
const exact = `apiVersion: kwatt.dev/v1alpha1
kind: Scenario
metadata: {name: exact}
spec:
  duration: 30m
  services:
    - name: ranker
      workload: {trace: {constant: 60, start: 2024-12-02T10:00:00+01:00}, arrivals: {process: Deterministic}}
      model: {serviceTime: {mean: 10ms}}
      slo: {latency: {p95: 200ms}}
  cluster:
    nodePools:
      - {name: near, gpu: {model: nvidia-a30}, nodes: {initial: 2}}
      - {name: far, gpu: {model: nvidia-a30}, nodes: {initial: 2}}
  regions:
    - {name: near, nodePools: [near], carbonZone: PL, pue: 1.5, networkLatency: 5ms}
    - {name: far, nodePools: [far], carbonZone: SE, pue: 1.25, networkLatency: 60ms, energyPerKWh: 0.5, gpuHour: {nvidia-a30: 3}}
  carbon: {zone: DE, year: 2024, embodied: exclude}
  cost: {energyPerKWh: 0.25, gpuHour: {nvidia-a30: 2}}
  policies:
    - {name: nearest, scaler: {static: {replicas: 2}}, nodes: {autoscale: false}}
    - {name: green, scaler: {static: {replicas: 2}}, nodes: {autoscale: false}, routing: {kind: Green}}
    - {name: far, scaler: {static: {replicas: 2}}, nodes: {autoscale: false}, routing: {kind: Weighted, weights: {far: 1}}}
`

// Green saves what the requests' joules emit near, less what they emit far, to
// rounding: n requests of e joules each,
//
//	g(nearest) - g(green) = n·e/3.6e6 · (PUE·CI near - PUE·CI far)
//
// Prices, PUE and the network are the region's, too.
func TestGreenByHand(t *testing.T) {
	configs := parse(t, exact)
	list := runs(t, configs, 1)
	nearest, green := list[0], list[1]
	gpu := configs[0].Cluster.Pools[0].Node
	const n = 60 * 1800
	requests := nearest.Services["ranker@near"]["requests_arrived_total"]
	if math.Abs(requests-n) > 1 || green.Services["ranker@far"]["requests_arrived_total"] != requests || nearest.Services["ranker@far"]["requests_arrived_total"] != 0 {
		t.Fatalf("nearest serves %v near, green %v far", requests, green.Services["ranker@far"]["requests_arrived_total"])
	}
	kWh := requests * 0.01 * (configs[0].Services[1].Pools[0].BusyWatts[1] - gpu.GPU.Context.Value) * (1 + gpu.HostPerWatt.Value) / 3.6e6
	pl, se := configs[0].Grids[0].IntensityAt(0), configs[0].Grids[1].IntensityAt(0)
	want := kWh * (1.5*pl - 1.25*se)
	if got := nearest.Metrics["co2e_grams"] - green.Metrics["co2e_grams"]; want <= 0 || math.Abs(got-want) > 1e-3*want { // the last request may be under way
		t.Errorf("green saves %v g, by hand %v", got, want)
	}
	if d := cmp.Diff(green.Metrics, list[2].Metrics); d != "" {
		t.Errorf("green is not all far:\n%s", d)
	}
	for i, r := range list {
		kWh := map[string]float64{}
		last := 0.0
		for _, p := range r.Points {
			if p.Service == "" {
				last = p.T
			} else if p.FacilityWatts != nil {
				kWh[p.Service] += *p.FacilityWatts * (p.T - last) / 3.6e6
			}
		}
		want := 2*0.5*2 + 2*0.5*3 + 0.25*kWh["@near"] + 0.5*kWh["@far"]
		if got := r.Metrics["cost_usd"]; math.Abs(got-want) > 1e-9*want {
			t.Errorf("%s costs %v, by hand %v", r.Policy, got, want)
		}
		if got := r.Metrics["latency_p50_seconds"]; math.Abs(got-[]float64{0.015, 0.07, 0.07}[i]) > 5e-3*got {
			t.Errorf("%s: median %v", r.Policy, got)
		}
	}
}

// Of a promise the network takes its part; a scaler sees its own servers.
func TestScalersSeeTheirServers(t *testing.T) {
	configs := policy(t, parse(t, strings.ReplaceAll(exact, "static: {replicas: 2}", "energyAware: {}")), "green")
	configs[0].Ledger = engine.Ticks
	r := runs(t, configs, 1)[0]
	seen := 0
	for _, d := range r.Decisions {
		if s := d.Scaling; s != nil && d.Service == "ranker@far" && s.P95 > 0 {
			if seen++; math.Abs(s.P95-0.01) > 1e-3 {
				t.Fatalf("at %v s the scaler sees a p95 of %v s, its servers take 0.01 s", d.T, s.P95)
			}
		}
	}
	if seen == 0 {
		t.Error("the scaler never saw a latency")
	}
	tight := policy(t, parse(t, strings.ReplaceAll(exact, "p95: 200ms", "p95: 65ms")), "green")
	if r := runs(t, tight, 1)[0]; r.Services["ranker@far"]["requests_arrived_total"] != 0 || r.Metrics["slo_attainment_ratio"] != 1 {
		t.Errorf("5 ms are left of the SLO in the far region, and it gets %v requests", r.Services["ranker@far"]["requests_arrived_total"])
	}
	if r := runs(t, policy(t, parse(t, strings.ReplaceAll(exact, "p95: 200ms", "p95: 65ms")), "far"), 1)[0]; r.Metrics["slo_attainment_ratio"] != 0 {
		t.Errorf("70 ms keep a promise of 65 ms in %v of the cases", r.Metrics["slo_attainment_ratio"])
	}
}

// The ledger tells a router's decisions, the first at the opening.
func TestRoutersAreInTheLedger(t *testing.T) {
	r := runs(t, policy(t, parse(t, route(twoRegions(t), "{kind: Green}")), "hpa"), 1)[0]
	var routed []decisions.Entry
	for _, d := range r.Decisions {
		if d.Kind == decisions.Route {
			routed = append(routed, d)
		}
	}
	if len(routed) == 0 || routed[0].T != 0 || routed[0].Service != "ranker" || routed[0].Routing.Regions[0].Region != "far" || !strings.Contains(routed[0].Reason, "g CO2e") {
		t.Fatalf("%d entries, the first %+v", len(routed), routed)
	}
	far := slices.IndexFunc(r.Points, func(p results.Point) bool { return p.Service == "@far" })
	if far < 0 || *r.Points[far].CarbonIntensity > 100 {
		t.Error("the time series has no row of the clean region")
	}
}

// A report names each region's grid and what is assumed of the network.
func TestNotesOfRegions(t *testing.T) {
	f := parseFile(t, strings.ReplaceAll(strings.ReplaceAll(exact, "p95: 200ms", "p95: 50ms"), "embodied: exclude", "embodied: exclude, alignment: LocalClock"))
	_, notes := Provenance(f)
	var text []string
	for _, n := range notes {
		text = append(text, n.Kind+": "+n.Text)
	}
	all := strings.Join(text, "\n")
	for _, want := range []string{
		"source: Carbon intensity of region near (average signal): Electricity Maps (2025). Poland 2024",
		"assumption: Regions: all users are at one place; the network round trips are the scenario's, without spread: near 5ms, far 60ms.",
		"warning: service ranker cannot keep its latency SLO of 50ms in region far: the network alone takes 60 ms",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("no note %q in\n%s", want, all)
		}
	}
}

// Reading the trace's clock as each region's own is one instant only where the
// regions' clocks agree: Poland and Sweden do, Poland and Great Britain do not.
func TestNoteOfRegionsClocks(t *testing.T) {
	local := strings.ReplaceAll(exact, "embodied: exclude", "embodied: exclude, alignment: LocalClock")
	for _, c := range []struct {
		text  string
		warns bool
	}{{local, false}, {strings.ReplaceAll(local, "carbonZone: SE", "carbonZone: GB"), true}} {
		_, notes := Provenance(parseFile(t, c.text))
		if got := slices.ContainsFunc(notes, func(n results.Note) bool { return strings.Contains(n.Text, "the regions' clocks differ") }); got != c.warns {
			t.Errorf("warned %t, want %t:\n%s", got, c.warns, c.text)
		}
	}
}

// The sensitivity to one grid is refused where there are several.
func TestNoCarbonStudyOfRegions(t *testing.T) {
	f := parseFile(t, exact)
	if _, err := NewCarbonStudy(f, nil, nil); err == nil || !strings.Contains(err.Error(), "regions have their own") {
		t.Errorf("error %v", err)
	}
}
