package loadgen

import (
	"context"
	"math"
	"time"

	"github.com/kwatt-sim/kwatt/internal/calibrate"
)

// GPU runs kernels.
type GPU interface {
	Info() Info
	// Burst launches a grid of blocks several times in a row, waits for the end,
	// and returns how long the GPU was busy.
	Burst(k calibrate.Kernel, blocks, launches int) (time.Duration, error)
	Close() error
}

// Info is what a GPU can run.
type Info struct {
	Kernels map[calibrate.Kernel]Shape
}

// Shape is how a kernel fills the GPU.
type Shape struct {
	Full   int           // blocks that fill it once
	Launch time.Duration // of a full grid
}

// period is the mean time from one burst to the next. It is a fifth to a half
// of the sensors' update periods, and it varies by ±20 %, lest a sensor that
// looks at regular times always sees the same part of it.
const period = 40 * time.Millisecond

// goldenRatio spreads the periods evenly, however many there are.
const goldenRatio = 0.6180339887498949

// pacer runs work on a GPU at a duty cycle.
type pacer struct {
	gpu        GPU
	clock      calibrate.Clock
	work       calibrate.Work
	saturating int
}

// grid is the blocks of one launch: the batch-like size over the one that fills
// the GPU, at least one block.
func grid(batch, saturating, full int) int {
	return max(1, int(math.Round(float64(batch)/float64(saturating)*float64(full))))
}

// run works until ctx is done or a burst fails. After each burst it idles until
// the busy time is the wanted part of all time, so that late wake-ups even out.
func (p *pacer) run(ctx context.Context) (calibrate.Done, error) {
	shape := p.gpu.Info().Kernels[p.work.Kernel]
	done := calibrate.Done{Blocks: grid(p.work.Batch, p.saturating, shape.Full)}
	done.Fill = calibrate.Of(float64(done.Blocks) / float64(shape.Full))
	launch := max(shape.Launch, time.Microsecond)
	start := p.clock.Now()
	busy := time.Duration(0)
	var err error
	for i := 0; err == nil && ctx.Err() == nil; i++ {
		_, part := math.Modf(float64(i) * goldenRatio)
		span := time.Duration(float64(period) * (0.8 + float64(0.4*part)))
		n := max(1, int(p.work.Duty*float64(span)/float64(launch)))
		var d time.Duration
		if d, err = p.gpu.Burst(p.work.Kernel, done.Blocks, n); err != nil {
			break
		}
		busy += d
		done.Launches += n
		launch = max(d/time.Duration(n), time.Microsecond)
		if idle := time.Duration(float64(busy)/p.work.Duty) - p.clock.Now().Sub(start); p.work.Duty < 1 && idle > 0 {
			_ = p.clock.Sleep(ctx, idle) // the loop looks at ctx
		}
	}
	if all := p.clock.Now().Sub(start); all > 0 {
		done.Duty = calibrate.Of(min(1, busy.Seconds()/all.Seconds()))
	}
	if done.Launches > 0 {
		done.KernelTime = busy / time.Duration(done.Launches)
	}
	return done, err
}
