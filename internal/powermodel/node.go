package powermodel

import (
	"fmt"

	"github.com/kwatt-sim/kwatt/internal/grade"
)

// sleepWatts is assumed for every host; see NewNode.
const sleepWatts = 10

// Node is a host with GPUs of one model.
type Node struct {
	GPU  GPU
	GPUs int
	// BaseWatts is the draw of the host without its GPUs while it is on.
	BaseWatts Point
	// HostPerWatt is what the host adds at the wall to each watt that its GPUs
	// draw above bare, W/W.
	HostPerWatt Point
	// SleepWatts is the draw of the whole node, GPUs included, while it sleeps
	// or is off but plugged in.
	SleepWatts Point
	// BootWatts is the draw of the whole node, GPUs included, while it boots.
	BootWatts Point
	// EmbodiedKg is kg CO2e of making the host and its GPUs.
	EmbodiedKg float64
	// EmbodiedGrade is the worse grade of the host and the GPUs.
	EmbodiedGrade grade.Grade
}

// NewNode returns a node with n GPUs, n at least 1. Base watts and embodied
// carbon are n times the GPU's shares. Sleep and boot watts are assumptions
// (grade X), for no published figure was found: a sleeping node keeps its
// management controller and network card, a booting one draws what it draws
// idle with bare GPUs, which is a lower bound.
func NewNode(g GPU, n int) Node {
	count := float64(n)
	base := Point{
		Value:  count * g.NodeBase.Value,
		Grade:  g.NodeBase.Grade,
		Source: fmt.Sprintf("%d × share of one GPU: %s", n, g.NodeBase.Source),
		Date:   g.NodeBase.Date,
		Rel:    g.NodeBase.Rel,
	}
	return Node{
		GPU:       g,
		GPUs:      n,
		BaseWatts: base, HostPerWatt: g.HostPerWatt,
		SleepWatts:    pointX(sleepWatts, "assumed: management controller and standby network card, GPUs unpowered"),
		BootWatts:     hostBase(pointX(base.Value+float64(count*g.Bare.Value), "assumed: a booting node draws its base watts and bare GPUs (a lower bound)")),
		EmbodiedKg:    count * (g.EmbodiedKg.Value + g.NodeEmbodiedKg.Value),
		EmbodiedGrade: grade.Worse(g.EmbodiedKg.Grade, g.NodeEmbodiedKg.Grade),
	}
}
