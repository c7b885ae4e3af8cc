package forecast

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Forecaster follows a series, one value a step, and says what comes next. It
// is not safe for concurrent use.
type Forecaster interface {
	// Observe takes in the next value, NaN when it is missing.
	Observe(y float64)
	// Forecast returns the expected value h >= 1 steps after the last one
	// observed, never below 0.
	Forecast(h int) float64
	// Quantile returns what the value h >= 1 steps ahead stays below with
	// probability q, never below 0 and never falling in q.
	Quantile(h int, q float64) float64
	// String names what is in use, which may depend on the history:
	// "Holt-Winters (additive season)".
	String() string
}

// Seasonal is a Forecaster that can tell whether it uses the season yet.
type Seasonal interface{ UsesSeason() bool }

// Future tells an oracle the value of a step: 0 is the first after the history
// that it was fitted to. NaN where nobody knows.
type Future func(step int) float64

// Options of a fit.
type Options struct {
	Season  int // values a season; below 2 there is none
	Horizon int // the furthest step ahead whose errors are kept, at least 1
	// Future is set for oracles alone; other methods never see it.
	Future Future
}

// KeptSeasons is how much of a series a fit looks at, by those who fit again and
// again: what is older says little, and would make fits ever slower.
const KeptSeasons = 8

// Recent returns the part of a history that a fit looks at.
func Recent(history []float64, season int) []float64 {
	return history[max(0, len(history)-KeptSeasons*max(season, 1)):]
}

// Method is a way to forecast, known by name.
type Method struct {
	Name   string // as scenarios and flags write it: "SeasonalNaive"
	Title  string // for people, one line
	Form   string // what its forecasters call themselves when they have the history they want; "" when that depends
	Oracle bool   // it is told the future: a bound, not something to run
	// Fit makes a forecaster that has seen history, oldest first, NaN where
	// missing. The same history and options make the same forecaster.
	Fit func(history []float64, o Options) (Forecaster, error)
}

// ErrNoData says that a series holds no value at all.
var ErrNoData = errors.New("the series holds no value")

var methods = []Method{
	{Name: "Naive", Title: "the last value", Form: "naive", Fit: fitNaive},
	{Name: "SeasonalNaive", Title: "the value one season ago", Form: "seasonal naive", Fit: fitSeasonalNaive},
	{Name: "HoltWinters", Title: "Holt-Winters: damped trend, the season that errs less", Fit: fitAuto},
	holtWinters("HoltWintersAdditive", "trend, additive season", form{season: additive}),
	holtWinters("HoltWintersMultiplicative", "trend, multiplicative season", form{season: multiplicative}),
	holtWinters("HoltWintersDamped", "damped trend, multiplicative season", form{season: multiplicative, damped: true}),
	{Name: "PerfectForesight", Title: "what will be (an oracle, for bounds)", Form: "perfect foresight", Oracle: true, Fit: fitOracle},
}

func holtWinters(name, what string, f form) Method {
	return Method{Name: name, Title: "Holt-Winters: " + what, Form: f.String(), Fit: fitForm(f)}
}

// Register makes a method known, before the oracle and after the others; a
// package that holds one calls it from init.
func Register(m Method) {
	if _, err := Find(m.Name); err == nil {
		panic("forecast: " + m.Name + " is registered twice")
	}
	at := slices.IndexFunc(methods, func(have Method) bool { return have.Oracle })
	methods = slices.Insert(methods, at, m)
}

// Methods returns the known methods, the simple ones first.
func Methods() []Method { return slices.Clone(methods) }

// Find returns the method with this name.
func Find(name string) (Method, error) {
	var names []string
	for _, m := range methods {
		if m.Name == name {
			return m, nil
		}
		names = append(names, m.Name)
	}
	return Method{}, fmt.Errorf("unknown forecast model %q: want one of %s", name, strings.Join(names, ", "))
}

// CheckHistory returns the fault of a history that no method can be fitted to.
func CheckHistory(history []float64) error {
	if i := slices.IndexFunc(history, func(y float64) bool { return math.IsInf(y, 0) }); i >= 0 {
		return fmt.Errorf("fit forecast: value %d is infinite", i)
	}
	if present(history) == 0 {
		return fmt.Errorf("fit forecast: %w", ErrNoData)
	}
	return nil
}
