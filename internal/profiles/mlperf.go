package profiles

import (
	"fmt"
	"slices"

	"github.com/kwatt-sim/kwatt/internal/grade"
)

// multiStreamItems is the samples of one MultiStream query since MLPerf v2.0.
const multiStreamItems = 8

// offlineBatch is the batch at which the last derived point of a ResNet50
// profile stands.
const offlineBatch = 64

// mlperfResNet50 reads data/mlperf_resnet50.csv: one system a line,
// INT8 under TensorRT or what the variant names. Batch 1 is the mean SingleStream latency, batch 8 the mean
// MultiStream latency where it was submitted; from there each further image
// takes the time it has in Offline, the saturated rate.
func mlperfResNet50() []Profile {
	var all []Profile
	for _, r := range table("mlperf_resnet50.csv") {
		perImage := number(r["gpus"]) / number(r["offline_per_s"])
		batch, ms, name := []int{1}, []float64{number(r["single_stream_ms"])}, "SingleStream"
		if r["multi_stream_ms"] != "" {
			batch, ms, name = append(batch, multiStreamItems), append(ms, number(r["multi_stream_ms"])), "MultiStream"
		}
		last := len(batch) - 1
		further := offlineBatch - batch[last]
		p := Profile{
			Model: "resnet50", Variant: r["variant"], GPU: r["gpu"], Items: 1, Grade: grade.B,
			Source: fmt.Sprintf("MLPerf Inference %s, closed, %s %s, resnet50 (mlcommons/inference_results_%s, Apache-2.0)",
				r["round"], r["submitter"], r["system"], r["round"]),
			Note: fmt.Sprintf("batch 1 is the mean SingleStream latency; batch %d is %s plus Offline's time per image: %g + %d·%.4f ms",
				offlineBatch, name, ms[last], further, perImage*1e3),
		}
		p.Batch = slices.Concat(batch, []int{offlineBatch})
		for _, v := range ms {
			p.Seconds = append(p.Seconds, v/1e3)
		}
		p.Seconds = append(p.Seconds, p.Seconds[last]+float64(float64(further)*perImage))
		all = append(all, p)
	}
	return all
}

// resNet50OfflineOnly are boards with no latency result: Offline images/s per
// GPU.
var resNet50OfflineOnly = []struct {
	gpu    string
	rate   float64
	source string
}{
	{"nvidia-h100-sxm", 91825.7, "MLPerf Inference v3.0, closed, NVIDIA DGX-H100_H100-SXM-80GBx1_TRT, resnet50 Offline"},
	{"nvidia-h200", 756960.0 / 8, "MLPerf Inference v4.1, closed, NVIDIA H200-SXM-141GBx8_TRT, resnet50 Offline over 8 GPUs"},
}

// derivedResNet50 gives these boards the H100 PCIe's fixed part.
func derivedResNet50(from []Profile) []Profile {
	pcie, ok := find(from, "resnet50", "tensorrt-int8", "nvidia-h100-pcie")
	if !ok {
		panic("profiles: mlperf_resnet50.csv has no nvidia-h100-pcie")
	}
	last := len(pcie.Batch) - 1
	perImage := (pcie.Seconds[last] - pcie.Seconds[last-1]) / float64(pcie.Batch[last]-pcie.Batch[last-1])
	var derived []Profile
	for _, g := range resNet50OfflineOnly {
		line := affine{alpha: pcie.Seconds[0] - perImage, beta: 1 / g.rate}
		derived = append(derived, line.profile(Profile{
			Model: "resnet50", Variant: "tensorrt-int8", GPU: g.gpu, Source: "derived from " + g.source + ", and " + pcie.Source,
			Note: fmt.Sprintf("%.4f + %.5f·batch ms: SingleStream of the H100 PCIe less one image, and the time per image of Offline",
				line.alpha*1e3, line.beta*1e3),
		}))
	}
	return derived
}
