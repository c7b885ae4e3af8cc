package carbon

import (
	"math"
	"time"
)

// SCI returns the software carbon intensity in gCO2e per request:
//
//	SCI = (E·I + M) / R
//
// E·I, the energy consumed times the grid's intensity, is operationalGrams; M is
// embodiedGrams; the functional unit R is a request. It is NaN without requests.
// Source: ISO/IEC 21031:2024.
func SCI(operationalGrams, embodiedGrams float64, requests int64) float64 {
	if requests <= 0 {
		return math.NaN()
	}
	return (operationalGrams + embodiedGrams) / float64(requests)
}

// EmbodiedGrams returns the part in gCO2e of a device's making that falls on the
// time it was reserved:
//
//	M = TE · TS,  TS = reserved / lifetime
//
// TE, the device's total, is deviceTotalGrams, and the resource share RS is 1: the
// whole device is reserved. It is NaN without a lifetime. Source: ISO/IEC 21031:2024.
func EmbodiedGrams(deviceTotalGrams float64, reserved, lifetime time.Duration) float64 {
	if lifetime <= 0 {
		return math.NaN()
	}
	return deviceTotalGrams * (reserved.Seconds() / lifetime.Seconds())
}
