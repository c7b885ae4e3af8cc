// Package cost turns GPU-hours, energy and carbon into money.
package cost

import (
	"maps"
	"slices"
)

// Prices are in one currency, whichever the scenario names.
type Prices struct {
	GPUHour        map[string]float64 // per powered GPU-hour, by GPU name
	EnergyPerKWh   float64
	CarbonPerTonne float64 // per 1000 kg CO2e
}

// Bill is a sum of money and its terms, in the currency of the prices.
type Bill struct {
	GPUHours, Energy, Carbon, Total float64
}

// gramsPerTonne converts the price of carbon.
const gramsPerTonne = 1e6

// Bill prices the hours that GPUs of each model were powered, the energy at
// the meter in kWh, and the emissions in g CO2e:
//
//	total = Σ hours·GPUHour + kWh·EnergyPerKWh + grams·CarbonPerTonne/10⁶
//
// A GPU without a price is free. GPUs are added in the order of their names,
// so the same input gives the same bits.
func (p Prices) Bill(gpuHours map[string]float64, kWh, grams float64) Bill {
	var b Bill
	for _, gpu := range slices.Sorted(maps.Keys(gpuHours)) {
		b.GPUHours += float64(gpuHours[gpu] * p.GPUHour[gpu])
	}
	b.Energy = kWh * p.EnergyPerKWh
	b.Carbon = grams / gramsPerTonne * p.CarbonPerTonne
	b.Total = b.GPUHours + b.Energy + b.Carbon
	return b
}
