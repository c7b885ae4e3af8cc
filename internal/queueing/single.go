package queueing

import "math"

// spreadCV is where single requests' service times stop being taken as equal
// to their mean and start being taken as exponential in the law of latency.
const spreadCV = 0.5

// pollaczek is M/G/1 with the mean of Pollaczek and Khinchine.
func (s Server) pollaczek(lambda float64) Prediction {
	mean := s.BatchSeconds[1]
	rho := lambda * mean
	wait := rho * mean * s.spread() / (2 * (1 - rho))
	return s.single(mean, rho, rho, wait)
}

// erlang is M/G/k: Erlang's C formula with Allen and Cunneen's factor.
func (s Server) erlang(lambda float64) Prediction {
	mean := s.BatchSeconds[1]
	offered := lambda * mean
	c := ErlangC(s.Instances, offered)
	wait := c * mean / (float64(s.Instances) - offered) * s.spread() / 2
	return s.single(mean, offered, c, wait)
}

// single is a server of single requests whose wait has this mean and is
// positive with probability pWait, exponential then.
func (s Server) single(mean, offered, pWait, wait float64) Prediction {
	return Prediction{
		Utilisation: offered / s.parallel(),
		MeanBatch:   1,
		MeanLatency: wait + mean,
		BusyShare:   []float64{0, offered},
		law:         waitThenServe{pWait: pWait, waitRate: pWait / wait, mean: mean, cv: s.CV},
	}
}

// ErlangC returns the probability that an arrival waits in M/M/k at an
// offered load of a erlangs, a < k, by the stable recursion over Erlang's B.
func ErlangC(k int, a float64) float64 {
	b := 1.0
	for n := 1; n <= k; n++ {
		b = a * b / (float64(n) + float64(a*b))
	}
	rho := a / float64(k)
	return b / (1 - rho + float64(rho*b))
}

// law is a latency distribution.
type law interface{ quantile(q float64) float64 }

// waitThenServe is a wait (0, or exponential with probability pWait) and an
// independent service time: exponential from spreadCV on, else its mean.
type waitThenServe struct{ pWait, waitRate, mean, cv float64 }

func (w waitThenServe) quantile(q float64) float64 {
	lo, hi := 0.0, w.mean
	for w.tail(hi) > 1-q {
		hi *= 2
	}
	for range 60 {
		mid := (lo + hi) / 2
		if w.tail(mid) > 1-q {
			lo = mid
		} else {
			hi = mid
		}
	}
	return hi
}

// tail is P(wait + service > t).
func (w waitThenServe) tail(t float64) float64 {
	if w.cv < spreadCV {
		if t < w.mean {
			return 1
		}
		return w.pWait * math.Exp(-w.waitRate*(t-w.mean))
	}
	mu, theta := 1/w.mean, w.waitRate
	if math.Abs(mu-theta) < 1e-9*mu { // the two exponentials are an Erlang-2
		return math.Exp(-mu*t) * (1 + float64(w.pWait*mu*t))
	}
	both := (float64(mu*math.Exp(-theta*t)) - float64(theta*math.Exp(-mu*t))) / (mu - theta)
	return float64((1-w.pWait)*math.Exp(-mu*t)) + float64(w.pWait*both)
}
