package powermodel

// otherBoards are accelerators that are no NVIDIA GPUs.
func otherBoards() []GPU { return []GPU{cloudAI100()} }

// cloudAI100 is an inference card. Its limit and its speed are published; what it
// draws in a state is not, so every other figure is an assumption.
func cloudAI100() GPU {
	return GPU{
		Name: "qualcomm-cloud-ai-100", Title: "Qualcomm Cloud AI 100 PCIe HHHL 16 GB", Resource: "qualcomm.com/qaic",
		CapWatts: 75, // MLPerf Inference v1.1, closed, Qualcomm r282_z93_q1: "With 75W Accelerator TDP constraints"
		Bare:     pointX(10, "assumed as the T4's: a 75 W card of the same form"),
		Context:  pointX(27, "assumed as the T4's: a 75 W card of the same form"),
		Busy: []BusyPoint{
			{1, pointX(50, assumedBatchOne+"two thirds of the cap")},
			{8, pointX(75, assumedFull+"the cap; placed at batch 8, as the T4's")},
		},
		EmbodiedKg:     embodiedCommon,
		NodeBase:       hostBase(pointX(103.7, "assumed as the A10's: a two-socket host of small cards")),
		HostPerWatt:    hostSlope(pointX(0.27, "assumed as the A10's: a host of small cards"), 0.5),
		NodeEmbodiedKg: hostOfFour,
	}
}
