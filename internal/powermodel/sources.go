package powermodel

import "github.com/kwatt-sim/kwatt/internal/grade"

// Undated is the date of a source that does not say when it was published.
const Undated = "undated"

// cite is a source and when it was published.
type cite struct{ text, date string }

// with adds what the figure is within the source.
func (c cite) with(detail string) cite { return cite{c.text + detail, c.date} }

func undated(text string) cite { return cite{text, Undated} }

// Sources that several figures share. nvidia-smi printouts are grade C: driver
// version and persistence mode are unknown.
var (
	printouts  = undated("nvidia-smi printouts in public repositories, ")
	parkingTax = cite{"arXiv 2605.23918, Table 1 (NVML; 8bitai/gpu-parking-tax@146dd1c data/experiments): ", "2026-05"}
	llmBoard   = cite{"ML.ENERGY leaderboard v3, ml-energy/leaderboard@0cd52da public/data/tasks/lm-arena-chat.json (vLLM, NVML mean): ", "2025-12"}
	hotCarbon  = cite{"Chien et al., HotCarbon 2023: 318 kg for an A100, read as quoted second-hand", "2023-07"}
)

// rounds of MLPerf Inference, by when their results were published.
var rounds = map[string]string{"v1.1": "2021-09", "v2.0": "2022-04", "v2.1": "2022-09", "v3.0": "2023-04", "v4.1": "2024-08"}

// wallIdle is a host's share of the lowest wall reading of a submission.
func wallIdle(round, detail string) cite {
	return cite{"MLPerf Power, lowest wall reading outside the logged run, less bare GPUs, per GPU: " + round + " " + detail, rounds[round]}
}

// wallSlope is what a host adds to its GPUs' watts. The boards draw at most
// their limit, so the figure is rather too low than too high.
func wallSlope(round, detail string) cite {
	return cite{"MLPerf Power, mean wall reading of the run less the lowest one, over what the boards may draw above bare by the power limit of the submission's configuration, less 1: " +
		round + " " + detail, rounds[round]}
}

// Assumptions that several boards share.
const (
	assumedBatchOne = "assumed: no figure by batch was found for this board; batch 1 is taken at "
	assumedFull     = "assumed: no figure by batch was found for this board; saturation is taken at "
	saturation32    = "; placed at batch 32, where TensorRT BERT-base INT8 (sequence 128) passes 90 % of its best throughput on A30 and A100"
)

func pointA(v float64, c cite) Point { return graded(grade.A, v, c) }
func pointB(v float64, c cite) Point { return graded(grade.B, v, c) }
func pointC(v float64, c cite) Point { return graded(grade.C, v, c) }

// pointX is a figure that rests on the assumption alone.
func pointX(v float64, assumption string) Point { return graded(grade.X, v, cite{text: assumption}) }

func graded(g grade.Grade, v float64, c cite) Point {
	return Point{Value: v, Grade: g, Source: c.text, Date: c.date}
}

// Embodied carbon. Only one board has a published figure of its own, the A100;
// the rest is what other tools assume.
var (
	embodiedCommon = pointX(150, "assumed: the GPU constant of Cloud Carbon Footprint and Impact Framework (Green-Software-Foundation/if@0829a39 src/if-run/builtins/sci-embodied, 150 kg a GPU)")
	embodiedA100   = pointC(318, hotCarbon)
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
