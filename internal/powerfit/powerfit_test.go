package powerfit

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"gonum.org/v1/gonum/stat"
	"pgregory.net/rapid"
)

// truths are curves of each family; the data of a truth without noise give it
// back, and it wins.
var truths = map[string]Curve{
	Linear:   &shape{kind: Linear, idle: 120, slope: 400, full: 256},
	Sqrt:     &shape{kind: Sqrt, idle: 120, slope: 400, full: 256},
	Cubic:    &shape{kind: Cubic, idle: 120, slope: 400, full: 256},
	Logistic: &logistic{b0: 440, l: 260, k: 1.1, x0: 5},
}

func dataOf(c Curve, context float64, noise func(i int) float64) Data {
	d := Data{Context: context}
	for i := range 9 {
		b := math.Pow(2, float64(i))
		d.Points = append(d.Points, Point{Batch: b, Watts: c.At(b) + noise(i)})
	}
	return d
}

func none(int) float64 { return 0 }

func TestTruthsWithoutNoiseAreFound(t *testing.T) {
	for name, truth := range truths {
		for _, context := range []float64{0, 120} {
			r, err := Do(dataOf(truth, context, none), "")
			if err != nil {
				t.Fatal(err)
			}
			if r.Chosen.Family != name || r.Batches != 9 || !r.Interior || len(r.All) != len(families) {
				t.Errorf("%s with context %g: chose %s of %d families", name, context, r.Chosen.Family, len(r.All))
				continue
			}
			for i, p := range truth.Params() {
				if got := r.Chosen.Params[i]; got.Name != p.Name || math.Abs(got.Value-p.Value) > 1e-2*math.Abs(p.Value) {
					t.Errorf("%s with context %g: %s = %g, true is %s = %g", name, context, got.Name, got.Value, p.Name, p.Value)
				}
			}
			for _, x := range r.Chosen.Residuals {
				if math.Abs(x.Fitted-x.Watts) > 0.05 {
					t.Errorf("%s: residual of %g W at batch %g", name, x.Fitted-x.Watts, x.Batch)
				}
			}
		}
	}
}

// A curve of none of the parametric shapes is left to the monotone one, which
// goes through all its points.
func TestMonotoneTakesWhatNothingElseFits(t *testing.T) {
	d := Data{Points: []Point{{Batch: 1, Watts: 100}, {Batch: 2, Watts: 105}, {Batch: 4, Watts: 110}, {Batch: 8, Watts: 300}, {Batch: 16, Watts: 305},
		{Batch: 32, Watts: 310}, {Batch: 64, Watts: 500}, {Batch: 128, Watts: 505}, {Batch: 256, Watts: 510}}}
	r, err := Do(d, "")
	if err != nil {
		t.Fatal(err)
	}
	if r.Chosen.Family != Monotone {
		t.Errorf("chose %s", r.Chosen.Family)
	}
	for _, p := range d.Points {
		if got := r.Chosen.Curve.At(p.Batch); got != p.Watts {
			t.Errorf("batch %g: %g W, read %g W", p.Batch, got, p.Watts)
		}
	}
	if got := r.Chosen.Curve.At(math.Sqrt(8 * 16)); math.Abs(got-302.5) > 1e-9 {
		t.Errorf("halfway between 8 and 16 on the log scale: %g W, want 302.5 W", got)
	}
	if low, high := r.Chosen.Curve.At(0.1), r.Chosen.Curve.At(1e6); low != 100 || high != 510 {
		t.Errorf("outside: %g and %g W, want 100 and 510 W", low, high)
	}
}

// The line is gonum's, with and without a given intercept.
func TestLineIsTheLeastSquaresLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 12).Draw(t, "n")
		var s []sample
		var x, y, w []float64
		for i := range n {
			p := sample{y: rapid.Float64Range(50, 700).Draw(t, "watts"), w: rapid.Float64Range(0.1, 10).Draw(t, "weight")}
			s = append(s, p)
			x, y, w = append(x, float64(i)/float64(n)), append(y, p.y), append(w, p.w)
		}
		intercept, slope := line(s, x)
		a, b := stat.LinearRegression(x, y, w, false)
		if b < 0 {
			a, b = stat.Mean(y, w), 0
		}
		if math.Abs(intercept-a) > 1e-6 || math.Abs(slope-b) > 1e-6 {
			t.Fatalf("%g + %g·x, gonum has %g + %g·x", intercept, slope, a, b)
		}
		_, b = stat.LinearRegression(x, y, w, true)
		if got := through(s, x, 0); math.Abs(got-max(b, 0)) > 1e-6 {
			t.Fatalf("through the origin: slope %g, gonum has %g", got, b)
		}
	})
}

