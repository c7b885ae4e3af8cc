package replay

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"time"
)

// series collects spans of virtual time.
type series struct {
	mu  sync.Mutex
	all []time.Duration
}

func (s *series) add(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, d)
}

// Spread is how long something took, in seconds of virtual time.
type Spread struct {
	N      int     `json:"n"`
	Median float64 `json:"medianSeconds"`
	P95    float64 `json:"p95Seconds"`
	Most   float64 `json:"mostSeconds"`
}

// String writes the figures as seconds.
func (s Spread) String() string {
	if s.N == 0 {
		return "none seen"
	}
	return fmt.Sprintf("median %.2f s, p95 %.2f s, at most %.2f s (n=%d)", s.Median, s.P95, s.Most, s.N)
}

func (s *series) spread() Spread {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) == 0 {
		return Spread{}
	}
	sorted := slices.Sorted(slices.Values(s.all))
	at := func(q float64) float64 { return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)].Seconds() }
	return Spread{N: len(sorted), Median: at(0.5), P95: at(0.95), Most: sorted[len(sorted)-1].Seconds()}
}

// lags are what is measured of a replay while it runs.
type lags struct {
	engine series // how late the engine came to its events
	bind   series // from a pod's creation to its binding, when a node had room
	taken  series // from a decision, or a node that came on, to a binding: taken off the cold start
	stage  series // from when KWOK was to make a pod ready until it was seen
	sync   series // between two syncs of an HPA
	answer series // how long the metrics API took
}

// Lag is how far a replay was behind the times that it should have kept, in
// virtual time.
type Lag struct {
	Speed int `json:"speed"`
	// Pace is the least that virtual time went at; it is below the speed where the
	// clock kept the HPA controller's time.
	Pace   float64 `json:"slowestPace"`
	Engine Spread  `json:"dataPlane"`          // how late the data plane came to its events
	Bind   Spread  `json:"bind"`               // from a pod's creation to its binding, when a node had room
	Taken  Spread  `json:"takenOffColdStarts"` // from a decision, or a node that came on, to a binding
	Stage  Spread  `json:"ready"`              // from when KWOK was to make a pod ready until it was seen
	Sync   Spread  `json:"hpaSync"`            // between two syncs of an HPA
	Answer Spread  `json:"metricsAnswer"`      // how long the metrics API took
	Period float64 `json:"hpaPeriodSeconds"`   // between syncs, as it should be; 0 without an HPA
	// Invalid is why the run does not show what it should; empty when it does.
	Invalid []string `json:"invalid,omitempty"`
}

// Valid reports whether the run kept its times.
func (l Lag) Valid() bool { return len(l.Invalid) == 0 }

// The limits beyond which a run is not what it claims to be. Telemetry shows a
// scaler what is ScrapeInterval + Lag old; what comes late by less than that
// changes little.
const (
	syncError = 0.05 // of the sync period, in the median
)

// report judges the lags.
func (l *lags) report(speed int, scrape, syncPeriod time.Duration, pace float64) Lag {
	out := Lag{
		Speed: speed, Pace: pace, Period: syncPeriod.Seconds(),
		Engine: l.engine.spread(), Bind: l.bind.spread(), Taken: l.taken.spread(), Stage: l.stage.spread(), Sync: l.sync.spread(), Answer: l.answer.spread(),
	}
	refuse := func(s Spread, limit time.Duration, what string) {
		if s.P95 > limit.Seconds() {
			out.Invalid = append(out.Invalid, fmt.Sprintf("%s: %s, at most %.2f s at p95 is tolerated", what, s, limit.Seconds()))
		}
	}
	refuse(out.Engine, scrape, "the data plane was late")
	refuse(out.Bind, scrape, "bindings were late")
	refuse(out.Stage, scrape, "pods became ready late")
	refuse(out.Answer, scrape, "the metrics API answered late")
	if n := out.Sync; n.N > 0 && math.Abs(n.Median-out.Period) > syncError*out.Period {
		out.Invalid = append(out.Invalid, fmt.Sprintf("the HPA synced every %.2f s in the median, not every %v", n.Median, syncPeriod))
	}
	return out
}
