package experiment

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/engine"
	_ "github.com/kwatt-sim/kwatt/internal/policies/all"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/scenario"
)

func compile(t testing.TB, path string, policies []string, overrides ...string) []*engine.Config {
	t.Helper()
	var set []scenario.Override
	for _, o := range overrides {
		parsed, err := scenario.ParseOverride(o)
		if err != nil {
			t.Fatal(err)
		}
		set = append(set, parsed)
	}
	f, err := scenario.Load(path, set...)
	if err != nil {
		t.Fatal(err)
	}
	if policies == nil {
		for _, p := range f.Scenario.Spec.Policies {
			policies = append(policies, p.Name)
		}
	}
	configs, err := Compile(f, policies)
	if err != nil {
		t.Fatal(err)
	}
	return configs
}

// BenchmarkFullDay simulates one day at a peak of 100,000 req/s on one core,
// every request, with telemetry, energy and carbon. Run it alone, with
// -benchtime 1x: an iteration takes about a minute or two.
func BenchmarkFullDay(b *testing.B) {
	for _, routing := range []string{"Random", "LeastRequest"} {
		b.Run(routing, func(b *testing.B) {
			configs := compile(b, "testdata/full-day.yaml", nil, "spec.services[0].routing="+routing)
			var served int64
			for b.Loop() {
				err := Run(b.Context(), Jobs(configs, []uint64{1}), 1, func(r *results.Run) error {
					served += r.Ledger.Served
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(served)/b.Elapsed().Seconds()/1e6, "Mreq/s")
			b.ReportMetric(float64(served)/float64(b.N)/1e9, "Greq")
			b.ReportMetric(peakMB(b), "peak-MB")
		})
	}
}

// peakMB is the process's largest resident set so far; 0 where /proc is absent.
func peakMB(b *testing.B) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		var kB float64
		if n, _ := fmt.Sscanf(line, "VmHWM: %f kB", &kB); n == 1 {
			return kB / 1024
		}
	}
	b.Log("no VmHWM in /proc/self/status")
	return 0
}
