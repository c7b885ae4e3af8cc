package report

import (
	"fmt"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/results"
)

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{grouped(0), "0"},
		{grouped(999), "999"},
		{grouped(4300001230), "4,300,001,230"},
		{grouped(-1234), "-1,234"},
		{percent(0), "0%"},
		{percent(-0.3119), "-31.2%"},
		{percent(0.0004), "+0.04%"},
		{percent(0.00005), "+0.01%"},
		{percent(0.00004), "+<0.01%"},
		{percent(-3e-8), "-<0.01%"},
		{percent(12.3), "+1230%"},
		{pValue(0.0175781), "p=0.018"},
		{pValue(1e-5), "p<0.001"},
		{halfWidth(results.Estimate{Mean: 10, CILow: 9, CIHigh: 11, N: 3}), "10%"},
		{halfWidth(results.Estimate{Mean: 10, CILow: 9.9, CIHigh: 10.1, N: 3}), "1.0%"},
		{halfWidth(results.Estimate{Mean: 10, CILow: 10, CIHigh: 10, N: 3}), "0%"},
		{halfWidth(results.Estimate{Mean: 0, CILow: -1, CIHigh: 1, N: 3}), ">999%"},
		{halfWidth(results.Estimate{Mean: 10, CILow: 10, CIHigh: 10, N: 1}), "∞"},
		{fmt.Sprint(scaleFor("s", "", 0.0482)), "{1000 ms}"},
		{fmt.Sprint(scaleFor("s", "", 2)), "{1 s}"},
		{fmt.Sprint(scaleFor("s", "", 0)), "{1e+06 µs}"},
		{fmt.Sprint(scaleFor("g", "", 61234)), "{0.001 kg}"},
		{fmt.Sprint(scaleFor("kWh", "", 74)), "{1 kWh}"},
		{fmt.Sprint(scaleFor("J", "", 0.62)), "{1000 mJ}"},
		{fmt.Sprint(scaleFor("requests", "", 4.3e8)), "{1e-06 M}"},
		{fmt.Sprint(scaleFor("requests", "", 12.5)), "{1 }"},
		{scaleFor("h", "", 960).labelled("gpu_hours"), "GPU hours"},
		{fmt.Sprint(scaleFor("USD", "EUR", 3)), "{1 EUR}"},
		{metricLabel("co2e_grams_per_million_requests"), "CO2e per M req"},
		{metricLabel("latency_p999_seconds"), "latency p999"},
		{metricLabel("slo_attainment_ratio"), "SLO attainment"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
