package powermodel

// a100Boards are the four A100 boards.
func a100Boards() []GPU {
	return []GPU{a100PCIe40(), a100PCIe80(), a100SXM40(), a100SXM80()}
}

func a100PCIe40() GPU {
	return GPU{
		Name: "nvidia-a100-pcie-40gb", Title: "NVIDIA A100 PCIe 40 GB", CapWatts: 250,
		Bare:    pointC(34, printouts.with("31-38 W")),
		Context: pointX(60, "assumed: 26 W above bare, as measured on the A100 PCIe 80 GB"),
		Busy: []BusyPoint{
			{1, pointX(150, assumedBatchOne+"0.6 of the cap, as the A100 PCIe 80 GB")},
			{32, pointX(240, assumedFull+"0.96 of the cap"+saturation32)},
		},
		MIGSlices: 7, MIG: migSeven("5gb", "10gb", "20gb", "40gb"),
		EmbodiedKg:     embodiedA100,
		NodeBase:       hostBase(pointC(141.5, wallIdle("v1.1", "Dell R750xa_A100-PCIE-40GBx4_TRT_MaxQ, (702.0 − 4·34)/4 W; NVIDIA A100-PCIex8 gives (576.1 − 8·34)/8 = 38.0 W"))),
		HostPerWatt:    hostSlope(pointX(0.29, "assumed as the A100 PCIe 80 GB's"), 0.5),
		NodeEmbodiedKg: hostOfFour,
	}
}

func a100PCIe80() GPU {
	return GPU{
		Name: "nvidia-a100-pcie-80gb", Title: "NVIDIA A100 PCIe 80 GB", CapWatts: 300,
		Bare:    pointA(53.7, parkingTax.with("bare idle")),
		Context: pointA(80, parkingTax.with("CUDA context; a second unit read 105.3 W")),
		Busy: []BusyPoint{
			{1, pointX(180, assumedBatchOne+"0.6 of the cap")},
			{32, pointX(290, assumedFull+"0.97 of the cap"+saturation32)},
		},
		MIGSlices: 7, MIG: migSeven("10gb", "20gb", "40gb", "80gb"),
		EmbodiedKg:     embodiedA100,
		NodeBase:       hostBase(pointB(47.2, wallIdle("v2.0", "NVIDIA A100-PCIe-80GB_aarch64x4_TRT_MaxQ, (403.7 − 4·53.7)/4 W; other hosts 24.0 W (v2.0 NVIDIA A100-PCIe-80GBx8) to 123.6 W (v2.0 Inspur NE5260M5 with two)"))),
		HostPerWatt:    hostSlope(pointB(0.29, wallSlope("v3.0", "NVIDIA A100-PCIe-80GBx8_TRT_MaxQ, BERT and ResNet50 Server, boards limited to 200 W: 0.24-0.30 (v2.0 and v2.1: 0.26-0.31)")), 0.1),
		NodeEmbodiedKg: hostOfFour,
	}
}

func a100SXM40() GPU {
	const carried = "assumed as the A100 SXM4 80 GB: same die, same cap"
	return GPU{
		Name: "nvidia-a100-sxm4-40gb", Title: "NVIDIA A100 SXM4 40 GB", CapWatts: 400,
		Bare:    pointX(61, carried),
		Context: pointX(90, carried),
		Busy: []BusyPoint{
			{8, pointX(327.75, carried+"; ML.ENERGY leaderboard v2 (ml-energy/leaderboard-v2@c3af7f3) implies 188-202 W on this board (Llama-3.1-8B, batch 32-320), far below the 80 GB board under a like load")},
			{32, pointX(390, carried)},
		},
		MIGSlices: 7, MIG: migSeven("5gb", "10gb", "20gb", "40gb"),
		EmbodiedKg:     embodiedA100,
		NodeBase:       hostBase(pointX(120.9, carried)),
		HostPerWatt:    hostSlope(pointX(0.12, carried), 0.5),
		NodeEmbodiedKg: hostOfEight,
	}
}

func a100SXM80() GPU {
	return GPU{
		Name: "nvidia-a100-sxm4-80gb", Title: "NVIDIA A100 SXM4 80 GB", CapWatts: 400,
		Bare:    pointB(61, undated("chuyishang/inference-energy@e4743b3 results_paste.md (a DGX): 59.0-62.1 W")),
		Context: pointX(90, "assumed: 29 W above bare; the A100 PCIe 80 GB rises by 26 W"),
		Busy: []BusyPoint{
			{8, pointB(327.75, undated("chuyishang/inference-energy@e4743b3, vLLM at about 8 requests in flight: mean of 290.7, 338.6, 363.0 and 318.7 W (four models)"))},
			{32, pointX(390, assumedFull+"0.98 of the cap"+saturation32)},
		},
		MIGSlices: 7, MIG: migSeven("10gb", "20gb", "40gb", "80gb"),
		EmbodiedKg:     embodiedA100,
		NodeBase:       hostBase(pointB(120.9, wallIdle("v2.1", "NVIDIA DGX-A100_A100-SXM-80GBx8_TRT_MaxQ, (1454.9 − 8·61)/8 W; other hosts 27.9 W (DGX Station, four) to 117.9 W (v2.1 Fujitsu GX2570M6, eight)"))),
		HostPerWatt:    hostSlope(pointB(0.12, wallSlope("v2.1", "NVIDIA DGX-A100_A100-SXM-80GBx8_TRT_MaxQ, BERT Server at 275 W and ResNet50 Server at 225 W: 0.10-0.15")), 0.2),
		NodeEmbodiedKg: hostOfEight,
	}
}
