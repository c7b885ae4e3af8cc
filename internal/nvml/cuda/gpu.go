//go:build linux && cgo

package cuda

// #cgo LDFLAGS: -ldl
// #include <stdlib.h>
// #include "driver.h"
import "C"

import (
	"errors"
	"fmt"
	"math"
	"time"
	"unsafe"

	"github.com/kwatt-sim/kwatt/internal/calibrate"
	"github.com/kwatt-sim/kwatt/internal/calibrate/loadgen"
)

// gpu is the first visible device, with the kernels assembled and tuned.
type gpu struct {
	c       *C.cu_gpu
	kernels map[calibrate.Kernel]*kernel
	start   uint64 // where in the buffer the next launch of the memory kernel begins
}

type kernel struct {
	function C.cu_function
	full     int    // blocks that fill the GPU once
	rounds   uint32 // of the loop, so that a full grid takes about launchTime
	took     time.Duration
}

const (
	// launchTime is how long a launch of a full grid is made to take: like a batch
	// of inference, and short beside the sensors' periods.
	launchTime = 2 * time.Millisecond
	// bufferBytes is more than any GPU's cache, some hundred megabytes.
	bufferBytes = 1 << 30
	// leastMajor is the compute capability from which on there are tensor cores.
	leastMajor = 7
)

// Open makes a context on the first visible device (CUDA_VISIBLE_DEVICES), has
// the driver assemble the kernels, and finds out how long they take.
func Open() (loadgen.GPU, error) {
	if missing := C.cu_load(); missing != nil {
		return nil, fmt.Errorf("load the CUDA driver: %s", C.GoString(missing))
	}
	g := &gpu{c: new(C.cu_gpu), kernels: map[calibrate.Kernel]*kernel{}}
	if err := g.open(); err != nil {
		return nil, errors.Join(err, g.Close())
	}
	return g, nil
}

func (g *gpu) open() error {
	if err := try(func(what **C.char) C.cu_result { return C.cu_open(g.c, what) }); err != nil {
		return err
	}
	if g.c.major < leastMajor {
		return fmt.Errorf("the builtin load takes compute capability %d.0 or higher, this GPU has %d.%d (use --load): %w",
			leastMajor, g.c.major, g.c.minor, calibrate.ErrNotSupported)
	}
	if err := g.assemble(); err != nil {
		return err
	}
	if err := try(func(what **C.char) C.cu_result { return C.cu_allocate(g.c, bufferBytes, what) }); err != nil {
		return err
	}
	fill, err := g.kernel("fill")
	if err != nil {
		return err
	}
	const perThread = 16 // bytes a round
	fill.rounds = uint32(max(1, uint64(g.c.bytes)/uint64(perThread*threads*fill.full)))
	if _, err := g.run(fill, fill.full, 1, 0); err != nil {
		return err
	}
	for _, name := range calibrate.Kernels {
		k, err := g.kernel(string(name))
		if err == nil {
			err = g.tune(k)
		}
		if err != nil {
			return err
		}
		g.kernels[name] = k
	}
	return nil
}

func (g *gpu) assemble() error {
	ptx := C.CString(kernels)
	defer C.free(unsafe.Pointer(ptx))
	const size = 4096
	log := (*C.char)(C.calloc(1, size))
	defer C.free(unsafe.Pointer(log))
	err := try(func(what **C.char) C.cu_result { return C.cu_assemble(g.c, ptx, log, size, what) })
	if err != nil {
		return fmt.Errorf("assemble the kernels: %w %s", err, C.GoString(log))
	}
	return nil
}

// kernel finds one by name.
func (g *gpu) kernel(name string) (*kernel, error) {
	k := &kernel{rounds: 1}
	n := C.CString(name)
	defer C.free(unsafe.Pointer(n))
	var function C.cu_function
	var resident C.int
	err := try(func(what **C.char) C.cu_result {
		return C.cu_kernel(g.c, n, threads, &function, &resident, what)
	})
	if err != nil {
		return nil, fmt.Errorf("find kernel %s: %w", name, err)
	}
	k.function, k.full = function, max(1, int(resident)*int(g.c.multiprocessors))
	return k, nil
}

// tune finds the rounds that make a full grid take about launchTime.
func (g *gpu) tune(k *kernel) error {
	const mostRounds = 1 << 26
	for {
		d, err := g.run(k, k.full, 1, 0)
		if err != nil {
			return err
		}
		k.took = d
		if d >= launchTime/4 || k.rounds >= mostRounds {
			break
		}
		k.rounds *= 4
	}
	k.rounds = uint32(min(mostRounds, max(1, math.Round(float64(k.rounds)*launchTime.Seconds()/max(1e-9, k.took.Seconds())))))
	d, err := g.run(k, k.full, 5, 0)
	k.took = d / 5
	return err
}

// run is one burst.
func (g *gpu) run(k *kernel, blocks, launches int, stride uint64) (time.Duration, error) {
	var ms C.float
	err := try(func(what **C.char) C.cu_result {
		return C.cu_burst(g.c, k.function, C.uint(blocks), threads, C.uint64_t(g.start), C.uint64_t(stride), C.uint32_t(k.rounds), C.int(launches), &ms, what)
	})
	if err != nil {
		return 0, err
	}
	return time.Duration(float64(ms) * float64(time.Millisecond)), nil
}

// Info describes the GPU and its kernels.
func (g *gpu) Info() loadgen.Info {
	info := loadgen.Info{Kernels: map[calibrate.Kernel]loadgen.Shape{}}
	for name, k := range g.kernels {
		info.Kernels[name] = loadgen.Shape{Full: k.full, Launch: k.took}
	}
	return info
}

// Burst launches a grid several times in a row and waits for the end.
func (g *gpu) Burst(name calibrate.Kernel, blocks, launches int) (time.Duration, error) {
	k, ok := g.kernels[name]
	if !ok {
		return 0, fmt.Errorf("kernel %s: %w", name, calibrate.ErrNotSupported)
	}
	stride := uint64(0)
	if name == calibrate.Memory { // each launch goes on where the last one was, past the cache
		stride = uint64(blocks) * threads * memoryStep * uint64(k.rounds)
	}
	d, err := g.run(k, blocks, launches, stride)
	g.start = (g.start + stride*uint64(launches)) & (uint64(g.c.bytes) - 1)
	return d, err
}

// Close gives memory and context back.
func (g *gpu) Close() error {
	return try(func(what **C.char) C.cu_result { return C.cu_close(g.c, what) })
}

// try makes a call and turns its failure into an error that names the CUDA call
// that failed.
func try(call func(what **C.char) C.cu_result) error {
	var what *C.char
	r := call(&what)
	if r == 0 {
		return nil
	}
	return fmt.Errorf("CUDA: %s: %s (%d): %s", C.GoString(what), C.GoString(C.cu_name(r)), int(r), C.GoString(C.cu_text(r)))
}
