package cli

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// progress tells on stderr how a run goes: a bar on a terminal, a line for each
// finished replication otherwise.
type progress struct {
	env      Env
	started  time.Time
	jobs     int
	done     int
	requests atomic.Int64
	bars     *mpb.Progress // nil without a terminal
	bar      *mpb.Bar
}

// newProgress expects so many requests in all, for the bar's length; quiet
// keeps it silent.
func newProgress(env Env, jobs int, requests float64, quiet bool) *progress {
	p := &progress{env: env, started: env.Now(), jobs: jobs}
	switch {
	case quiet:
		p.jobs = 0
	case env.isTerminal(env.Stderr):
		p.bars = mpb.New(mpb.WithOutput(env.Stderr), mpb.WithWidth(30))
		p.bar = p.bars.AddBar(int64(requests),
			mpb.BarRemoveOnComplete(),
			mpb.PrependDecorators(decor.Any(func(decor.Statistics) string {
				return fmt.Sprintf("%s requests", si(float64(p.requests.Load())))
			})),
			mpb.AppendDecorators(
				decor.Any(func(decor.Statistics) string { return si(p.rate()) + " req/s " }),
				decor.AverageETA(decor.ET_STYLE_GO), decor.Name(" left")),
		)
	}
	return p
}

// add counts simulated requests; it may be called from several goroutines.
func (p *progress) add(requests int64) {
	p.requests.Add(requests)
	if p.bar != nil {
		p.bar.IncrInt64(requests)
	}
}

// finished is called for each replication, one at a time.
func (p *progress) finished(policy string, seed uint64) {
	p.done++
	if p.bars == nil && p.jobs > 0 {
		fmt.Fprintf(p.env.Stderr, "%d/%d %s seed %d, %s requests at %s req/s\n", p.done, p.jobs, policy, seed, si(float64(p.requests.Load())), si(p.rate()))
	}
}

// close clears the bar.
func (p *progress) close() {
	if p.bars != nil {
		p.bar.Abort(true)
		p.bars.Wait()
	}
}

// rate is requests simulated per second of real time.
func (p *progress) rate() float64 {
	s := p.env.Now().Sub(p.started).Seconds()
	if s <= 0 {
		return 0
	}
	return float64(p.requests.Load()) / s
}

// si writes 12.3 M for 12,300,000.
func si(x float64) string {
	for _, u := range []struct {
		unit float64
		sign string
	}{{1e9, " G"}, {1e6, " M"}, {1e3, " k"}} {
		if x >= u.unit {
			return fmt.Sprintf("%.3g%s", x/u.unit, u.sign)
		}
	}
	return fmt.Sprintf("%.3g", x)
}
