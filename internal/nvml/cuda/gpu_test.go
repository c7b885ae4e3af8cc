//go:build linux && cgo

package cuda

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/dl"

	"github.com/kwatt-sim/kwatt/internal/calibrate"
	"github.com/kwatt-sim/kwatt/internal/nvml/fakedriver"
)

// loadFake makes the stand-in the libcuda.so.1 of this process: the loader
// finds a library by its name when it has it already.
func loadFake(t *testing.T) {
	t.Helper()
	driver := fakedriver.Build(t)
	for _, v := range driver.Env {
		name, value, _ := strings.Cut(v, "=")
		t.Setenv(name, value)
	}
	if err := dl.New(filepath.Join(driver.Dir, "libcuda.so.1"), dl.RTLD_NOW|dl.RTLD_LOCAL).Open(); err != nil {
		t.Fatal(err)
	}
}

// The calls over the C boundary, on a driver that checks what it is told. It is
// one test, for a process loads the library once.
func TestOnFakeDriver(t *testing.T) {
	if _, err := Open(); err == nil || !strings.Contains(err.Error(), "libcuda.so.1") {
		t.Skipf("this machine has a CUDA driver, the test would use it: %v", err)
	}
	loadFake(t)
	t.Run("kernels", func(t *testing.T) {
		g, err := Open()
		if err != nil {
			t.Fatal(err)
		}
		info := g.Info()
		if len(info.Kernels) != len(calibrate.Kernels) {
			t.Errorf("%+v", info)
		}
		for _, k := range calibrate.Kernels {
			shape := info.Kernels[k]
			if shape.Full != 132*8 || shape.Launch < launchTime*8/10 || shape.Launch > launchTime*12/10 {
				t.Errorf("%s: %+v, want %d blocks and about %v", k, shape, 132*8, launchTime)
			}
			start := time.Now()
			busy, err := g.Burst(k, 2*shape.Full, 3) // two waves, three times
			if took := time.Since(start); err != nil || busy < 10*time.Millisecond || busy > 14*time.Millisecond || took < busy {
				t.Errorf("%s: %v, busy %v of %v", k, err, busy, took)
			}
		}
		if _, err := g.Burst("gemm", 1, 1); !errors.Is(err, calibrate.ErrNotSupported) {
			t.Errorf("a kernel that is not there: %v", err)
		}
		for range 100 { // the memory kernel goes round its buffer
			if _, err := g.Burst(calibrate.Memory, 33, 1); err != nil {
				t.Fatal(err)
			}
		}
		if err := g.Close(); err != nil {
			t.Error(err)
		}
		if err := g.Close(); err != nil {
			t.Errorf("closed twice: %v", err)
		}
	})
	for _, c := range []struct{ variable, value, want string }{
		{"FAKE_CUDA_INIT", "100", "CUDA: cu.init(0): CUDA_ERROR_NO_DEVICE (100): said by the fake driver"},
		{"FAKE_CUDA_JIT_ERROR", "1", "assemble the kernels: CUDA: cu.module_load(&g->module, ptx, 2, options, values): CUDA_ERROR_INVALID_PTX (218): said by the fake driver line 7: not on my watch"},
		{"FAKE_CUDA_MAJOR", "6", "the builtin load takes compute capability 7.0 or higher, this GPU has 6.0 (use --load): not supported"},
		{"FAKE_CUDA_LAUNCHES", "1", "CUDA_ERROR_ILLEGAL_ADDRESS (700)"},
	} {
		t.Run(c.variable, func(t *testing.T) {
			t.Setenv(c.variable, c.value)
			if _, err := Open(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v\nwant %s", err, c.want)
			}
		})
	}
	t.Run("little memory", func(t *testing.T) {
		t.Setenv("FAKE_CUDA_MEGABYTES", "300")
		g, err := Open()
		if err != nil {
			t.Fatal(err)
		}
		if bytes := uint64(g.(*gpu).c.bytes); bytes != 128<<20 {
			t.Errorf("%d bytes of 300 MiB, want 128 MiB", bytes)
		}
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
}
