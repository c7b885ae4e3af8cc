package lstm

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kwatt-sim/kwatt/internal/forecast"
)

func TestBuiltinWeights(t *testing.T) {
	w := Builtin()
	if len(builtinFile) > 200_000 || len(w.Trained) != 4 || w.Command == "" {
		t.Errorf("%d bytes, trained on %d traces by %q", len(builtinFile), len(w.Trained), w.Command)
	}
	var b bytes.Buffer
	if err := w.Write(&b); err != nil || !bytes.Equal(b.Bytes(), builtinFile) {
		t.Errorf("written again the file differs: %v", err)
	}
}

func TestBrokenWeights(t *testing.T) {
	change := func(f func(*Weights)) []byte {
		w := *Builtin()
		f(&w)
		w.Hash, _ = w.hash()
		data, err := json.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	for _, c := range []struct {
		data []byte
		want string
	}{
		{bytes.Replace(builtinFile, []byte(`"epochs":`), []byte(`"epochs":1`), 1), "read weights w.json: the file does not match its hash: it was changed or cut; train it again with: sim forecast train"},
		{builtinFile[:1000], "read weights w.json: unexpected EOF: want a file that sim forecast train wrote"},
		{[]byte(`{"format":"onnx"}`), `format is "onnx", want "kwatt.dev/lstm/v1"`},
		{[]byte(`{"formt":""}`), `unknown field "formt"`},
		{change(func(w *Weights) { w.Weights = w.Weights[1:] }), "1835 weights do not make a network of 8 hidden units"},
		{change(func(w *Weights) { w.Scores = w.Scores[:3] }), "scores of 3 steps ahead, want 12"},
		{change(func(w *Weights) { w.Scores = append([][]float64{{3, 2}}, w.Scores[1:]...) }), "scores are not one for each level, rising"},
	} {
		if _, err := Read(bytes.NewReader(c.data), "w.json"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v\nwant %s", err, c.want)
		}
	}
}

func TestSeen(t *testing.T) {
	at := func(d int) time.Time { return time.Date(1998, 7, d, 0, 0, 0, 0, time.UTC) }
	w := &Weights{Trained: []Training{{Trace: "final", Source: "log", From: at(6), To: at(11)}, {Trace: "shop", From: at(1), To: at(3)}}}
	for _, c := range []struct {
		trace, source string
		from          time.Time
		want          int
	}{
		{"final", "log", at(11), 0}, {"final", "log", at(10), 1}, {"final", "", at(10), 1},
		{"peak", "log", at(7), 1}, // the same record under another name
		{"peak", "other", at(7), 0}, {"shop", "", at(2), 1}, {"other", "", at(2), 0},
	} {
		if n := len(w.Seen(c.trace, c.source, c.from)); n != c.want {
			t.Errorf("%+v: %d", c, n)
		}
	}
}

// TestForecasts: whatever the series, forecasts scale with it, never fall below
// zero, and quantiles do not cross, near or far, with or without a season.
func TestForecasts(t *testing.T) {
	method := Builtin().Method()
	rapid.Check(t, func(rt *rapid.T) {
		season := rapid.SampledFrom([]int{0, 5, 30}).Draw(rt, "season")
		v := rapid.SliceOfN(rapid.OneOf(rapid.Float64Range(1, 1000), rapid.SampledFrom([]float64{0, math.NaN()})), 1, 200).Draw(rt, "values")
		v[0] = 100
		scaled := make([]float64, len(v))
		for i := range v {
			scaled[i] = 1000 * v[i]
		}
		f, err := method.Fit(v, forecast.Options{Season: season})
		if err != nil {
			rt.Fatal(err)
		}
		g, err := method.Fit(scaled, forecast.Options{Season: season})
		if err != nil {
			rt.Fatal(err)
		}
		for _, h := range []int{1, 2, Ahead, Ahead + 1, 3 * Ahead} {
			last := 0.0
			for _, q := range []float64{0.0005, 0.01, 0.1, 0.5, 0.9, 0.99, 0.9999} {
				y, z := f.Quantile(h, q), g.Quantile(h, q)
				if !(y >= last) || math.IsInf(y, 0) {
					rt.Fatalf("%d ahead: the quantile %g is %g after %g", h, q, y, last)
				}
				if math.Abs(z-1000*y) > 1e-6*(1+z) {
					rt.Fatalf("%d ahead: the quantile %g of a thousand times the rate is %g, not %g", h, q, z, 1000*y)
				}
				last = y
			}
			if y := f.Forecast(h); !(y >= 0) || math.IsInf(y, 0) {
				rt.Fatalf("%d ahead: %g", h, y)
			}
		}
	})
}

// TestZerosFirst: a history that begins at night must not make the first rate of
// the morning a score beyond all measure.
func TestZerosFirst(t *testing.T) {
	var v []float64
	for i := range 12 * 24 {
		y := 0.0
		if i%24 >= 9 && i%24 < 17 {
			y = 100
		}
		v = append(v, y)
	}
	f, err := Builtin().Method().Fit(v, forecast.Options{Season: 24})
	if err != nil {
		t.Fatal(err)
	}
	for h := 1; h <= Ahead; h++ {
		if q := f.Quantile(h, 0.99); q > 1000 {
			t.Errorf("%d ahead of a day of 100 req/s the quantile 0.99 is %.3g", h, q)
		}
	}
}

// TestBeyondItsReach the forecast goes on as the season before did.
func TestBeyondItsReach(t *testing.T) {
	const season = 40
	var v []float64
	for i := range 4 * season {
		y := 100.0
		if i%season >= 20 {
			y = 500
		}
		v = append(v, y)
	}
	f, err := Builtin().Method().Fit(v, forecast.Options{Season: season})
	if err != nil {
		t.Fatal(err)
	}
	at, high := f.Forecast(Ahead), f.Forecast(30)
	if ratio := high / at; ratio < 4.5 || ratio > 5.5 {
		t.Errorf("%.0f at its reach, %.0f in the high half of the season", at, high)
	}
	if y := f.Forecast(season + 5); math.Abs(y-at) > 1e-9*at {
		t.Errorf("in the next low half %.3f, want %.3f", y, at)
	}
}

// BenchmarkForward is the network alone, one step.
func BenchmarkForward(b *testing.B) {
	n := Builtin().network()
	m, s, x := n.newMemory(), n.newCell(), make([]float64, inputs)
	for b.Loop() {
		n.forward(x, m, &s)
	}
}

// BenchmarkObserve is one step of inference, all horizons and scores included.
func BenchmarkObserve(b *testing.B) {
	f := Builtin().newForecaster(288)
	i := 0
	for b.Loop() {
		i++
		f.Observe(1000 + 600*math.Sin(float64(i)/46))
	}
}

// BenchmarkQuantile is what a decision asks for.
func BenchmarkQuantile(b *testing.B) {
	f := Builtin().newForecaster(288)
	for i := range 1000 {
		f.Observe(1000 + 600*math.Sin(float64(i)/46))
	}
	for b.Loop() {
		f.Quantile(2, 0.95)
	}
}
