package poweraccuracy

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"testing"
)

// Where the collected raw files are at hand, every row of the carried tables is
// looked up in them; the tests of the accuracy stand without.
const rawData = "../../../shared/data/"

func raw(t *testing.T, path string) []map[string]string {
	t.Helper()
	f, err := os.Open(rawData + path)
	if err != nil {
		t.Skipf("raw file absent, not compared: %v", err)
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

func value(t *testing.T, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// same looks every carried row up by its key and compares its figures.
func same(t *testing.T, table string, key func(map[string]string) string, truth map[string]map[string]float64, slack float64) {
	t.Helper()
	rows := open(table).rows
	if len(rows) == 0 {
		t.Fatalf("%s is empty", table)
	}
	for _, r := range rows {
		want, ok := truth[key(r)]
		if !ok {
			t.Errorf("%s: %s is not in the raw file", table, key(r))
			continue
		}
		for column, w := range want {
			if got := number(r, column); math.Abs(got-w) > slack+1e-9*math.Abs(w) {
				t.Errorf("%s: %s: %s is %g, raw %g", table, key(r), column, got, w)
			}
		}
	}
}

func TestMLEnergyAgainstTheRawFile(t *testing.T) {
	truth := map[string]map[string]float64{}
	n := 0
	for _, r := range raw(t, "power/mlenergy_v3_llm.csv") {
		if r["task"] == "lm-arena-chat" && r["num_gpus"] == "1" {
			n++
			key := fmt.Sprintf("%s %s %.1f", r["gpu_model"], r["nickname"], value(t, r["avg_batch_size"]))
			truth[key] = map[string]float64{"watts": value(t, r["avg_power_watts"])}
		}
	}
	same(t, "mlenergy.csv", func(r map[string]string) string { return r["gpu"] + " " + r["model"] + " " + r["batch"] }, truth, 0.051)
	if have := len(open("mlenergy.csv").rows); have != n {
		t.Errorf("%d rows are carried, the raw file has %d", have, n)
	}
}

// prompts are the kinds of the raw files' data sets.
func prompts(dataset string) string {
	return map[byte]string{'l': "code", 'm': "chat"}[dataset[0]]
}

func TestNLRAgainstTheRawFiles(t *testing.T) {
	truth := map[string]map[string]float64{}
	for _, r := range raw(t, "power/nlr_h100_online_finite_agg.csv") {
		truth[prompts(r["dataset"])+" "+r["request_rate"]] = map[string]float64{
			"served": value(t, r["request_throughput"]), "e2e_ms": value(t, r["mean_e2el_ms"]), "watts": value(t, r["mean_power_w"]),
		}
	}
	same(t, "nlr_load.csv", func(r map[string]string) string { return r["prompts"] + " " + r["offered"] }, truth, 0)
	truth = map[string]map[string]float64{}
	for _, r := range raw(t, "power/nlr_h100_online_rate_agg.csv") {
		truth[prompts(r["dataset"])+" "+r["request_rate"]] = map[string]float64{"watts": value(t, r["mean_power_w"])}
	}
	same(t, "nlr_rate.csv", func(r map[string]string) string { return r["prompts"] + " " + r["rate"] }, truth, 0)
}

func TestZeusAgainstTheRawFiles(t *testing.T) {
	truth := map[string]map[string]float64{}
	for _, board := range []string{"V100", "A40"} {
		for _, r := range raw(t, "power/zeus_summary_power_"+map[string]string{"V100": "v100", "A40": "a40"}[board]+".csv") {
			if r["optimizer"] == "adam" {
				continue // a second optimiser of one job
			}
			key := fmt.Sprintf("%s %s %s %s %.0f", board, r["dataset"], r["network"], r["batch_size"], value(t, r["power_limit"]))
			truth[key] = map[string]float64{"seconds": value(t, r["time_per_epoch"]), "watts": value(t, r["average_power"])}
		}
	}
	same(t, "zeus_caps.csv", func(r map[string]string) string {
		return r["board"] + " " + r["job"] + " " + r["batch"] + " " + r["cap"]
	}, truth, 0.051)
}

func TestCappedInferenceAgainstTheRawFile(t *testing.T) {
	truth := map[string]map[string]float64{}
	for _, r := range raw(t, "perf/mlperf_v41_closed_results.csv") {
		column, ok := map[string]string{"H200-SXM-141GBx8_TRT": "free", "H200-SXM-141GBx8_TRT_MaxQ": "capped"}[r["system"]]
		if r["submitter"] != "NVIDIA" || !ok {
			continue
		}
		key := r["model"] + " " + r["scenario"]
		if truth[key] == nil {
			truth[key] = map[string]float64{}
		}
		truth[key][column] = value(t, r["samples_per_s"])
	}
	same(t, "h200_caps.csv", func(r map[string]string) string { return r["model"] + " " + r["scenario"] }, truth, 0)
}

// The states are told apart at 2,560 W and halfway from the idle context to the
// run's steady load.
func TestRampsAgainstTheRawTraces(t *testing.T) {
	steady, ranging := map[string]float64{}, map[string]float64{}
	for _, r := range raw(t, "power/mlperf_v41_h200x8_power_summary.csv") {
		key := r["model"] + " " + r["scenario"]
		if r["phase"] == "run_1" {
			steady[key] = value(t, r["steady_w"])
		} else {
			ranging[key] = value(t, r["steady_w"])
		}
	}
	traces := map[string][]float64{}
	for _, r := range raw(t, "power/mlperf_v41_h200x8_wall_power_1s.csv") {
		key := r["model"] + " " + r["scenario"]
		traces[key] = append(traces[key], value(t, r["watts"]))
	}
	truth := map[string]map[string]float64{}
	for key, watts := range traces {
		mid := (2706 + steady[key]) / 2
		sums, seconds := [3]float64{}, [3]float64{}
		for _, w := range watts {
			state := RampLoad
			switch {
			case w < 2560:
				state = RampBare
			case w < mid:
				state = RampContext
			}
			sums[state] += w
			seconds[state]++
		}
		truth[key] = map[string]float64{"megajoules": (sums[0] + sums[1] + sums[2]) / 1e6, "ranging_w": ranging[key]}
		for i, state := range []string{"bare", "context", "load"} {
			truth[key][state+"_s"], truth[key][state+"_w"] = seconds[i], sums[i]/seconds[i]
		}
	}
	same(t, "h200_ramps.csv", func(r map[string]string) string { return r["model"] + " " + r["scenario"] }, truth, 0.051)
	if have := len(open("h200_ramps.csv").rows); have != len(traces) {
		t.Errorf("%d traces are carried, the raw file has %d", have, len(traces))
	}
}

// The whole raw sweeps, of which a part is carried, give the same errors.
func TestWholeZeusSweepsSayTheSame(t *testing.T) {
	var whole sheet
	for _, board := range []string{"V100", "A40"} {
		for _, r := range raw(t, "power/zeus_summary_power_"+map[string]string{"V100": "v100", "A40": "a40"}[board]+".csv") {
			if r["network"] != "ncf" {
				whole.rows = append(whole.rows, map[string]string{
					"board": board, "job": r["dataset"] + " " + r["network"] + " " + r["optimizer"], "batch": r["batch_size"],
					"cap": r["power_limit"], "seconds": r["time_per_epoch"], "watts": r["average_power"],
				})
			}
		}
	}
	slices.SortStableFunc(whole.rows, func(a, b map[string]string) int { return cmp.Compare(number(a, "cap"), number(b, "cap")) })
	runs := zeusRuns(whole)
	if len(runs) != 389 {
		t.Errorf("%d capped runs, want 389", len(runs))
	}
	for name, c := range map[string]struct {
		part, whole Errors
	}{
		"jobs":   {slowdowns(computed(t).CapJobs), slowdowns(heldOutCaps(runs, func(c Capped) string { return c.Job }))},
		"boards": {slowdowns(computed(t).CapBoards), slowdowns(heldOutCaps(runs, func(c Capped) string { return c.Board }))},
	} {
		t.Logf("%s: carried %.3f, whole %.3f", name, c.part.MAPE, c.whole.MAPE)
		if math.Abs(c.part.MAPE-c.whole.MAPE) > 0.03 {
			t.Errorf("%s: MAPE %.3f of the carried part, %.3f of the whole", name, c.part.MAPE, c.whole.MAPE)
		}
	}
}
