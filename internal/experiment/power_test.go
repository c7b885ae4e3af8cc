package experiment

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/results"
)

const a30Pool = "{model: nvidia-a30, perNode: 2}"

// A cap stretches the batches that want more, clips what they draw, and leaves
// hardware, price and the rest of the run alone.
func TestPowerCapEndToEnd(t *testing.T) {
	free := policy(t, edited(t), "static")
	capped := policy(t, edited(t, a30Pool, "{model: nvidia-a30, perNode: 2, powerCap: 100W}"), "static")
	a, b := &free[0].Services[0].Pools[0], &capped[0].Services[0].Pools[0]
	for batch := 1; batch <= 8; batch++ {
		if b.BusyWatts[batch] != 100 || a.BusyWatts[batch] < 130 {
			t.Errorf("batch %d: %g W capped, %g W free", batch, b.BusyWatts[batch], a.BusyWatts[batch])
		}
	}
	// Batch 8 wants 151 W: the cap leaves (100 − 45) / (151 − 45) of it above the context.
	board := capped[0].Cluster.Pools[0].Node.GPU
	slow := board.Slowdown(8).Value
	if slow < 1.2 || slow > 1.3 || math.Abs(a.Full/b.Full-slow) > 1e-9 {
		t.Errorf("slowdown %g, full batches at %g and %g req/s", slow, a.Full, b.Full)
	}
	x, y := runs(t, free, 1)[0].Metrics, runs(t, capped, 1)[0].Metrics
	for _, same := range []string{"requests_arrived_total", "gpu_hours", "node_hours", "co2e_embodied_grams", "replicas_mean"} {
		if x[same] != y[same] {
			t.Errorf("%s is %v free and %v capped", same, x[same], y[same])
		}
	}
	if y["energy_kwh"] >= x["energy_kwh"] || y["latency_p50_seconds"] <= x["latency_p50_seconds"] || y["gpu_busy_ratio"] <= x["gpu_busy_ratio"] {
		t.Errorf("free %v\ncapped %v: want less energy, longer latency, busier GPUs", x, y)
	}
	// A cap that no batch reaches changes nothing.
	loose := policy(t, edited(t, a30Pool, "{model: nvidia-a30, perNode: 2, powerCap: 165W}"), "static")
	for name, v := range runs(t, loose, 1)[0].Metrics {
		if v != x[name] {
			t.Errorf("under the board's own cap %s is %v, without %v", name, v, x[name])
		}
	}
}

// Policies are told what the limits below what is in force would do.
func TestPoliciesKnowTheLimits(t *testing.T) {
	limits := func(gpu string) policies.Pool {
		w := newWorld(parseFile(t, editedText(t, a30Pool, "{model: nvidia-a30, perNode: 2, "+gpu+"}")))
		var c engine.Config
		on := w.addService(&c, w.deployed[0])
		return w.model(&w.spec.Services[0], &c.Services[0], on, 1).Pools[0]
	}
	for gpu, want := range map[string]string{
		"powerCap: 140W": "[83 W 99 W 116 W 132 W]",
		"powerCap: 140W, powerModel: clocks.yaml":                   "[83 W 99 W 116 W 132 W 600 MHz 1200 MHz]",
		"powerCap: 100W, smClockMHz: 1100, powerModel: clocks.yaml": "[83 W 99 W 600 MHz]",
		"smClockMHz: 1200, powerModel: clocks.yaml":                 "[83 W 99 W 116 W 132 W 149 W 600 MHz]",
	} {
		p := limits(gpu)
		var got []policies.Limit
		for i, l := range p.Limits {
			got = append(got, l.Limit)
			if l.BatchSeconds[8] < p.BatchSeconds[8] || l.BusyWatts[8] > p.BusyWatts[8] {
				t.Errorf("%s, %v: %v s, %v W; as it is %v s, %v W", gpu, l, l.BatchSeconds[8], l.BusyWatts[8], p.BatchSeconds[8], p.BusyWatts[8])
			}
			if i == 0 || p.Limits[i-1].Kind != l.Kind {
				continue
			}
			if a := p.Limits[i-1]; a.BatchSeconds[8] < l.BatchSeconds[8] || a.BusyWatts[8] > l.BusyWatts[8] {
				t.Errorf("%s, %v: %v s, %v W; %v: %v s, %v W", gpu, a, a.BatchSeconds[8], a.BusyWatts[8], l, l.BatchSeconds[8], l.BusyWatts[8])
			}
		}
		if fmt.Sprint(got) != want || p.HostPerWatt != 0.29 || p.ClockSweep != strings.Contains(gpu, "clocks") {
			t.Errorf("%s: %v, want %s; %+v", gpu, got, want, p)
		}
	}
}

