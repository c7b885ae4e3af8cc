package powermodel

import "fmt"

// hopperBoards are H100 and H200.
func hopperBoards() []GPU {
	return []GPU{h100PCIe(), h100SXM(), h200()}
}

// llama8BOnH100 is the best published curve of watts by batch: Llama-3.1-8B on
// one H100 SXM. Beyond 255 in flight it stays between 685 and 690 W.
var llama8BOnH100 = []struct {
	batch int
	watts float64
}{{8, 486}, {16, 513}, {32, 560}, {64, 610}, {96, 644}, {128, 669}, {192, 688}, {255, 690}}

func h100PCIe() GPU {
	return GPU{
		Name: "nvidia-h100-pcie", Title: "NVIDIA H100 PCIe 80 GB", CapWatts: 350,
		Bare:    pointC(50, printouts.with("46-55 W")),
		Context: pointC(80, printouts.with("loaded at 0 %: 73-90 W")),
		Busy: []BusyPoint{
			{1, pointX(220, assumedBatchOne+"0.63 of the cap")},
			{128, pointX(340, assumedFull+"0.97 of the cap, placed at batch 128, where the H100 SXM has 0.97 of its own; printouts read 276 W at 100 % utilisation")},
		},
		MIGSlices: 7, MIG: migSeven("10gb", "20gb", "40gb", "80gb"),
		EmbodiedKg:     embodiedBig,
		NodeBase:       hostBase(pointC(32.8, wallIdle("v3.0", "NVIDIA H100-PCIe-80GBx8_TRT_MaxQ, (662.5 − 8·50)/8 W"))),
		HostPerWatt:    hostSlope(pointC(0.20, wallSlope("v3.0", "NVIDIA H100-PCIe-80GBx8_TRT_MaxQ, BERT at 290, 300 and 310 W: 0.15-0.23")), 0.25),
		NodeEmbodiedKg: hostOfEight,
	}
}

func h100SXM() GPU {
	var busy []BusyPoint
	for _, p := range llama8BOnH100 {
		busy = append(busy, BusyPoint{p.batch, pointA(p.watts, llmBoard.with(fmt.Sprintf("Llama-3.1-8B on one H100, average batch %d", p.batch)))})
	}
	return GPU{
		Name: "nvidia-h100-sxm", Title: "NVIDIA H100 SXM5 80 GB", CapWatts: 700,
		Bare:      pointA(72, parkingTax.with("bare idle 71.6-73.7 W")),
		Context:   pointA(122, parkingTax.with("CUDA context 121.7 W; 127-155 W over the fleet")),
		Busy:      busy,
		MIGSlices: 7, MIG: migSeven("10gb", "20gb", "40gb", "80gb"),
		EmbodiedKg:     embodiedBig,
		NodeBase:       hostBase(pointX(220.8, "assumed as the H200's: the same eight-GPU baseboard")),
		HostPerWatt:    hostSlope(pointX(0.10, "assumed as the H200's: the same eight-GPU baseboard"), 0.5),
		NodeEmbodiedKg: hostOfEight,
	}
}

func h200() GPU {
	var busy []BusyPoint
	for _, p := range llama8BOnH100 {
		busy = append(busy, BusyPoint{p.batch, pointX(p.watts, "assumed as the H100 SXM (same die and cap, more memory): no reading by batch was found")})
	}
	return GPU{
		Name: "nvidia-h200", Title: "NVIDIA H200 SXM5 141 GB", CapWatts: 700,
		Bare:      pointC(74, printouts.with("74 W")),
		Context:   pointC(121, printouts.with("120-122 W")),
		Busy:      busy,
		MIGSlices: 7, MIG: migSeven("18gb", "35gb", "71gb", "141gb"),
		EmbodiedKg:     embodiedBig,
		NodeBase:       hostBase(pointC(220.8, wallIdle("v4.1", "NVIDIA H200-SXM-141GBx8_TRT_MaxQ, (2358 − 8·74)/8 W"))),
		HostPerWatt:    hostSlope(pointC(0.10, wallSlope("v4.1", "NVIDIA H200-SXM-141GBx8_TRT_MaxQ, eight runs of BERT, GPT-J, Llama2-70B and DLRMv2 at 350-500 W: 0.07-0.15")), 0.25),
		NodeEmbodiedKg: hostOfEight,
	}
}
