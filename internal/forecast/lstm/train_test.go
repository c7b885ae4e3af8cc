package lstm

import (
	"bytes"
	"context"
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/kwatt-sim/kwatt/internal/forecast"
	"github.com/kwatt-sim/kwatt/internal/rng"
)

const day = 24

// saw is a noisy day whose jumps a network can know from the season before.
func saw(n int, seed uint64) []float64 {
	s := rng.New(seed).Stream("saw")
	v := make([]float64, n)
	for i := range v {
		v[i] = 100 * math.Exp(0.05*s.Norm())
		if i%day >= 8 && i%day < 14 {
			v[i] *= 3
		}
	}
	return v
}

func sawSeries(seed uint64) []Series {
	start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	v := saw(12*day, seed)
	return []Series{{Training: Training{Trace: "saw", Source: "made", From: start, To: start.Add(12 * day * time.Hour), Steps: []string{"1h"}}, Season: day, Values: v}}
}

func trainSaw(t *testing.T, o TrainOptions) *Weights {
	t.Helper()
	w, err := Train(context.Background(), sawSeries(1), o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func small() TrainOptions {
	return TrainOptions{Seed: 1, Hidden: 4, Epochs: 300, Rate: 0.01, Command: "a test"}
}

// TestLearnsAJump: on other days of the same kind the network foresees the
// jumps from which the last value is late, and its quantiles cover.
func TestLearnsAJump(t *testing.T) {
	w := trainSaw(t, small())
	if w.Loss > 0.8*w.Baseline {
		t.Errorf("validation loss %.3f, %.3f of the last value", w.Loss, w.Baseline)
	}
	v := saw(30*day, 2)
	f, err := w.Method().Fit(v[:10*day], forecast.Options{Season: day, Horizon: 1})
	if err != nil {
		t.Fatal(err)
	}
	miss, late, below, n := 0.0, 0.0, 0, 0
	for i := 10 * day; i < len(v); i++ {
		miss += math.Abs(v[i] - f.Forecast(1))
		late += math.Abs(v[i] - v[i-1])
		if v[i] <= f.Quantile(1, 0.9) {
			below++
		}
		n++
		f.Observe(v[i])
	}
	if miss > 0.6*late {
		t.Errorf("mean absolute error %.1f, of the last value %.1f", miss/float64(n), late/float64(n))
	}
	if part := float64(below) / float64(n); math.Abs(part-0.9) > 0.05 {
		t.Errorf("%.3f of the values lie below p90", part)
	}
}

// TestSameSeedSameBytes, however many processors there are; another seed differs.
func TestSameSeedSameBytes(t *testing.T) {
	o := small()
	o.Epochs = 3
	file := func(o TrainOptions, procs int) string {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		var b bytes.Buffer
		if err := trainSaw(t, o).Write(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	one := file(o, 1)
	if file(o, 4) != one || file(o, 2) != one {
		t.Error("the number of processors changes the weights")
	}
	o.Seed = 2
	if file(o, 1) == one {
		t.Error("another seed changes nothing")
	}
}

// TestTrainingDoesNotSeeTheValidationPart: whatever comes there, the gradient
// of the training part stays.
func TestTrainingDoesNotSeeTheValidationPart(t *testing.T) {
	first := sawSeries(1)[0]
	changed := sawSeries(1)[0]
	for i := splitOf(changed.Values); i < len(changed.Values); i++ {
		changed.Values[i] *= 5
	}
	step := func(s Series) []float64 {
		tr := &trainer{options: small(), courses: []course{newCourse(s)}, stream: rng.New(1).Stream("windows")}
		tr.begin(shape{in: inputs, hidden: 4, out: 3 * Ahead})
		tr.epoch(0)
		return tr.net.w
	}
	a, b := step(first), step(changed)
	for i := range a {
		if a[i] != b[i] {
			t.Fatalf("weight %d is %g, and %g with other validation days", i, a[i], b[i])
		}
	}
}

// TestLossSlopes compares the derivatives of the loss with differences.
func TestLossSlopes(t *testing.T) {
	const seed = 5
	s := rng.New(seed).Stream("loss")
	out, target, d := make([]float64, 3*Ahead), make([]float64, Ahead), make([]float64, 3*Ahead)
	weight := [Ahead]float64{}
	for i := range out {
		out[i] = s.Norm()
	}
	for h := range target {
		target[h], weight[h] = 2*s.Norm(), 0.5+s.Float64()
	}
	target[3] = math.NaN()
	if _, n := lossOf(out, target, &weight, d); n != 3*(Ahead-1) {
		t.Errorf("%d terms", n)
	}
	scratch := make([]float64, len(d))
	for i := range out {
		const eps = 1e-6
		at := out[i]
		out[i] = at + eps
		up, _ := lossOf(out, target, &weight, scratch)
		out[i] = at - eps
		down, _ := lossOf(out, target, &weight, scratch)
		out[i] = at
		if want := (up - down) / (2 * eps); math.Abs(d[i]-want) > 1e-6 {
			t.Errorf("seed %d: output %d has slope %g, by differences %g", seed, i, d[i], want)
		}
	}
}

func TestTrainErrors(t *testing.T) {
	start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	short := Series{Training: Training{Trace: "short", From: start, To: start}, Season: day, Values: []float64{1, 2, 3}}
	for _, c := range []struct {
		series []Series
		set    func(*TrainOptions)
		want   string
	}{
		{sawSeries(1), func(o *TrainOptions) { o.Hidden = 0 }, "0 hidden units"},
		{sawSeries(1), func(o *TrainOptions) { o.Rate = math.NaN() }, "a rate above 0"},
		{[]Series{short}, func(*TrainOptions) {}, "no series has more than 16 steps to train on"},
		{nil, func(*TrainOptions) {}, "no series has more than 16 steps to train on"},
		{[]Series{{Training: Training{Trace: "empty"}, Values: []float64{math.NaN()}}}, func(*TrainOptions) {}, "train on empty: fit forecast: the series holds no value"},
	} {
		o := small()
		c.set(&o)
		if _, err := Train(context.Background(), c.series, o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Train(ctx, sawSeries(1), small()); !errors.Is(err, context.Canceled) {
		t.Errorf("an interrupted training: %v", err)
	}
}