// A power model's figures take the place of the catalogue's, its uncertainty too.
func TestPowerModelEndToEnd(t *testing.T) {
	const pool = "{model: nvidia-a30, perNode: 2, powerModel: a30.yaml}"
	configs := policy(t, edited(t, a30Pool, pool), "static")
	ps := &configs[0].Services[0].Pools[0]
	if ps.BusyWatts[1] != 140 || ps.BusyWatts[8] != 160 || ps.Rel[8] != 0.03 {
		t.Errorf("%+v", ps)
	}
	r := runs(t, configs, 1)[0]
	catalogue := runs(t, policy(t, edited(t), "static"), 1)[0]
	busy := func(r *results.Run) float64 {
		return r.Spread["energy_gpu_kwh"]["nvidia-a30 busy"] / (r.EnergyByComponent["nvidia-a30 busy"] / 1.2)
	}
	if got := busy(r); math.Abs(got-0.03) > 1e-9 {
		t.Errorf("busy energy is uncertain by %g, the model says 0.03", got)
	}
	if got := busy(catalogue); math.Abs(got-0.35) > 1e-9 {
		t.Errorf("busy energy is uncertain by %g, grade X says 0.35", got)
	}
}

func TestProvenanceTellsOfLimitsAndModels(t *testing.T) {
	f := parseFile(t, editedText(t, a30Pool, "{model: nvidia-a30, perNode: 2, powerModel: a30.yaml, powerCap: 100W}"))
	grades, notes := Provenance(f)
	var all strings.Builder
	for _, n := range notes {
		all.WriteString(n.Kind + ": " + n.Text + "\n")
	}
	for _, want := range []string{
		"sim power show a30.yaml",
		"assumption: Node pool a30: a power cap of 100W makes the largest batch take 1.34 times as long (grade X).",
	} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("no %q in\n%s", want, all.String())
		}
	}
	if grades.ServiceTime.String() != "X" {
		t.Errorf("service time of grade %v", grades.ServiceTime)
	}
}

// How often telemetry looks changes no joule and no gram of a fleet that does not
// react to it.
func TestEnergyOfAScenarioIsTheSameForEveryScrapeInterval(t *testing.T) {
	var want *results.Run
	for _, scrape := range []string{"5s", "15s", "60s"} {
		c := compile(t, small, []string{"static"}, "spec.telemetry.scrapeInterval="+scrape)
		got := runs(t, c, 1)[0]
		if want == nil {
			want = got
		}
		if got.Ledger != want.Ledger {
			t.Errorf("scraped every %s: ledger %+v, every 5s %+v", scrape, got.Ledger, want.Ledger)
		}
		for _, name := range []string{"energy_gpu_kwh", "energy_node_kwh", "energy_kwh", "energy_idle_kwh", "joules_per_request", "co2e_grams", "cost_usd"} {
			if g, w := got.Metrics[name], want.Metrics[name]; w <= 0 || math.Abs(g-w) > 1e-9*w {
				t.Errorf("scraped every %s: %s is %.12g, every 5s %.12g", scrape, name, g, w)
			}
		}
	}
}

// A policy may lock the clocks of the boards' own sweep, beside caps or alone: less
// energy for requests that are no slower, and every change is written down.
func TestSMClockEndToEnd(t *testing.T) {
	energyAware := func(limits string) (*results.Run, string) {
		text := editedText(t, a30Pool, "{model: nvidia-a30, perNode: 2, powerModel: clocks.yaml}", "{scaleDownDelay: 1m}", "{scaleDownDelay: 1m"+limits+"}")
		var all strings.Builder
		_, notes := Provenance(parseFile(t, text))
		for _, n := range notes {
			all.WriteString(n.Kind + ": " + n.Text + "\n")
		}
		return runs(t, policy(t, parse(t, text), "energy-aware"), 1)[0], all.String()
	}
	free, notes := energyAware("")
	if strings.Contains(notes, "in the run") {
		t.Errorf("without limits:\n%s", notes)
	}
	capped, _ := energyAware(", powerCap: true")
	for name, limits := range map[string]string{"clocks": ", smClock: true", "both": ", powerCap: true, smClock: true"} {
		r, notes := energyAware(limits)
		if e := r.Metrics["energy_kwh"]; e >= free.Metrics["energy_kwh"] || name == "both" && e >= capped.Metrics["energy_kwh"] {
			t.Errorf("%s: %v kWh; as it is %v kWh, with caps %v kWh", name, e, free.Metrics["energy_kwh"], capped.Metrics["energy_kwh"])
		}
		// The load rises faster than any of them can follow; clocks must not make it worse.
		if p95, without := r.Services["ranker"]["latency_p95_seconds"], free.Services["ranker"]["latency_p95_seconds"]; p95 > without {
			t.Errorf("%s: p95 of %v s, without limits %v s", name, p95, without)
		}
		mhz := 0.0
		for _, d := range r.Decisions {
			if d.Kind != decisions.SMClock {
				continue
			}
			if d.Clock.From != mhz || !slices.Contains([]float64{0, 600, 1200}, d.Clock.To) {
				t.Errorf("%s: %+v after %v MHz", name, d, mhz)
			}
			mhz = d.Clock.To
		}
		if mhz == 0 && !strings.Contains(limits, "powerCap") {
			t.Errorf("%s: no clock holds at the end", name)
		}
		for _, want := range []string{
			"assumption: Policy energy-aware sets SM clocks in the run: a clock holds 1s after the decision",
			"assumption: Node pool a30: an SM clock of 600 MHz, the lowest that may be set, makes the largest batch take 1.6 times as long (grade A).",
		} {
			if !strings.Contains(notes, want) {
				t.Errorf("%s: no %q in\n%s", name, want, notes)
			}
		}
	}
}
