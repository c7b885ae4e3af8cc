// Package forecast predicts a series of rates, one value a step, with
// quantiles. Every model is a Forecaster and is found by name:
//
//	Naive                      the last value
//	SeasonalNaive              the value one season ago
//	HoltWinters                the smoothing that suits the history (below)
//	HoltWintersAdditive        trend and additive season
//	HoltWintersMultiplicative  trend and multiplicative season
//	HoltWintersDamped          damped trend and multiplicative season
//	PerfectForesight           what will be: an oracle, for bounds
//
// The LSTM is package forecast/lstm, which adds itself; package
// forecast/backtest measures all of them on a trace.
//
// # Exponential smoothing
//
// HoltWinters, the automatic choice, always damps its trend, and looks at how
// much history there is:
//
//	two seasons or more   Holt–Winters, the season that errs less
//	ten values or more    Holt's damped trend
//	less                  naive: the last value
//
// The other three fall back in the same way until they have two seasons.
//
// The recursions are those of Hyndman and Athanasopoulos, "Forecasting:
// Principles and Practice" (3rd ed., ch. 8), in error-correction form. With
// e = y - ŷ and the forecast ŷ = ℓ + φb + s (additive) or (ℓ + φb)s:
//
//	additive          ℓ ← ℓ + φb + αe      b ← φb + αβe      s ← s + γ(1-α)e
//	multiplicative    ℓ ← ℓ + φb + αe/s    b ← φb + αβe/s    s ← s + γ(1-α)e/(ℓ+φb)
//
// h steps ahead the trend adds (φ + φ² + … + φ^h) b; without damping φ is 1. A
// missing value (NaN) moves the state to where it was expected. α, β and γ lie
// in 0..1 and φ in 0.8..0.995; they minimise the squared one-step errors after
// the first season (which initialises the state), by Nelder and Mead's simplex
// over the logits. The search starts from one fixed point, so a fit is a
// function of its data.
//
// # Quantiles
//
// The quantile q at horizon h is the forecast plus the empirical q-quantile
// of the h-step errors so far, those of the history included; for a
// multiplicative season the forecast times the quantile of y/ŷ. The rank is
// ⌈(n+1)q⌉, which covers a part q of new values when errors are exchangeable
// (split conformal prediction). With fewer than twenty errors a normal law of
// their root mean square takes its place, and without any the forecast itself.
// Quantiles of one horizon never cross.
package forecast
