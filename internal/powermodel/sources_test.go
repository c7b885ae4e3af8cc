package powermodel

import (
	"encoding/csv"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat"

	"github.com/kwatt-sim/kwatt/internal/powerfit"
)

// The B200's points are the isotonic regression that its source string states.
func TestB200IsTheIsotonicRegressionOfThePublishedPoints(t *testing.T) {
	batches := []int{8, 16, 32, 64, 96, 128, 192, 256, 383, 456}
	published := []float64{859.6, 836.4, 848.8, 945.4, 970.5, 975.6, 969.4, 971.3, 971.7, 968.9}
	fitted := powerfit.Isotonic(published, nil)
	g := mustLookup(t, "nvidia-b200")
	for i, batch := range batches {
		if w, _ := g.BusyWatts(batch); math.Abs(w-fitted[i]) > 0.06 {
			t.Errorf("batch %d: %g W, want %.2f W", batch, w, fitted[i])
		}
	}
}

// The node bases follow from a wall reading W of n GPUs by (W − n·bare)/n.
var wallMinima = []struct {
	gpu           string
	round, system string
	watts         float64
	gpus          float64
}{
	{"nvidia-a10", "v1.1", "XE2420_A10x2_TRT_MaxQ", 227.4, 2},
	{"nvidia-a30", "v2.0", "XE2420_A30x1_TRT_MaxQ", 122.9, 1},
	{"nvidia-a100-pcie-40gb", "v1.1", "R750xa_A100-PCIE-40GBx4_TRT_MaxQ", 702.0, 4},
	{"nvidia-a100-pcie-80gb", "v2.0", "A100-PCIe-80GB_aarch64x4_TRT_MaxQ", 403.7, 4},
	{"nvidia-a100-sxm4-80gb", "v2.1", "DGX-A100_A100-SXM-80GBx8_TRT_MaxQ", 1454.9, 8},
	{"nvidia-h100-pcie", "v3.0", "H100-PCIe-80GBx8_TRT_MaxQ", 662.5, 8},
	{"nvidia-h200", "v4.1", "H200-SXM-141GBx8_TRT_MaxQ", 2358, 8},
}

func TestNodeBaseFollowsFromTheWallReading(t *testing.T) {
	for _, m := range wallMinima {
		g := mustLookup(t, m.gpu)
		if want := (m.watts - m.gpus*g.Bare.Value) / m.gpus; math.Abs(g.NodeBase.Value-want) > 0.06 {
			t.Errorf("%s: node base %g W, want %.2f W", m.gpu, g.NodeBase.Value, want)
		}
		if !strings.Contains(g.NodeBase.Source, m.system) {
			t.Errorf("%s: source does not name %s: %s", m.gpu, m.system, g.NodeBase.Source)
		}
		if g.NodeBase.Grade < g.Bare.Grade {
			t.Errorf("%s: node base has grade %v, better than the bare watts it subtracts (%v)", m.gpu, g.NodeBase.Grade, g.Bare.Grade)
		}
	}
}

// What other hosts of the same GPU models would give, as the sources name them:
// watts a GPU.
var otherHosts = map[string][]float64{
	"nvidia-a10":            {172.0},
	"nvidia-a30":            {140.6},
	"nvidia-a100-pcie-40gb": {38.0},
	"nvidia-a100-pcie-80gb": {24.0, 123.6},
	"nvidia-a100-sxm4-80gb": {27.9, 117.9},
}

// The stated uncertainty of base watts is no smaller than that of one host among
// those which the sources name.
func TestHostsDifferAsMuchAsTheirUncertaintySays(t *testing.T) {
	squares, freedom := 0.0, 0
	for gpu, others := range otherHosts {
		g := mustLookup(t, gpu)
		logs := []float64{math.Log(g.NodeBase.Value)}
		for _, w := range others {
			logs = append(logs, math.Log(w))
			if !strings.Contains(g.NodeBase.Source, strconv.FormatFloat(w, 'f', 1, 64)) {
				t.Errorf("%s: source does not name %.1f W: %s", gpu, w, g.NodeBase.Source)
			}
		}
		mean := 0.0
		for _, l := range logs {
			mean += l / float64(len(logs))
		}
		for _, l := range logs {
			squares += (l - mean) * (l - mean)
		}
		freedom += len(others)
	}
	deviation := math.Sqrt(squares / float64(freedom))
	if deviation < 0.5 || deviation > 0.8 {
		t.Errorf("the logarithms of the hosts' base watts have a standard deviation of %.2f, the comment says 0.6", deviation)
	}
	if relative := math.Exp(deviation) - 1; relative < hostSpread {
		t.Errorf("one host among others is off by %.2f, stated are %.2f", relative, hostSpread)
	}
}

// wallRun is a run in which the power limit of the boards is known.
type wallRun struct {
	gpu, round, system, model, scenario string
	idle, watts, limit, gpus            float64
}