// The slow twin of pooling: the min-max formula of isotonic regression.
func TestIsotonicAgainstTheMinMaxFormula(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		y := rapid.SliceOfN(rapid.Float64Range(-100, 100), 1, 12).Draw(t, "values")
		w := rapid.SliceOfN(rapid.Float64Range(0.1, 10), len(y), len(y)).Draw(t, "weights")
		got := Isotonic(y, w)
		for i := range y {
			want := math.Inf(-1)
			for a := 0; a <= i; a++ {
				least := math.Inf(1)
				for b := i; b < len(y); b++ {
					least = min(least, stat.Mean(y[a:b+1], w[a:b+1]))
				}
				want = max(want, least)
			}
			if math.Abs(got[i]-want) > 1e-9 {
				t.Fatalf("value %d: %g, the formula gives %g", i, got[i], want)
			}
		}
	})
}

// Whatever the readings are, no family falls; the two that kwatt trusts stay
// near what was read (the others are told to start from the context).
func TestNoCurveFalls(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 9).Draw(t, "n")
		d := Data{Context: rapid.SampledFrom([]float64{0, 60}).Draw(t, "context")}
		for range n {
			d.Points = append(d.Points, Point{
				Batch: rapid.Float64Range(1, 600).Draw(t, "batch"), Watts: rapid.Float64Range(61, 700).Draw(t, "watts"),
				SE: rapid.Float64Range(0, 20).Draw(t, "error"),
			})
		}
		s, err := d.samples()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			if len(s) < f.batches {
				continue
			}
			c := f.fit(s, d.Context, nil)
			most := map[string]float64{Monotone: 700, Logistic: 700 + mostRise*640}[f.name]
			last := math.Inf(-1)
			for b := 0.5; b < 2000; b *= 1.3 {
				w := c.At(b)
				if w < last-1e-9 || math.IsNaN(w) || most > 0 && w > most {
					t.Fatalf("%s: %g W at batch %g after %g W", f.name, w, b, last)
				}
				last = w
			}
		}
	})
}

func TestReadingsOfOneBatchAreMerged(t *testing.T) {
	s, err := Data{Points: []Point{{Batch: 8, Watts: 110}, {Batch: 1, Watts: 50}, {Batch: 8, Watts: 100}}}.samples()
	if err != nil {
		t.Fatal(err)
	}
	if len(s) != 2 || s[0].batch != 1 || s[1].y != 105 || math.Abs(s[1].w-2*s[0].w) > 1e-12*s[1].w {
		t.Errorf("%+v", s)
	}
	// A reading with a tenth of the error counts a hundred times as much.
	s, err = Data{Points: []Point{{Batch: 8, Watts: 200, SE: 100}, {Batch: 8, Watts: 100, SE: 10}}}.samples()
	if err != nil || math.Abs(s[0].y-100.99) > 0.02 {
		t.Errorf("%+v, %v: want 101 W", s, err)
	}
}

func TestBadReadings(t *testing.T) {
	for want, d := range map[string]Data{
		"no readings of a busy GPU":                          {},
		"reading 2: batch 0.5: want a number of at least 1":  {Points: []Point{{Batch: 1, Watts: 1}, {Batch: 0.5, Watts: 1}}},
		"reading 1: 0 W at batch 4: want more than 0":        {Points: []Point{{Batch: 4}}},
		"reading 1: NaN W at batch 4":                        {Points: []Point{{Batch: 4, Watts: math.NaN()}}},
		"reading 1: standard error -1 W at batch 4":          {Points: []Point{{Batch: 4, Watts: 9, SE: -1}}},
		"reading 1: batch +Inf: want a number of at least 1": {Points: []Point{{Batch: math.Inf(1), Watts: 9}}},
	} {
		if _, err := Do(d, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want an error with %q", d, err, want)
		}
	}
	one := Data{Points: []Point{{Batch: 4, Watts: 9}}}
	for want, family := range map[string]string{
		`unknown curve "spline": want one of linear, sqrt, cubic, logistic, monotone`: "spline",
		"curve logistic needs readings at 4 different batches, there are 1":           Logistic,
	} {
		if _, err := Do(one, family); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error with %q", family, err, want)
		}
	}
}

// One or two batches are a curve, without any claim about its error.
func TestTooFewBatchesForAnError(t *testing.T) {
	r, err := Do(Data{Points: []Point{{Batch: 1, Watts: 100}, {Batch: 8, Watts: 200}}}, "")
	if err != nil {
		t.Fatal(err)
	}
	f := r.Chosen
	if _, ok := f.Predict(4); ok || f.Family != Monotone || f.HeldOut.N != 0 || !math.IsNaN(f.Params[0].Low) || !math.IsNaN(f.Residuals[0].HeldOut) {
		t.Errorf("%+v", f)
	}
}

// The order of the readings says nothing.
func TestOrderOfReadingsDoesNotMatter(t *testing.T) {
	d := dataOf(truths[Logistic], 0, func(i int) float64 { return float64(i%3) * 7 })
	a, err := Do(d, "")
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(d.Points)
	b, err := Do(d, "")
	if err != nil {
		t.Fatal(err)
	}
	unexported := cmpopts.IgnoreUnexported(Fit{}, logistic{}, shape{}, monotone{})
	if d := cmp.Diff(a.Chosen, b.Chosen, unexported, cmpopts.EquateNaNs()); d != "" {
		t.Error(d)
	}
}
