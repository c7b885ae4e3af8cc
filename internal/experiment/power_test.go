package experiment

import (
	"math"
	"strings"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/engine"
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

// Policies are told what the caps would do.
func TestPoliciesKnowTheCaps(t *testing.T) {
	f := parseFile(t, editedText(t, a30Pool, "{model: nvidia-a30, perNode: 2, powerCap: 140W}"))
	w := newWorld(f)
	var c engine.Config
	on := w.addService(&c, w.deployed[0])
	p := w.model(&w.spec.Services[0], &c.Services[0], on, 1).Pools[0]
	if p.CapWatts != 140 || p.HostPerWatt != 0.29 || len(p.Caps) != 6 {
		t.Fatalf("%+v", p)
	}
	last := p.Caps[5]
	if last.Watts != 165 || math.Abs(last.BatchSeconds[8]-0.05) > 1e-12 || last.BusyWatts[8] <= p.BusyWatts[8] {
		t.Errorf("the board's own cap: %+v", last)
	}
	for i := 1; i < len(p.Caps); i++ {
		if a, b := p.Caps[i-1], p.Caps[i]; a.BatchSeconds[8] < b.BatchSeconds[8] || a.BusyWatts[8] > b.BusyWatts[8] {
			t.Errorf("%g W: %v s, %v W; %g W: %v s, %v W", a.Watts, a.BatchSeconds[8], a.BusyWatts[8], b.Watts, b.BatchSeconds[8], b.BusyWatts[8])
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
