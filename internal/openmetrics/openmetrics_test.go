package openmetrics_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"

	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/experiment"
	"github.com/kwatt-sim/kwatt/internal/openmetrics"
	_ "github.com/kwatt-sim/kwatt/internal/policies/all" // registers the scalers
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/scenario"
)

var opens = time.Date(2024, time.May, 1, 20, 0, 0, 0, time.UTC)

// export simulates a policy of a scenario with its meters read.
func export(t testing.TB, file, policy string, step time.Duration) ([]byte, *results.Run, *engine.Config) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	f, err := scenario.Parse(text, file, func(path string) (io.ReadCloser, error) { return os.Open(path) })
	if err != nil {
		t.Fatal(err)
	}
	configs, err := experiment.Compile(f, []string{policy})
	if err != nil {
		t.Fatal(err)
	}
	r := openmetrics.NewRecorder(configs[0], opens, openmetrics.Label{Name: "scenario", Value: "test"}, openmetrics.Label{Name: "policy", Value: policy}, openmetrics.Label{Name: "seed", Value: "1"})
	configs[0].Probe = r.Probe(step)
	run, err := engine.Run(context.Background(), configs[0], 1)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := r.Finish(run).Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), run, configs[0]
}

type sample struct {
	at    int64 // ms
	value float64
}

// parsed is what Prometheus's own parser makes of a text.
type parsed struct {
	types  map[string]model.MetricType
	series map[string][]sample // by the labels as text, in the order of the text
	labels map[string]labels.Labels
	times  []int64 // at which anything was sampled, sorted
}

func parse(t testing.TB, text []byte) *parsed {
	t.Helper()
	p := textparse.NewOpenMetricsParser(text, labels.NewSymbolTable())
	out := &parsed{types: map[string]model.MetricType{}, series: map[string][]sample{}, labels: map[string]labels.Labels{}}
	times := map[int64]bool{}
	last := ""
	for {
		e, err := p.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e {
		case textparse.EntryType:
			name, kind := p.Type()
			if _, ok := out.types[string(name)]; ok {
				t.Errorf("family %s is there twice", name)
			}
			out.types[string(name)] = kind
		case textparse.EntrySeries:
			_, at, value := p.Series()
			var l labels.Labels
			p.Labels(&l)
			key := l.String()
			have := out.series[key]
			if at == nil || math.IsNaN(value) || value < 0 {
				t.Fatalf("%s: %v at %v", key, value, at)
			}
			if n := len(have); n > 0 && (have[n-1].at >= *at || last != key) {
				t.Fatalf("%s: a sample at %d behind one at %d, or after another series", key, *at, have[n-1].at)
			}
			out.series[key], out.labels[key], last = append(have, sample{*at, value}), l, key
			times[*at] = true
		}
	}
	for at := range times {
		out.times = append(out.times, at)
	}
	slices.Sort(out.times)
	return out
}

