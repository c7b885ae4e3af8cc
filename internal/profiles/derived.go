package profiles

import (
	"fmt"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/grade"
)

// derivedBatch is where the derived straight lines end; beyond, they go on.
const derivedBatch = 128

// affine is a time of alpha + beta·batch seconds.
type affine struct{ alpha, beta float64 }

// fit is the affine law with the least squared relative error over p's points.
func fit(p Profile) affine {
	var w, wb, wbb, wt, wbt float64
	for i, t := range p.Seconds {
		b, weight := float64(p.Batch[i]), 1/float64(t*t)
		w += weight
		wb += float64(weight * b)
		wbb += float64(weight * b * b)
		wt += float64(weight * t)
		wbt += float64(weight * b * t)
	}
	beta := (float64(w*wbt) - float64(wb*wt)) / (float64(w*wbb) - float64(wb*wb))
	return affine{alpha: (wt - float64(beta*wb)) / w, beta: beta}
}

// profile writes the line as a profile of two points.
func (a affine) profile(p Profile) Profile {
	p.Items = 1
	p.Batch = []int{1, derivedBatch}
	p.Seconds = []float64{a.alpha + a.beta, a.alpha + float64(a.beta*derivedBatch)}
	p.Grade = grade.X
	return p
}

// bertOfflineT4 and bertOffline are BERT-large Offline in samples/s per GPU
// (bert-99: INT8, FP8 on Hopper): medians over NVIDIA GPUs in the closed
// division of MLPerf Inference v1.1 to v4.1; for L4 its one single-GPU result
// (v3.0 NVIDIA L4x1_TRT). Rates per GPU are our division of system results, no
// metric of MLCommons.
const bertOfflineT4 = 402.0

var bertOffline = []struct {
	gpu  string
	rate float64
}{
	{"nvidia-a10", 1108},
	{"nvidia-l4", 1032},
	{"nvidia-l40s", 3304},
	{"nvidia-a100-pcie-40gb", 2824},
	{"nvidia-a100-pcie-80gb", 3199},
	{"nvidia-a100-sxm4-80gb", 3538},
	{"nvidia-h100-pcie", 5848},
	{"nvidia-h100-sxm", 8983},
	{"nvidia-h200", 9196},
}

// derivedBERT gives BERT under TensorRT to GPUs without a table by batch. The
// time per item is the T4's over the ratio of MLPerf rates; the fixed part is
// the A30's, for it is launch time and hardly depends on the GPU. Where tables
// exist the rule is off by 4 % (A30) and 6 % (A100 SXM4) on average, by 18 % at
// worst. Ada and Hopper could not be checked.
func derivedBERT(from []Profile) []Profile {
	var derived []Profile
	for _, t4 := range from {
		a30, ok := find(from, t4.Model, t4.Variant, "nvidia-a30")
		if t4.GPU != "nvidia-t4" || !ok || !isTensorRTBERT(t4) {
			continue
		}
		for _, g := range bertOffline {
			line := ruleBERT(t4, a30, g.rate)
			derived = append(derived, line.profile(Profile{
				Model: t4.Model, Variant: t4.Variant, GPU: g.gpu,
				Source: "derived from " + t4.Source + " and MLPerf Inference v1.1 to v4.1, closed, bert-99 Offline",
				Note: fmt.Sprintf("%.3f + %.4f·batch ms: fixed part of the A30's fit, %.4f ms an item of the T4's fit over %.0f/%.0f (samples/s per GPU)",
					line.alpha*1e3, line.beta*1e3, fit(t4).beta*1e3, g.rate, bertOfflineT4),
			}))
		}
	}
	return derived
}

// ruleBERT is the rule of derivedBERT for a GPU of this MLPerf rate.
func ruleBERT(t4, a30 Profile, rate float64) affine {
	return affine{alpha: fit(a30).alpha, beta: fit(t4).beta * bertOfflineT4 / rate}
}

func isTensorRTBERT(p Profile) bool {
	return strings.HasPrefix(p.Model, "bert-") && strings.HasPrefix(p.Variant, "tensorrt-")
}

func find(all []Profile, model, variant, gpu string) (Profile, bool) {
	for _, p := range all {
		if p.Model == model && p.Variant == variant && p.GPU == gpu {
			return p, true
		}
	}
	return Profile{}, false
}
