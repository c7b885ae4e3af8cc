package powermodel

import "github.com/kwatt-sim/kwatt/internal/grade"

// Sources that several figures share. nvidia-smi printouts are grade C: driver
// version and persistence mode are unknown.
const (
	printouts  = "nvidia-smi printouts in public repositories, "
	parkingTax = "arXiv 2605.23918, Table 1 (NVML; 8bitai/gpu-parking-tax@146dd1c data/experiments): "
	llmBoard   = "ML.ENERGY leaderboard v3, ml-energy/leaderboard@0cd52da public/data/tasks/lm-arena-chat.json (vLLM, NVML mean): "
	wallIdle   = "MLPerf Power, lowest wall reading outside the logged run, less bare GPUs, per GPU: "
)

// Assumptions that several boards share.
const (
	assumedBatchOne = "assumed: no figure by batch was found for this board; batch 1 is taken at "
	assumedFull     = "assumed: no figure by batch was found for this board; saturation is taken at "
	saturation32    = "; placed at batch 32, where TensorRT BERT-base INT8 (sequence 128) passes 90 % of its best throughput on A30 and A100"
)

func pointA(v float64, source string) Point { return Point{v, grade.A, source} }
func pointB(v float64, source string) Point { return Point{v, grade.B, source} }
func pointC(v float64, source string) Point { return Point{v, grade.C, source} }
func pointX(v float64, source string) Point { return Point{v, grade.X, source} }

// Embodied carbon. Only one board has a published figure of its own, the A100;
// the rest is what other tools assume.
var (
	embodiedCommon = pointX(150, "assumed: the GPU constant of Cloud Carbon Footprint and Impact Framework (Green-Software-Foundation/if@0829a39 src/if-run/builtins/sci-embodied, 150 kg a GPU)")
	embodiedA100   = pointC(318, "Chien et al., HotCarbon 2023: 318 kg for an A100, read as quoted second-hand")
	embodiedBig    = pointX(318, "assumed as the A100 (Chien et al., HotCarbon 2023, as quoted): a large HBM board; the maker's absolute figure was not found")

	hostOfFour  = pointX(250, "assumed: 1000 kg a server (baseline-emissions default of Impact Framework, Green-Software-Foundation/if@0829a39 src/if-run/builtins/sci-embodied) over 4 GPUs")
	hostOfEight = pointX(125, "assumed: 1000 kg a server (baseline-emissions default of Impact Framework, Green-Software-Foundation/if@0829a39 src/if-run/builtins/sci-embodied) over 8 GPUs")
)

// migSeven is how boards with seven compute slices are cut: NVIDIA MIG User
// Guide, "Supported MIG Profiles". The names carry the memory of a slice: of
// 1g, of the 1g with twice the memory (which 2g has too), of 3g and 4g, of 7g.
func migSeven(one, two, half, whole string) []MIGProfile {
	return []MIGProfile{
		{"1g." + one, 1, 7}, {"1g." + two, 1, 4}, {"2g." + two, 2, 3},
		{"3g." + half, 3, 2}, {"4g." + half, 4, 1}, {"7g." + whole, 7, 1},
	}
}