// of returns the series of a name, sorted.
func (p *parsed) of(name string) []string {
	var keys []string
	for key, l := range p.labels {
		if l.Get("__name__") == name {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// integral is Σ value · time since the last reading, over all series of a gauge
// that is read every step.
func (p *parsed) integral(name string, step time.Duration, end time.Duration) float64 {
	sum := 0.0
	for _, key := range p.of(name) {
		for _, s := range p.series[key] {
			since := time.Duration(s.at-opens.UnixMilli()) * time.Millisecond
			dt := step
			if since == end && end%step != 0 {
				dt = end % step
			}
			sum += s.value * dt.Seconds()
		}
	}
	return sum
}

func near(t *testing.T, what string, got, want, rel float64) {
	t.Helper()
	if math.Abs(got-want) > rel*math.Abs(want) {
		t.Errorf("%s: %.9g, want %.9g", what, got, want)
	}
}

const (
	small = "../cli/testdata/small.yaml"
	mig   = "testdata/mig.yaml" // MIG slices of two sizes
	crowd = "../cli/testdata/crowd.yaml"
)

// Whatever the step, and while nodes boot, sleep and go off and pods come and go:
// the parser of Prometheus reads the text, and the joules in it are those of the
// run, from the power gauges and from the counters.
func TestTheJoulesOfTheExportAreThoseOfTheRun(t *testing.T) {
	cycles := false
	for _, c := range []struct {
		file, policy string
		step         time.Duration
	}{
		{small, "static", time.Minute}, {small, "energy-aware", time.Minute}, {small, "energy-aware", 7 * time.Second},
		{small, "hpa", 97 * time.Second}, {crowd, "packed", 15 * time.Second}, {crowd, "spread", 30 * time.Second},
		{mig, "hpa", 20 * time.Second},
	} {
		text, run, config := export(t, c.file, c.policy, c.step)
		p := parse(t, text)
		end := time.Duration(config.Duration)
		gpu, node := run.Metrics["energy_gpu_kwh"]*3.6e6, run.Metrics["energy_node_kwh"]*3.6e6
		name := filepath.Base(c.file) + " " + c.policy + " " + c.step.String() + ": "
		near(t, name+"DCGM_FI_DEV_POWER_USAGE", p.integral("DCGM_FI_DEV_POWER_USAGE", c.step, end), gpu, 1e-6)
		near(t, name+"kepler_node_gpu_watts", p.integral("kepler_node_gpu_watts", c.step, end), gpu, 1e-6)
		near(t, name+"kepler_platform_watts", p.integral("kepler_platform_watts", c.step, end), node, 1e-6)

		joules, mJ := 0.0, map[string]float64{}
		for _, key := range p.of("kepler_node_gpu_joules_total") {
			s := p.series[key]
			joules += s[len(s)-1].value - s[0].value
		}
		near(t, name+"kepler_node_gpu_joules_total", joules, gpu, 1e-6)
		// DCGM's counter is the board's: each of its label sets goes on where the one
		// before stopped.
		attributed := 0.0
		for _, key := range p.of("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION") {
			s, uuid := p.series[key], p.labels[key].Get("UUID")
			mJ[uuid] = max(mJ[uuid], s[len(s)-1].value)
			attributed += s[len(s)-1].value - s[0].value
		}
		// What the pods and nobody answer for make the boards.
		answered := 0.0
		for _, name := range []string{"kwatt_pod_gpu_joules_total", "kwatt_gpu_unattributed_joules_total"} {
			for _, key := range p.of(name) {
				answered += p.series[key][len(p.series[key])-1].value
			}
		}
		near(t, name+"pods and nobody", answered, gpu, 1e-6)
		total := 0.0
		for _, key := range slices.Sorted(maps.Keys(mJ)) {
			total += mJ[key]
		}
		near(t, name+"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", total, 1000*gpu, 1e-6)
		if attributed < total*(1-1e-6) {
			t.Errorf("%sthe label sets of DCGM's counter hold %v mJ, the boards %v mJ", name, attributed, total)
		}
		cycles = cycles || strings.Contains(string(text), "kepler_platform_watts") && run.Metrics["node_hours"] < float64(len(p.of("kepler_platform_watts")))*end.Hours()*(1-1e-9)
	}
	if !cycles {
		t.Error("no node was ever off: the test has seen nothing of it")
	}
}

// Names, types and labels are those of DCGM-exporter and Kepler.
func TestNamesAndLabels(t *testing.T) {
	text, _, _ := export(t, small, "energy-aware", time.Minute)
	p := parse(t, text)
	for family, kind := range map[string]model.MetricType{
		"DCGM_FI_DEV_GPU_UTIL": model.MetricTypeGauge, "DCGM_FI_DEV_POWER_USAGE": model.MetricTypeGauge, "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION": model.MetricTypeUnknown,
		"kepler_node_gpu_watts": model.MetricTypeGauge, "kepler_node_gpu_idle_watts": model.MetricTypeGauge, "kepler_node_gpu_joules": model.MetricTypeCounter,
		"kepler_platform_watts": model.MetricTypeGauge, "kwatt_service_latency_p95_seconds": model.MetricTypeGauge,
	} {
		if p.types[family] != kind {
			t.Errorf("%s is a %q, want %q", family, p.types[family], kind)
		}
	}
	pods, free := 0, 0
	for _, key := range p.of("DCGM_FI_DEV_POWER_USAGE") {
		l := p.labels[key]
		for _, name := range []string{"gpu", "UUID", "device", "modelName", "Hostname", "scenario", "policy", "seed"} {
			if l.Get(name) == "" {
				t.Errorf("%s has no %s", key, name)
			}
		}
		if l.Get("device") != "nvidia"+l.Get("gpu") || !strings.HasPrefix(l.Get("UUID"), "GPU-") {
			t.Errorf("labels %s", key)
		}
		if pod := l.Get("pod"); pod == "" {
			free++
		} else if pods++; l.Get("namespace") != "default" || !strings.HasPrefix(pod, l.Get("container")+"-") {
			t.Errorf("labels %s", key)
		}
	}
	if pods == 0 || free == 0 {
		t.Errorf("%d series name a pod, %d none", pods, free)
	}
	for _, key := range p.of("DCGM_FI_DEV_GPU_UTIL") {
		for _, s := range p.series[key] {
			if s.value > 100 {
				t.Errorf("%s: %v %%", key, s.value)
			}
		}
	}
}

// The same run gives the same bytes.
func TestBytesAreStable(t *testing.T) {
	a, _, _ := export(t, small, "hpa", time.Minute)
	b, _, _ := export(t, small, "hpa", time.Minute)
	if !bytes.Equal(a, b) {
		t.Error("two exports of one run differ")
	}
}
