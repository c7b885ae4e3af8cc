package gate

import (
	"math"
	"strings"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/metrics"
)

func TestLimitsInTheirMetric(t *testing.T) {
	for _, c := range []struct {
		field, text, metric string
		value               float64
		relative            bool
		fault               string // a part of message or hint; "" when it must work
	}{
		{"max", "0.2", "latency_p95_seconds", 0.2, false, ""},
		{"max", "200ms", "latency_p95_seconds", 0.2, false, ""},
		{"max", "5 µs", "latency_p95_seconds", 5e-6, false, ""},
		{"max", "2m", "pending_pod_seconds", 120, false, ""},
		{"max", "90m", "gpu_hours", 1.5, false, ""},
		{"max", "1500Wh", "energy_kwh", 1.5, false, ""},
		{"max", "0.6J/req", "joules_per_request", 0.6, false, ""},
		{"max", "0.6J/Mreq", "joules_per_request", 0.6e-6, false, ""},
		{"min", "99.9%", "slo_attainment_ratio", 0.999, false, ""},
		{"min", "0.999", "slo_attainment_ratio", 0.999, false, ""},
		{"max", "0", "requests_dropped_total", 0, false, ""},
		{"max", "3e6", "requests_arrived_total", 3e6, false, ""},
		{"max", "12.5", "cost_usd", 12.5, false, ""},
		// A factor of a million is written, never silent.
		{"max", "800000", "co2e_grams_per_million_requests", 800000, false, ""},
		{"max", "0.8g/req", "co2e_grams_per_million_requests", 800000, false, ""},
		{"max", "0.16 mg/req", "co2e_grams_per_million_requests", 160, false, ""},
		{"max", "160g/Mreq", "co2e_grams_per_million_requests", 160, false, ""},
		{"max", "0.8g", "co2e_grams_per_million_requests", 0, false, "0.8g/Mreq for a million requests, or 0.8g/req for one"},
		{"max", "0.8g/req", "co2e_grams", 0, false, "write for example 0.8g"},
		{"max", "0.6J", "joules_per_request", 0, false, "0.6J/req"},
		{"maxIncrease", "2%", "energy_kwh", 0.02, true, ""},
		{"maxIncrease", "250%", "latency_p99_seconds", 2.5, true, ""},
		{"maxIncrease", "5ms", "latency_p99_seconds", 0.005, false, ""},
		{"maxIncrease", "0", "energy_kwh", 0, false, ""},
		{"maxIncrease", "3", "scale_events_total", 3, false, ""},
		{"maxDecrease", "0.5pp", "slo_attainment_ratio", 0.005, false, ""},
		{"maxDecrease", "1%", "slo_attainment_ratio", 0.01, true, ""},
		// Two what? Said neither of the baseline nor in a unit.
		{"maxIncrease", "2", "energy_kwh", 0, false, "write 2% for a part of the baseline, or 2kWh"},
		{"maxDecrease", "1", "slo_attainment_ratio", 0, false, "write 1% for a part of the baseline, or 1pp for percentage points"},
		{"maxDecrease", "200%", "energy_kwh", 0, false, "more than all of the baseline"},
		{"max", "2%", "energy_kwh", 0, false, "not in a unit of energy_kwh"},
		{"max", "2pp", "slo_attainment_ratio", 0, false, "not in a unit"},
		{"min", "95", "slo_attainment_ratio", 0, false, "more than 1"},
		{"max", "200g", "latency_p95_seconds", 0, false, "200s"},
		{"max", "5k", "requests_dropped_total", 0, false, "5, without a unit"},
	} {
		var l Limit
		if err := l.UnmarshalText([]byte(c.text)); err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		m, err := metrics.Find(c.metric)
		if err != nil {
			t.Fatal(err)
		}
		b, message, hint := l.resolve(c.field, m)
		switch {
		case c.fault == "" && (message != "" || math.Abs(b.value-c.value) > 1e-12*c.value || b.relative != c.relative):
			t.Errorf("%s: %s of %s is %v (relative %v), %s; want %v", c.field, c.text, c.metric, b.value, b.relative, message, c.value)
		case c.fault != "" && !strings.Contains(message+" "+hint, c.fault):
			t.Errorf("%s: %s of %s: %q (hint %q), want %q", c.field, c.text, c.metric, message, hint, c.fault)
		}
	}
}

func TestLimitTexts(t *testing.T) {
	for _, text := range []string{"200ms", "2%", "0.8mg/req", "1e-07", "3e+06g/Mreq", "0"} {
		var l, again Limit
		if err := l.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		back, _ := l.MarshalText()
		if err := again.UnmarshalText(back); err != nil || again != l || string(back) != text {
			t.Errorf("%s is written %s and read again as %+v, %v", text, back, again, err)
		}
	}
	for _, text := range []string{"-1", "-2%", "ms", "1e999s", ""} {
		if err := new(Limit).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}
