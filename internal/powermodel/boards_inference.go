package powermodel

import "github.com/kwatt-sim/kwatt/internal/grade"

// inferenceBoards are the PCIe cards made for inference, and the V100.
func inferenceBoards() []GPU {
	return []GPU{t4(), l4(), a10(), a30(), l40s(), v100()}
}

func t4() GPU {
	return GPU{
		Name: "nvidia-t4", Title: "NVIDIA T4 16 GB", CapWatts: 70,
		Bare:    pointC(10, printouts.with("P8: 9-17 W")),
		Context: pointC(27, printouts.with("P0 at 0 %: 25-34 W")),
		Busy: []BusyPoint{
			{1, pointX(55, assumedBatchOne+"two thirds of the way from context to cap")},
			{8, pointC(70, undated("sustainable-computing-io/kepler pull request 2388: load 60-70 W; placed at batch 8, where TensorRT BERT-base INT8 (sequence 128) passes 90 % of its best throughput on a T4"))},
		},
		EmbodiedKg:     embodiedCommon,
		NodeBase:       hostBase(pointX(103.7, "assumed as the A10's: the same chassis (Dell XE2420) was submitted with T4, without power")),
		HostPerWatt:    hostSlope(pointX(0.27, "assumed as the A10's: the same chassis"), 0.5),
		NodeEmbodiedKg: hostOfFour,
	}
}

func l4() GPU {
	return GPU{
		Name: "nvidia-l4", Title: "NVIDIA L4 24 GB", CapWatts: 72,
		Bare:    pointC(15, printouts.with("P8: 9-19 W")),
		Context: pointC(28, printouts.with("P0: 27-28 W")),
		Busy: []BusyPoint{
			{1, pointX(57, assumedBatchOne+"two thirds of the way from context to cap, as the T4")},
			{32, pointX(72, assumedFull+"the cap"+saturation32)},
		},
		EmbodiedKg:     embodiedCommon,
		NodeBase:       hostBase(pointX(103.7, "assumed as the A10's: the one L4 host with wall readings (MLPerf v3.0, Dell XR5610_L4x1_TRT_MaxQ) reads 517 W at its lowest, which one board cannot explain")),
		HostPerWatt:    hostSlope(pointX(0.27, "assumed as the A10's: a host of small cards"), 0.5),
		NodeEmbodiedKg: hostOfFour,
	}
}

func a10() GPU {
	return GPU{
		Name: "nvidia-a10", Title: "NVIDIA A10 24 GB", CapWatts: 150,
		Bare:    pointC(10, printouts.with("P8: 8-15 W")),
		Context: pointX(55, "assumed: the A10G (same die) reads 57-70 W idle in P0, an A10 64-66 W at 15-37 % utilisation ("+printouts.text+"grade C)"),
		Busy: []BusyPoint{
			{1, pointX(120, "interpolated: batch 1 (SingleStream) took 0.59 (ResNet50) to 0.72 (BERT) of the dynamic wall power of Offline, MLPerf v1.1 Dell XE2420_A10x1_TRT_MaxQ: 55 + 0.68·(150 − 55)")},
			{32, pointC(150, printouts.with("P0 at 92 %: 150 W"+saturation32))},
		},
		EmbodiedKg:     embodiedCommon,
		NodeBase:       hostBase(pointC(103.7, wallIdle("v1.1", "Dell XE2420_A10x2_TRT_MaxQ, (227.4 − 2·10)/2 W; the same host with one A10: 182.0 − 10 = 172.0 W"))),
		HostPerWatt:    hostSlope(pointC(0.27, wallSlope("v1.1", "Dell XE2420_A10x2_TRT_MaxQ, BERT, DLRM Offline at most 150 W a board: 0.26-0.29")), 0.3),
		NodeEmbodiedKg: hostOfFour,
	}
}

func a30() GPU {
	return GPU{
		Name: "nvidia-a30", Title: "NVIDIA A30 24 GB", CapWatts: 165,
		Bare:    pointX(28, "assumed: no reading of an A30 was found; between A10 and A100 PCIe 40 GB"),
		Context: pointX(45, "assumed: no reading of an A30 was found; between bare and the A100 PCIe 40 GB"),
		Busy: []BusyPoint{
			{1, pointX(130, "interpolated: batch 1 (SingleStream) took 0.46 (ResNet50) to 0.83 (BERT) of the dynamic wall power of Offline, MLPerf v2.0 Dell XE2420_A30x1_TRT_MaxQ: 45 + 0.71·(165 − 45)")},
			{32, pointX(165, assumedFull+"the cap"+saturation32)},
		},
		MIGSlices:      4,
		MIG:            []MIGProfile{{"1g.6gb", 1, 4}, {"2g.12gb", 2, 2}, {"4g.24gb", 4, 1}},
		EmbodiedKg:     embodiedCommon,
		NodeBase:       hostBase(graded(grade.X, 94.9, wallIdle("v2.0", "Dell XE2420_A30x1_TRT_MaxQ, 122.9 − 28 W (the 28 W are assumed); v2.1 H3C A30x3_R4900G5 gives (505.7 − 3·28)/3 = 140.6 W"))),
		HostPerWatt:    hostSlope(graded(grade.X, 0.29, wallSlope("v2.0", "Dell XE2420_A30x1_TRT_MaxQ, BERT Offline at most 165 W a board: 0.29, with bare watts that are assumed")), 0.5),
		NodeEmbodiedKg: hostOfFour,
	}
}

func l40s() GPU {
	return GPU{
		Name: "nvidia-l40s", Title: "NVIDIA L40S 48 GB", CapWatts: 350,
		Bare:    pointA(35.6, parkingTax.with("bare idle")),
		Context: pointA(99.6, parkingTax.with("CUDA context, mean of 97.1 and 102.1 W")),
		Busy: []BusyPoint{
			{1, pointX(230, assumedBatchOne+"230 W; printouts read 259 W at 95 % utilisation")},
			{64, pointX(330, assumedFull+"0.94 of the cap, placed at batch 64")},
		},
		EmbodiedKg:     embodiedCommon,
		NodeBase:       hostBase(pointX(141.5, "assumed as the A100 PCIe 40 GB's: a host of four 250-350 W cards")),
		HostPerWatt:    hostSlope(pointX(0.29, "assumed as the A100 PCIe 80 GB's: a host of large PCIe cards"), 0.5),
		NodeEmbodiedKg: hostOfFour,
	}
}

func v100() GPU {
	return GPU{
		Name: "nvidia-v100", Title: "NVIDIA V100 SXM2 32 GB", CapWatts: 300,
		Bare:    pointC(40, printouts.with("37-47 W")),
		Context: pointX(55, "assumed: 15 W above bare; no reading with a context was found"),
		Busy: []BusyPoint{
			{1, pointC(190, undated("1CatAI/1Cat-vLLM issue 535: LLM decode 180-200 W a card; decode is taken for batch 1"))},
			{32, pointC(290, undated("1CatAI/1Cat-vLLM issue 535: LLM prefill 270-300 W a card; prefill is taken for saturation, placed at batch 32"))},
		},
		EmbodiedKg:     embodiedCommon,
		NodeBase:       hostBase(pointX(120.9, "assumed as the A100 SXM4's: an eight-GPU host")),
		HostPerWatt:    hostSlope(pointX(0.12, "assumed as the A100 SXM4's: an eight-GPU host"), 0.5),
		NodeEmbodiedKg: hostOfEight,
	}
}
