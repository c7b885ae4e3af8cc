package cost

import (
	"fmt"
	"math"
	"testing"
)

// Ten T4 for a day at 0.35, two A100 for three hours at 3.00, 40 kWh at 0.12,
// 12.5 kg CO2e at 80 a tonne: 84 + 18 + 4.80 + 1.00 = 107.80.
func TestBillByHand(t *testing.T) {
	p := Prices{
		GPUHour:        map[string]float64{"nvidia-t4": 0.35, "nvidia-a100-sxm4-80gb": 3, "nvidia-h100-sxm": 9},
		EnergyPerKWh:   0.12,
		CarbonPerTonne: 80,
	}
	got := p.Bill(map[string]float64{"nvidia-t4": 240, "nvidia-a100-sxm4-80gb": 6}, 40, 12_500)
	want := Bill{GPUHours: 102, Energy: 4.8, Carbon: 1, Total: 107.8}
	for name, pair := range map[string][2]float64{
		"GPUHours": {got.GPUHours, want.GPUHours}, "Energy": {got.Energy, want.Energy},
		"Carbon": {got.Carbon, want.Carbon}, "Total": {got.Total, want.Total},
	} {
		if math.Abs(pair[0]-pair[1]) > 1e-9 {
			t.Errorf("%s = %g, want %g", name, pair[0], pair[1])
		}
	}
}

func TestBillOfNothingIsNothing(t *testing.T) {
	if got := (Prices{}).Bill(nil, 0, 0); got != (Bill{}) {
		t.Errorf("got %+v", got)
	}
}

func TestUnpricedGPUIsFree(t *testing.T) {
	got := Prices{EnergyPerKWh: 0.5}.Bill(map[string]float64{"nvidia-l4": 100}, 2, 1e6)
	if want := (Bill{Energy: 1, Total: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// Addends of very different size, whose sum depends on the order: every call
// gives the same bits although map iteration differs.
func TestBillIsDeterministic(t *testing.T) {
	p := Prices{GPUHour: map[string]float64{}}
	hours := map[string]float64{}
	for i := range 64 {
		gpu := fmt.Sprintf("gpu-%02d", i)
		hours[gpu] = math.Pow(10, float64(i%17)) / 3
		p.GPUHour[gpu] = 0.1
	}
	first := p.Bill(hours, 1, 1)
	for range 100 {
		if got := p.Bill(hours, 1, 1); got != first {
			t.Fatalf("got %+v, first %+v", got, first)
		}
	}
}
