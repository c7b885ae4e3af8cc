//go:build linux && cgo

package nvml

import (
	"encoding/binary"
	"math"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/kwatt-sim/kwatt/internal/calibrate"
)

// NVML counts in milliwatts and millijoules.
const milli = 1000

func watts(milliwatts uint32) float64 { return float64(milliwatts) / milli }

func joules(millijoules uint64) float64 { return float64(millijoules) / milli }

// milliwatts is the inverse of watts; what no uint32 holds is cut to its ends.
func milliwatts(watts float64) uint32 {
	mw := math.Round(watts * milli)
	return uint32(min(max(mw, 0), math.MaxUint32))
}

// fieldNumber is the value of a field, false when the driver does not tell it.
func fieldNumber(f nvml.FieldValue) (float64, bool) {
	if nvml.Return(f.NvmlReturn) != nvml.SUCCESS {
		return 0, false
	}
	bits := binary.NativeEndian.Uint64(f.Value[:])
	switch nvml.ValueType(f.ValueType) {
	case nvml.VALUE_TYPE_DOUBLE:
		return math.Float64frombits(bits), true
	case nvml.VALUE_TYPE_UNSIGNED_INT:
		return float64(binary.NativeEndian.Uint32(f.Value[:4])), true
	case nvml.VALUE_TYPE_SIGNED_INT:
		return float64(int32(binary.NativeEndian.Uint32(f.Value[:4]))), true
	case nvml.VALUE_TYPE_UNSIGNED_SHORT:
		return float64(binary.NativeEndian.Uint16(f.Value[:2])), true
	case nvml.VALUE_TYPE_UNSIGNED_LONG, nvml.VALUE_TYPE_UNSIGNED_LONG_LONG:
		return float64(bits), true
	case nvml.VALUE_TYPE_SIGNED_LONG_LONG:
		return float64(int64(bits)), true
	}
	return 0, false
}

// reasons pairs the driver's bits with ours.
var reasons = []struct {
	bit    uint64
	reason calibrate.Throttle
}{
	{nvml.ClocksEventReasonGpuIdle, calibrate.GPUIdle},
	{nvml.ClocksEventReasonApplicationsClocksSetting, calibrate.ApplicationClocks},
	{nvml.ClocksEventReasonSwPowerCap, calibrate.SWPowerCap},
	{nvml.ClocksThrottleReasonHwSlowdown, calibrate.HWSlowdown},
	{nvml.ClocksEventReasonSyncBoost, calibrate.SyncBoost},
	{nvml.ClocksEventReasonSwThermalSlowdown, calibrate.SWThermal},
	{nvml.ClocksThrottleReasonHwThermalSlowdown, calibrate.HWThermal},
	{nvml.ClocksThrottleReasonHwPowerBrakeSlowdown, calibrate.HWPowerBrake},
	{nvml.ClocksEventReasonDisplayClockSetting, calibrate.DisplayClocks},
}

// throttle translates a set of the driver's reasons.
func throttle(bits uint64) calibrate.Throttle {
	var t calibrate.Throttle
	for _, r := range reasons {
		if bits&r.bit != 0 {
			t |= r.reason
		}
	}
	return t
}