// wallRuns reads the table that internal/poweraccuracy carries.
func wallRuns(t *testing.T) []wallRun {
	t.Helper()
	rows := rawCSV(t, "../poweraccuracy/data/mlperf_wall.csv")
	var runs []wallRun
	for _, r := range rows {
		runs = append(runs, wallRun{
			r["gpu"], r["round"], r["system"], r["model"], r["scenario"],
			rawFloat(t, r["idle"]), rawFloat(t, r["watts"]), rawFloat(t, r["limit"]), rawFloat(t, r["gpus"]),
		})
	}
	if len(runs) != 24 {
		t.Fatalf("%d runs, want 24", len(runs))
	}
	return runs
}

func TestHostPerWattFollowsFromTheWallReadings(t *testing.T) {
	slopes := map[string][]float64{}
	for _, r := range wallRuns(t) {
		g := mustLookup(t, r.gpu)
		slopes[r.gpu] = append(slopes[r.gpu], (r.watts-r.idle)/(r.gpus*(r.limit-g.Bare.Value))-1)
		if !strings.Contains(g.HostPerWatt.Source, r.system) {
			t.Errorf("%s: source does not name %s: %s", r.gpu, r.system, g.HostPerWatt.Source)
		}
	}
	for gpu, s := range slopes {
		p := mustLookup(t, gpu).HostPerWatt
		mean, deviation := stat.MeanStdDev(s, nil)
		if math.Abs(mean-p.Value) > 0.01 {
			t.Errorf("%s: the runs give %.3f W/W, the catalogue has %g", gpu, mean, p.Value)
		}
		if relative := deviation / mean; relative > p.Rel {
			t.Errorf("%s: the runs differ by %.2f of their mean, stated are %.2f", gpu, relative, p.Rel)
		}
		t.Logf("%s: %.3f ± %.3f W/W: %.3f", gpu, mean, deviation, s)
	}
}

// Where the collected raw files are at hand, the table is checked against
// them; the tests above stand without.
const rawData = "../../../shared/data/"

func TestH100SXMAgainstTheRawLeaderboard(t *testing.T) {
	rows := rawCSV(t, rawData+"power/mlenergy_v3_llm.csv")
	checked := 0
	for _, r := range rows {
		if r["task"] != "lm-arena-chat" || r["gpu_model"] != "H100" || r["num_gpus"] != "1" || !strings.Contains(r["model_id"], "Llama-3.1-8B") {
			continue
		}
		batch := int(math.Round(rawFloat(t, r["avg_batch_size"])))
		if w, _ := mustLookup(t, "nvidia-h100-sxm").BusyWatts(batch); math.Abs(w-rawFloat(t, r["avg_power_watts"])) > 5 {
			t.Errorf("batch %d: %g W, published %s W", batch, w, r["avg_power_watts"])
		}
		checked++
	}
	if rows != nil && checked < 8 {
		t.Errorf("only %d published points found", checked)
	}
}

func TestWallReadingsAgainstTheRawLogs(t *testing.T) {
	raw, err := os.ReadFile(rawData + "derived/mlperf_power_raw.txt")
	if err != nil {
		t.Logf("raw file absent, not compared: %v", err)
		return
	}
	for _, m := range wallMinima {
		lowest := math.Inf(1)
		for line := range strings.Lines(string(raw)) {
			f := strings.Split(line, "|")
			if f[0] != m.round || f[2] != m.system {
				continue
			}
			lowest = min(lowest, rawField(t, line, "min_outside="))
		}
		if lowest != m.watts {
			t.Errorf("%s %s: lowest reading %g W, want %g W", m.round, m.system, lowest, m.watts)
		}
	}
}

func TestWallRunsAgainstTheRawLogs(t *testing.T) {
	raw, err := os.ReadFile(rawData + "derived/mlperf_power_raw.txt")
	if err != nil {
		t.Logf("raw file absent, not compared: %v", err)
		return
	}
	for _, r := range wallRuns(t) {
		idle, watts := math.Inf(1), 0.0
		for line := range strings.Lines(string(raw)) {
			f := strings.Split(line, "|")
			if f[0] != r.round || f[2] != r.system || strings.Contains(line, "UNALIGNED") {
				continue
			}
			idle = min(idle, rawField(t, line, "min_outside="))
			if f[3] == r.model && f[4] == r.scenario {
				watts = rawField(t, line, "meanW=")
			}
		}
		if idle != r.idle || watts != r.watts {
			t.Errorf("%s %s %s %s: idle %g W, mean %g W, want %g and %g W", r.round, r.system, r.model, r.scenario, idle, watts, r.idle, r.watts)
		}
	}
}

func rawField(t *testing.T, line, name string) float64 {
	t.Helper()
	_, after, _ := strings.Cut(line, name)
	v, _, _ := strings.Cut(after, "|")
	return rawFloat(t, v)
}

// rawCSV returns the rows by column name, or nil when the file is absent.
func rawCSV(t *testing.T, path string) []map[string]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Logf("raw file absent, not compared: %v", err)
		return nil
	}
	defer f.Close()
	in := csv.NewReader(f)
	in.Comment = '#'
	records, err := in.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]string
	for _, rec := range records[1:] {
		row := map[string]string{}
		for i, name := range records[0] {
			row[name] = rec[i]
		}
		rows = append(rows, row)
	}
	return rows
}

func rawFloat(t *testing.T, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
