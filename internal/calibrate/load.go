package calibrate

import (
	"context"
	"time"
)

// Kernel is the kind of work a load does.
type Kernel string

// The kernels, from memory-bound to tensor-bound; Command is a user's own load.
const (
	Memory  Kernel = "memory"
	FP32    Kernel = "fp32"
	Tensor  Kernel = "tensor"
	Command Kernel = "command"
)

// Kernels are those of the builtin load.
var Kernels = []Kernel{Memory, FP32, Tensor}

// Work is what a load is asked to do.
type Work struct {
	Kernel Kernel
	Duty   float64 // part of the time with a kernel running, 0 to 1
	Batch  int     // batch-like size
}

// Done is what a load did; a user's command tells none of it.
type Done struct {
	Duty       Quantity // part of the time with a kernel running, by the GPU's timers
	KernelTime time.Duration
	Launches   int
	Blocks     int      // of one launch
	Fill       Quantity // blocks of one launch over the block slots of the GPU
}

// Load makes a GPU work.
type Load interface {
	// Open makes a context and whatever is needed to start at once, and leaves
	// the GPU idle with them.
	Open(ctx context.Context) error
	// Start begins to work and returns when it has begun. An error that wraps
	// ErrNotSupported says that this GPU cannot do this work.
	Start(ctx context.Context, w Work) error
	// Alive returns why the work ended by itself, nil while it goes on.
	Alive() error
	// Stop ends the work; the context stays.
	Stop() (Done, error)
	// Close gives the context back; the load can be opened again.
	Close() error
}
