//go:build linux && cgo

package nvml

import (
	"errors"
	"fmt"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/kwatt-sim/kwatt/internal/calibrate"
)

// ErrNoDriver says that no driver answers here.
var ErrNoDriver = errors.New("no NVIDIA driver")

// Open loads the driver's library, libnvidia-ml.so.1, and starts it.
func Open() (calibrate.Host, error) { return open(nvml.New()) }

// open is Open for a library that may be a mock.
func open(lib nvml.Interface) (calibrate.Host, error) {
	switch r := lib.Init(); r {
	case nvml.SUCCESS:
	case nvml.ERROR_LIBRARY_NOT_FOUND:
		return nil, fmt.Errorf("%w: libnvidia-ml.so.1 cannot be loaded; install the driver, or run the container with the GPU visible (--gpus all)", ErrNoDriver)
	case nvml.ERROR_DRIVER_NOT_LOADED:
		return nil, fmt.Errorf("%w: the library is there, the kernel module is not loaded; see nvidia-smi", ErrNoDriver)
	default:
		return nil, fault("start NVML", r)
	}
	return &host{lib: lib}, nil
}

type host struct{ lib nvml.Interface }

// Close ends the use of the library.
func (h *host) Close() error { return fault("end NVML", h.lib.Shutdown()) }

// Versions are empty where the driver does not tell.
func (h *host) Versions() calibrate.Versions {
	var v calibrate.Versions
	if s, r := h.lib.SystemGetDriverVersion(); r == nvml.SUCCESS {
		v.Driver = s
	}
	if s, r := h.lib.SystemGetNVMLVersion(); r == nvml.SUCCESS {
		v.NVML = s
	}
	if n, r := h.lib.SystemGetCudaDriverVersion(); r == nvml.SUCCESS {
		v.CUDA = fmt.Sprintf("%d.%d", n/1000, n%1000/10)
	}
	return v
}

// Devices lists the GPUs by index.
func (h *host) Devices() ([]calibrate.Device, error) {
	n, r := h.lib.DeviceGetCount()
	if err := fault("count the GPUs", r); err != nil {
		return nil, err
	}
	var all []calibrate.Device
	for i := range n {
		d, r := h.lib.DeviceGetHandleByIndex(i)
		if err := fault(fmt.Sprintf("open GPU %d", i), r); err != nil {
			return nil, err
		}
		all = append(all, &device{host: h, gpu: d, index: i})
	}
	return all, nil
}

// has reports whether the driver's library has a function. A call of one that
// it lacks, as libraries of older drivers do, would end the process.
func (h *host) has(symbols ...string) bool {
	for _, s := range symbols {
		if h.lib.Extensions().LookupSymbol(s) == nil {
			return true
		}
	}
	return false
}

// fault is the error of an NVML call, nil when it succeeded.
func fault(doing string, r nvml.Return) error {
	switch r {
	case nvml.SUCCESS:
		return nil
	case nvml.ERROR_NOT_SUPPORTED, nvml.ERROR_FUNCTION_NOT_FOUND:
		return fmt.Errorf("%s: %w", doing, calibrate.ErrNotSupported)
	case nvml.ERROR_NO_PERMISSION:
		return fmt.Errorf("%s: %w", doing, calibrate.ErrNoPermission)
	case nvml.ERROR_GPU_IS_LOST, nvml.ERROR_RESET_REQUIRED:
		return fmt.Errorf("%s: %w", doing, calibrate.ErrLost)
	}
	return fmt.Errorf("%s: NVML says %w", doing, r)
}

// unknown reports whether the driver just does not tell.
func unknown(r nvml.Return) bool {
	return r == nvml.ERROR_NOT_SUPPORTED || r == nvml.ERROR_FUNCTION_NOT_FOUND || r == nvml.ERROR_NO_PERMISSION
}
