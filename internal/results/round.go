package results

import (
	"encoding/json"
	"math"
	"strconv"
)

// Digits is the number of significant digits of every float in a results
// directory. It hides the last bits, in which CPUs and orders of summation
// differ, and is far finer than any figure is known.
const Digits = 9

// Round returns x with Digits significant digits. Its shortest decimal form,
// which encoding/json prints, then has no more than that.
func Round(x float64) float64 {
	// Whole numbers of up to nine digits are most of a time series.
	if x == math.Trunc(x) && math.Abs(x) < 1e9 {
		return x
	}
	r, err := strconv.ParseFloat(formatFloat(x), 64)
	if err != nil { // math.MaxFloat64 rounds up to a number out of range
		return x
	}
	return r
}

// formatFloat prints x with Digits significant digits, trailing zeros trimmed.
func formatFloat(x float64) string { return strconv.FormatFloat(x, 'g', Digits, 64) }

func roundValues[M ~map[string]float64](in M) M {
	out := make(M, len(in))
	for name, x := range in {
		out[name] = Round(x)
	}
	return out
}

// MarshalJSON rounds to Digits.
func (e Estimate) MarshalJSON() ([]byte, error) {
	type plain Estimate
	return json.Marshal(plain(e.rounded()))
}

func (e Estimate) rounded() Estimate {
	return Estimate{Mean: Round(e.Mean), CILow: Round(e.CILow), CIHigh: Round(e.CIHigh), N: e.N, ModelLow: Round(e.ModelLow), ModelHigh: Round(e.ModelHigh)}
}

// MarshalJSON rounds to Digits.
func (c Comparison) MarshalJSON() ([]byte, error) {
	type plain Comparison
	return json.Marshal(plain(c.rounded()))
}

func (c Comparison) rounded() Comparison {
	c.DeltaRatio, c.CILow, c.CIHigh, c.P = Round(c.DeltaRatio), Round(c.CILow), Round(c.CIHigh), Round(c.P)
	c.ModelLow, c.ModelHigh = Round(c.ModelLow), Round(c.ModelHigh)
	return c
}

// MarshalJSON rounds to Digits.
func (r Replication) MarshalJSON() ([]byte, error) {
	type plain Replication
	r.Metrics = roundValues(r.Metrics)
	return json.Marshal(plain(r))
}

// MarshalJSON rounds to Digits.
func (c Component) MarshalJSON() ([]byte, error) {
	type plain Component
	c.Share, c.Uncertainty = Round(c.Share), Round(c.Uncertainty)
	return json.Marshal(plain(c))
}

// MarshalJSON rounds to Digits.
func (p PolicySummary) MarshalJSON() ([]byte, error) {
	type plain PolicySummary
	p.EnergyByGrade = roundValues(p.EnergyByGrade)
	return json.Marshal(plain(p))
}
