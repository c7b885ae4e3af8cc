package profiles

import (
	"encoding/csv"
	"math"
	"os"
	"strings"
	"testing"
)

// Where the collected raw files are at hand, the tables are checked against
// them; the other tests stand without.
const rawData = "../../../shared/data/"

// bertModels maps the published names to ours.
var bertModels = map[string]string{
	"BERT-base seq128": "bert-base-ranker", "BERT-base seq384": "bert-base-ranker-384", "BERT-large seq128": "bert-large-ranker",
}

func TestTensorRTTableAgainstRaw(t *testing.T) {
	gpus := map[string]string{"T4": "nvidia-t4", "A30": "nvidia-a30", "A100 40GB": "nvidia-a100-sxm4-40gb"}
	compareRaw(t, "derived/trt_bert_latency.csv", 180, func(r map[string]string) (string, string, string, int, float64) {
		return bertModels[r["model"]+" seq"+r["seq"]], "tensorrt-" + strings.ToLower(r["precision"]), gpus[r["gpu"]],
			int(number(r["batch"])), number(r["avg_ms"]) / 1e3
	})
}

func TestTensorFlowTableAgainstRaw(t *testing.T) {
	gpus := map[string]string{
		"Tesla T4 (1x T4 16GB)": "nvidia-t4", "DGX-1 (1x V100 32GB)": "nvidia-v100", "DGX A100 (1x A100 40GB)": "nvidia-a100-sxm4-40gb",
	}
	compareRaw(t, "derived/tf_bert_fp32_fp16.csv", 84, func(r map[string]string) (string, string, string, int, float64) {
		return bertModels[r["model"]+" seq"+r["seq"]], r["precision"], gpus[r["gpu"]],
			int(number(r["batch"])), number(r["batch"]) / number(r["sent_per_s"])
	})
}

func TestDLRMTableAgainstRaw(t *testing.T) {
	gpus := map[string]string{"NVIDIA A100 (1x A100 80GB)": "nvidia-a100-sxm4-80gb", "NVIDIA DGX-1 (1x V100 32GB)": "nvidia-v100"}
	compareRaw(t, "perf/nvidia_dle_pytorch_dlrm_by_batch.csv", 28, func(r map[string]string) (string, string, string, int, float64) {
		if r["cuda_graphs"] != "on" || number(r["batch"]) < 512 {
			return "", "", "", 0, 0
		}
		variant := "fp16"
		if r["precision"] != "AMP" {
			variant = map[string]string{"nvidia-a100-sxm4-80gb": "tf32", "nvidia-v100": "fp32"}[gpus[r["gpu"]]]
		}
		return "dlrm", variant, gpus[r["gpu"]], int(number(r["batch"])), number(r["batch"]) / number(r["samples_per_s"])
	})
}

func TestTritonRecommendersAgainstRaw(t *testing.T) {
	gpus := map[string]string{
		"NVIDIA T4": "nvidia-t4", "NVIDIA A30": "nvidia-a30",
		"NVIDIA DGX A100 (1x A100 80GB)": "nvidia-a100-sxm4-80gb", "NVIDIA DGX-1 (1x V100 32GB)": "nvidia-v100",
	}
	compareRaw(t, "perf/nvidia_dle_triton_recommenders.csv", 114, func(r map[string]string) (string, string, string, int, float64) {
		model, variant := "", "tensorrt-"+strings.ToLower(r["precision"])
		switch {
		case !strings.HasPrefix(r["section"], "Offline"):
		case strings.Contains(r["doc"], "WideAndDeep"):
			model = "wide-and-deep"
			if r["precision"] == "FP32" {
				variant = "fp32"
			}
		case strings.Contains(r["section"], "DLRM") && strings.Contains(r["section"], "4B parameters") && number(r["batch"]) >= 512:
			model = "dlrm"
		}
		return model, variant, gpus[r["gpu"]], int(number(r["batch"])), number(r["avg_latency_ms"]) / 1e3
	})
}

func TestDerivedBERTAgainstRaw(t *testing.T) {
	gpus := map[string]string{
		"A10": "nvidia-a10", "L4": "nvidia-l4", "L40S": "nvidia-l40s", "A100-PCIe-80": "nvidia-a100-pcie-80gb",
		"H100-PCIe": "nvidia-h100-pcie", "H100-SXM": "nvidia-h100-sxm",
	}
	compareRaw(t, "derived/service_time_defaults.csv", 36, func(r map[string]string) (string, string, string, int, float64) {
		if r["basis"] != "derived" {
			return "", "", "", 0, 0
		}
		variant := strings.ToLower(strings.ReplaceAll(r["runtime_precision"], " ", "-"))
		return bertModels[r["model"]], variant, gpus[r["gpu"]],
			derivedBatch, (number(r["alpha_ms"]) + number(r["beta_ms_per_item"])*derivedBatch) / 1e3
	})
}

func TestMLPerfTableAgainstRaw(t *testing.T) {
	raw := rawCSV(t, "derived/mlperf_inference_perf.csv")
	if raw == nil {
		return
	}
	value := map[string]string{} // round, submitter, system, scenario
	for _, r := range raw {
		if r["benchmark"] == "resnet50" {
			key := strings.Join([]string{r["round"], r["submitter"], r["system"], r["scenario"]}, "|")
			value[key] = r["mean_ms"]
			if r["scenario"] == "Offline" {
				value[key] = r["samples_per_s"]
			}
		}
	}
	for _, r := range table("mlperf_resnet50.csv") {
		if r["submitter"] == "Qualcomm" {
			continue // read from its log summaries: the raw table has NVIDIA's boards only
		}
		key := strings.Join([]string{r["round"], r["submitter"], r["system"]}, "|")
		for scenario, column := range map[string]string{"SingleStream": "single_stream_ms", "MultiStream": "multi_stream_ms", "Offline": "offline_per_s"} {
			if r[column] != "" && number(value[key+"|"+scenario]) != number(r[column]) {
				t.Errorf("%s %s: %s, published %s", key, scenario, r[column], value[key+"|"+scenario])
			}
		}
	}
}

// compareRaw checks that every row that pick maps to one of our models and
// GPUs is a point of its profile, to 0.2 %, and that there are so many rows.
func compareRaw(t *testing.T, path string, rows int, pick func(map[string]string) (model, variant, gpu string, batch int, seconds float64)) {
	t.Helper()
	raw := rawCSV(t, path)
	compared := 0
	for _, r := range raw {
		model, variant, gpu, batch, want := pick(r)
		if model == "" || gpu == "" {
			continue
		}
		compared++
		p, err := Lookup(model, variant, gpu)
		if err != nil {
			t.Error(err)
			continue
		}
		got := math.NaN()
		for i, b := range p.Batch {
			if b == batch {
				got = p.Seconds[i]
			}
		}
		if !(math.Abs(got/want-1) < 2e-3) {
			t.Errorf("%s %s %s batch %d: %g s, published %g s", model, variant, gpu, batch, got, want)
		}
	}
	if raw != nil && compared != rows {
		t.Errorf("%s: compared %d rows, want %d", path, compared, rows)
	}
}

// rawCSV returns the rows by column name, or nil when the file is absent.
func rawCSV(t *testing.T, path string) []map[string]string {
	t.Helper()
	f, err := os.Open(rawData + path)
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
	for _, record := range records[1:] {
		row := map[string]string{}
		for i, name := range records[0] {
			row[name] = record[i]
		}
		rows = append(rows, row)
	}
	return rows
}
