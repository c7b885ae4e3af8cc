package cuda

import _ "embed"

// kernels is the PTX of the kernels, each named as package calibrate names it.
//
//go:embed kernels.ptx
var kernels string

// threads is the size of a block.
const threads = 256

// memoryStep is what a thread of the memory kernel touches in one round, bytes.
const memoryStep = 64
