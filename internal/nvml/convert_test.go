//go:build linux && cgo

package nvml

import (
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/dgxa100"
	"pgregory.net/rapid"

	"github.com/kwatt-sim/kwatt/internal/calibrate"
)

// Watts are a thousandth of milliwatts, and every setting that was read is
// written back as it was.
func TestUnits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mw := rapid.Uint32().Draw(t, "mW")
		if w := watts(mw); w*1000 < float64(mw)*(1-1e-12) || w*1000 > float64(mw)*(1+1e-12) {
			t.Errorf("%d mW are %g W", mw, w)
		}
		if back := milliwatts(watts(mw)); back != mw {
			t.Errorf("%d mW come back as %d", mw, back)
		}
		// Exact to a microjoule as long as the counter is below 2^53 mJ, which at
		// 1 kW is 285,000 years.
		a, d := rapid.Uint64Max(1<<53-1).Draw(t, "mJ"), rapid.Uint64Max(1<<20).Draw(t, "more mJ")
		if got := joules(a+d) - joules(a); math.Abs(got-float64(d)/1000) > 1e-6+float64(a)*1e-18 {
			t.Errorf("from %d mJ, %d more are %g J", a, d, got)
		}
	})
	for mw := range uint32(2_000_000) { // all that a board may be capped at; 1,001 mW is 1.0009999… W
		if milliwatts(watts(mw)) != mw {
			t.Fatalf("%d mW come back as %d", mw, milliwatts(watts(mw)))
		}
	}
	if watts(700_000) != 700 || joules(3_600_000_000) != units1kWh || milliwatts(-1) != 0 || milliwatts(math.Inf(1)) != math.MaxUint32 {
		t.Error("700,000 mW are not 700 W, or 3.6e9 mJ not a kilowatt-hour in J")
	}
}

const units1kWh = 3.6e6

// A field is read by the type that it says it has.
func TestFieldNumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bits := rapid.Uint64().Draw(t, "bits")
		var f nvml.FieldValue
		binary.NativeEndian.PutUint64(f.Value[:], bits)
		var narrow [8]byte
		binary.NativeEndian.PutUint32(narrow[:], uint32(bits))
		for _, c := range []struct {
			kind  nvml.ValueType
			value [8]byte
			want  float64
		}{
			{nvml.VALUE_TYPE_DOUBLE, f.Value, math.Float64frombits(bits)},
			{nvml.VALUE_TYPE_UNSIGNED_LONG, f.Value, float64(bits)},
			{nvml.VALUE_TYPE_UNSIGNED_LONG_LONG, f.Value, float64(bits)},
			{nvml.VALUE_TYPE_SIGNED_LONG_LONG, f.Value, float64(int64(bits))},
			{nvml.VALUE_TYPE_UNSIGNED_INT, narrow, float64(uint32(bits))},
			{nvml.VALUE_TYPE_SIGNED_INT, narrow, float64(int32(uint32(bits)))},
		} {
			got, ok := fieldNumber(nvml.FieldValue{ValueType: uint32(c.kind), Value: c.value})
			if !ok || got != c.want && !math.IsNaN(c.want) {
				t.Errorf("type %d: %g, %v, want %g", c.kind, got, ok, c.want)
			}
		}
		if _, ok := fieldNumber(nvml.FieldValue{NvmlReturn: uint32(nvml.ERROR_NOT_SUPPORTED), Value: f.Value}); ok {
			t.Error("a field that is not supported has a value")
		}
	})
}

// Every reason has a bit of its own, both ways.
func TestThrottleReasons(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set := calibrate.Throttle(rapid.Uint16Max(1<<len(reasons)-1).Draw(t, "reasons"))
		if got := throttle(eventBits(set)); got != set {
			t.Errorf("%v becomes %v", set.Names(), got.Names())
		}
		if names := set.Names(); len(names) != bitsSet(uint16(set)) {
			t.Errorf("%b has the names %v", set, names)
		}
	})
	if got := throttle(0xE8).Names(); strings.Join(got, " ") != "HwSlowdown SwThermalSlowdown HwThermalSlowdown HwPowerBrakeSlowdown" {
		t.Errorf("NVML's 0xE8 reads %v", got)
	}
}

func bitsSet(v uint16) (n int) {
	for ; v != 0; v &= v - 1 {
		n++
	}
	return n
}

func TestFaults(t *testing.T) {
	for r, want := range map[nvml.Return]error{
		nvml.ERROR_NOT_SUPPORTED: calibrate.ErrNotSupported, nvml.ERROR_FUNCTION_NOT_FOUND: calibrate.ErrNotSupported,
		nvml.ERROR_NO_PERMISSION: calibrate.ErrNoPermission, nvml.ERROR_GPU_IS_LOST: calibrate.ErrLost, nvml.ERROR_RESET_REQUIRED: calibrate.ErrLost,
	} {
		if err := fault("ask", r); !errors.Is(err, want) || !strings.HasPrefix(err.Error(), "ask: ") {
			t.Errorf("%v: %v", r, err)
		}
	}
	if err := fault("ask", nvml.SUCCESS); err != nil {
		t.Error(err)
	}
	if err := fault("ask", nvml.ERROR_TIMEOUT); err == nil || err.Error() != "ask: NVML says ERROR_TIMEOUT" {
		t.Error(err)
	}
}

func TestNoDriver(t *testing.T) {
	for r, want := range map[nvml.Return]string{
		nvml.ERROR_LIBRARY_NOT_FOUND: "libnvidia-ml.so.1 cannot be loaded", nvml.ERROR_DRIVER_NOT_LOADED: "the kernel module is not loaded",
	} {
		s := dgxa100.New()
		s.InitFunc = func() nvml.Return { return r }
		if _, err := open(s); !errors.Is(err, ErrNoDriver) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", r, err)
		}
	}
}
