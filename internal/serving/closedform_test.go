package serving

import (
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/kwatt-sim/kwatt/internal/rng"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// The closed forms: mean waiting times of textbook queues, against the mean of
// independent replications. A test passes when the formula lies within the
// 99.9 % interval of the replications, and that interval is narrow enough to
// mean something.

const (
	replications = 12
	serviceNs    = 1e6 // mean service time: 1 ms
)

// meanWait runs one replication of a single replica with k instances at
// utilisation rho, discards a warm-up, and returns the mean waiting time in
// service times and the share of requests that waited.
func meanWait(seed uint64, k int, rho float64, dist Distribution, cv float64, requests float64) (wait, waited float64) {
	rate := rho * float64(k) * 1e9 / serviceNs
	c := Config{MaxBatch: 1, Instances: k, QueueCapacity: 1 << 24, Routing: Random, Horizon: vtime.Forever}
	s := NewServiceTime([]float64{0, serviceNs}, dist, cv, false)
	f, err := NewFleet(c, newPoisson(seed, rate), rng.New(seed).Stream("routing"))
	if err != nil {
		panic(err)
	}
	r := f.Add(s, rng.New(seed).Stream("service"))
	f.RunTo(vtime.Time(0.1 * requests / rate * 1e9))
	f.Stats.Reset()

	// P(wait) by PASTA: an arrival waits when every instance is busy. Sampling
	// the state at equally spaced instants sees the same share.
	const looks = 20_000
	busy := 0
	span := requests / rate * 1e9
	start := 0.1 * requests / rate * 1e9
	for i := range looks {
		t := vtime.Time(start + span*float64(i+1)/looks)
		f.RunTo(t)
		if r.free > int64(t) {
			busy++
		}
	}
	mean, _ := f.Stats.Latency.MeanSeconds()
	return mean*1e9/serviceNs - 1, float64(busy) / looks
}

// erlangC returns the probability of waiting in M/M/k at utilisation rho, by
// the recursion of Erlang B.
func erlangC(k int, rho float64) float64 {
	a := rho * float64(k)
	b := 1.0
	for i := 1; i <= k; i++ {
		b = a * b / (float64(i) + a*b)
	}
	return b / (1 - rho*(1-b))
}

func TestClosedForms(t *testing.T) {
	type form struct {
		name     string
		k        int
		rho      float64
		dist     Distribution
		cv       float64
		wait     float64 // in service times
		waits    float64 // P(wait)
		narrow   float64 // half-width of the interval over the value, at most
		requests float64 // a replication
	}
	var forms []form
	for _, k := range []int{1, 4, 8} {
		for _, load := range []struct{ rho, narrow, requests float64 }{{0.5, 0.15, 2e6}, {0.8, 0.12, 6e5}, {0.95, 0.25, 2e6}} {
			c := erlangC(k, load.rho)
			forms = append(forms, form{fmt.Sprintf("M/M/%d", k), k, load.rho, Exponential, 0,
				c / (float64(k) * (1 - load.rho)), c, load.narrow, load.requests})
		}
	}
	for _, rho := range []float64{0.5, 0.8, 0.95} {
		forms = append(forms, form{"M/D/1", 1, rho, Deterministic, 0, rho / (2 * (1 - rho)), rho, 0.2, 1e6})
	}
	// Pollaczek–Khinchine: W = ρ(1+cv²)/(2(1-ρ)) service times. cv 0.2 takes the
	// stratified sampler, 1 and 1.5 the exact one.
	for _, cv := range []float64{0.2, 1, 1.5} {
		forms = append(forms, form{fmt.Sprintf("M/G/1 lognormal cv %.1f", cv), 1, 0.8, LogNormal, cv,
			0.8 * (1 + cv*cv) / (2 * 0.2), 0.8, 0.2, 1e6})
	}
	for _, f := range forms {
		t.Run(fmt.Sprintf("%s ρ=%.2f", f.name, f.rho), func(t *testing.T) {
			t.Parallel()
			var waits, probabilities []float64
			for seed := range uint64(replications) {
				w, p := meanWait(seed+1, f.k, f.rho, f.dist, f.cv, f.requests)
				waits = append(waits, w)
				probabilities = append(probabilities, p)
			}
			holds(t, "mean wait in service times", waits, f.wait, f.narrow)
			holds(t, "P(wait)", probabilities, f.waits, f.narrow)
		})
	}
}

// holds fails unless want lies in the 99.9 % interval of the replications'
// mean and the interval's half-width is at most narrow times want.
func holds(t *testing.T, what string, x []float64, want, narrow float64) {
	t.Helper()
	n := float64(len(x))
	mean, sd := stat.MeanStdDev(x, nil)
	half := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: n - 1}.Quantile(0.9995) * sd / math.Sqrt(n)
	if math.Abs(mean-want) > half {
		t.Errorf("%s: %.5f ± %.5f over %d replications, the formula says %.5f", what, mean, half, len(x), want)
	}
	if half > narrow*want {
		t.Errorf("%s: the interval ± %.5f is too wide to tell anything about %.5f", what, half, want)
	}
}

// The strata keep the lognormal's mean and nearly all of its variance.
func TestStrataKeepTheMoments(t *testing.T) {
	for _, cv := range []float64{0.01, 0.03, 0.1, narrowCV} {
		strata := lognormalStrata(math.Sqrt(math.Log(1 + cv*cv)))
		mean, variance := stat.PopMeanVariance(strata, nil)
		if math.Abs(mean-1) > 1e-12 {
			t.Errorf("cv %v: mean %v, want 1", cv, mean)
		}
		if lost := 1 - variance/(cv*cv); lost < 0 || lost > 0.005 {
			t.Errorf("cv %v: %.3f %% of the variance is lost", cv, 100*lost)
		}
	}
}
