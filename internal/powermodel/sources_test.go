package powermodel

import (
	"encoding/csv"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
)

// The B200's points are the isotonic regression that its source string states.
func TestB200IsTheIsotonicRegressionOfThePublishedPoints(t *testing.T) {
	batches := []int{8, 16, 32, 64, 96, 128, 192, 256, 383, 456}
	published := []float64{859.6, 836.4, 848.8, 945.4, 970.5, 975.6, 969.4, 971.3, 971.7, 968.9}
	fitted := isotonic(published)
	g := mustLookup(t, "nvidia-b200")
	for i, batch := range batches {
		if w, _ := g.BusyWatts(batch); math.Abs(w-fitted[i]) > 0.06 {
			t.Errorf("batch %d: %g W, want %.2f W", batch, w, fitted[i])
		}
	}
}

// isotonic pools adjacent violators with equal weights.
func isotonic(values []float64) []float64 {
	type block struct {
		sum float64
		n   int
	}
	mean := func(b block) float64 { return b.sum / float64(b.n) }
	var blocks []block
	for _, v := range values {
		blocks = append(blocks, block{v, 1})
		for k := len(blocks); k > 1 && mean(blocks[k-2]) > mean(blocks[k-1]); k = len(blocks) {
			blocks[k-2] = block{blocks[k-2].sum + blocks[k-1].sum, blocks[k-2].n + blocks[k-1].n}
			blocks = blocks[:k-1]
		}
	}
	var fitted []float64
	for _, b := range blocks {
		for range b.n {
			fitted = append(fitted, mean(b))
		}
	}
	return fitted
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
			_, after, _ := strings.Cut(line, "min_outside=")
			w, _, _ := strings.Cut(after, "|")
			lowest = min(lowest, rawFloat(t, w))
		}
		if lowest != m.watts {
			t.Errorf("%s %s: lowest reading %g W, want %g W", m.round, m.system, lowest, m.watts)
		}
	}
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
	records, err := csv.NewReader(f).ReadAll()
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
