// Package gputest is a GPU for tests: a board with heat, sensors that are late,
// and a driver that may refuse, on a clock that stands still until somebody
// sleeps. An hour of measurement takes a fraction of a second.
package gputest

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/kwatt-sim/kwatt/internal/calibrate"
	"github.com/kwatt-sim/kwatt/internal/rng"
)

// tick is the resolution of the board's physics.
const tick = 10 * time.Millisecond

// World is one board and the time it lives in.
type World struct {
	Bare, Context, Cap float64 // W; Cap is the power limit in force
	Full               map[calibrate.Kernel]float64
	Saturating         int     // batch that fills the board
	MaxClock           float64 // MHz
	Ambient            float64 // °C
	PerWatt            float64 // °C of steady temperature for each W
	HeatTime           time.Duration
	HotAt              float64       // °C at which the clocks are lowered; 0 never
	Noise              float64       // W, amplitude
	Update             time.Duration // of the sensors
	// UsageWindow is the time that the usual power reading averages over; 0 means
	// that it is instantaneous.
	UsageWindow time.Duration
	NoInstant   bool // no explicit instantaneous reading
	NoEnergy    bool // no energy counter
	EnergyGain  float64
	NoClocks    bool // clocks and cap take a permission that is not there
	Unsupported map[calibrate.Kernel]bool
	LoadFails   error // what Alive says once a load runs

	Others []calibrate.Process
	Log    []string // what was set, in order
	Lost   bool
	// OnSleep is called whenever somebody sleeps; may be nil.
	OnSleep func()

	start, now time.Time
	dice       *rng.Stream
	events     []event
	opened     bool
	work       *calibrate.Work
	started    time.Time
	owed       float64 // busy time not yet spent, in ticks
	lock       float64
	celsius    float64
	throttle   calibrate.Throttle
	joules     float64
	history    []float64 // W of each tick
	busy       []bool
	shown      Sensors
}

type event struct {
	at time.Duration
	do func()
}

// Sensors is what the board shows.
type Sensors struct {
	Usage, Instant, Average float64 // W
	Joules                  float64
	Celsius, Clock          float64
	Utilisation             float64
	Throttle                calibrate.Throttle
}

// New returns a cool board like an H100 with its seed for the noise.
func New(seed uint64) *World {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	w := &World{
		Bare: 72, Context: 122, Cap: 700, Saturating: 32, MaxClock: 1980,
		Full:    map[calibrate.Kernel]float64{calibrate.Memory: 430, calibrate.FP32: 520, calibrate.Tensor: 660, calibrate.Command: 500},
		Ambient: 28, PerWatt: 0.05, HeatTime: 12 * time.Second, Noise: 3,
		Update: 100 * time.Millisecond, EnergyGain: 1,
		start: start, now: start, dice: rng.New(seed).Stream("gputest"),
	}
	w.celsius = w.Ambient + float64(w.PerWatt*w.Bare)
	w.advance(2 * time.Second) // so that the sensors have something to show
	w.start = w.now
	return w
}

// After does something once so much time has passed since the start.
func (w *World) After(d time.Duration, do func()) { w.events = append(w.events, event{d, do}) }

// Now is the board's time.
func (w *World) Now() time.Time { return w.now }

// Sleep lets the time pass.
func (w *World) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if d > 0 {
		w.advance(d)
	}
	if w.OnSleep != nil {
		w.OnSleep()
	}
	return ctx.Err()
}

// advance goes tick by tick.
func (w *World) advance(d time.Duration) {
	end := w.now.Add(d)
	for w.now.Before(end) {
		next := w.now.Truncate(tick).Add(tick)
		if next.After(end) {
			w.now = end
			return
		}
		w.now = next
		w.live()
		for i := 0; i < len(w.events); i++ {
			if e := w.events[i]; w.now.Sub(w.start) >= e.at {
				w.events = append(w.events[:i], w.events[i+1:]...)
				i--
				e.do()
			}
		}
	}
}

// live is one tick of physics.
func (w *World) live() {
	on := false
	if w.work != nil {
		if w.owed += w.work.Duty; w.owed >= 1-1e-9 {
			on = true
			w.owed--
		}
	}
	watts := w.draw(on) + float64(w.Noise*(2*w.dice.Float64()-1))
	w.celsius += float64((w.Ambient + float64(w.PerWatt*watts) - w.celsius) * tick.Seconds() / w.HeatTime.Seconds())
	w.joules += float64(watts * tick.Seconds())
	w.history = append(w.history, watts)
	w.busy = append(w.busy, on)
	if keep := int(2 * time.Second / tick); len(w.history) > keep {
		w.history, w.busy = w.history[len(w.history)-keep:], w.busy[len(w.busy)-keep:]
	}
	if w.now.UnixNano()%int64(w.Update) == 0 {
		w.show()
	}
}

// draw is the board's power now, and why it is not more.
func (w *World) draw(on bool) float64 {
	w.throttle = 0
	switch {
	case !w.opened:
		w.throttle = calibrate.GPUIdle
		return w.Bare
	case !on:
		return w.Context
	}
	fill := math.Min(1, float64(w.work.Batch)/float64(w.Saturating))
	watts := w.Context + float64((w.Full[w.work.Kernel]-w.Context)*(0.4+float64(0.6*fill)))
	if w.lock > 0 {
		watts = w.Context + float64((watts-w.Context)*w.lock*w.lock/w.MaxClock/w.MaxClock)
	}
	watts *= 1 + float64(0.0005*(w.celsius-w.Ambient)) // leakage
	if w.HotAt > 0 && w.celsius > w.HotAt {
		watts *= 0.7
		w.throttle |= calibrate.SWThermal
	}
	if watts > w.Cap {
		watts = w.Cap
		w.throttle |= calibrate.SWPowerCap
	}
	return watts
}

// show is an update of the sensors.
func (w *World) show() {
	w.shown = Sensors{
		Instant: w.mean(w.Update), Average: w.mean(time.Second), Joules: w.EnergyGain * w.joules,
		Celsius: math.Floor(w.celsius), Clock: w.clock(), Throttle: w.throttle,
	}
	w.shown.Usage = w.shown.Instant
	if w.UsageWindow > 0 {
		w.shown.Usage = w.mean(w.UsageWindow)
	}
	on := 0
	for _, b := range w.busy {
		if b {
			on++
		}
	}
	w.shown.Utilisation = math.Round(100*float64(on)/float64(len(w.busy))) / 100
}

func (w *World) clock() float64 {
	switch {
	case w.lock > 0:
		return w.lock
	case !w.opened:
		return 345
	case w.throttle&calibrate.SWThermal != 0:
		return math.Round(0.8 * w.MaxClock)
	}
	return w.MaxClock
}

// mean of the power over the last while.
func (w *World) mean(d time.Duration) float64 {
	n := min(max(1, int(d/tick)), len(w.history))
	sum := 0.0
	for _, p := range w.history[len(w.history)-n:] {
		sum += p
	}
	return sum / float64(n)
}

// Sense is what the sensors show now.
func (w *World) Sense() Sensors { return w.shown }

// Opened reports whether the load has a context.
func (w *World) Opened() bool { return w.opened }

// OwnPID is the load's process.
const OwnPID = 4242

// Processes is who has a context.
func (w *World) Processes() []calibrate.Process {
	all := append([]calibrate.Process{}, w.Others...)
	if w.opened {
		all = append(all, calibrate.Process{PID: OwnPID, Name: "sim"})
	}
	return all
}

// Lock holds the SM clock; 0 lets it go.
func (w *World) Lock(mhz float64) error {
	w.Log = append(w.Log, fmt.Sprintf("lock %g MHz", mhz))
	if w.NoClocks {
		return calibrate.ErrNoPermission
	}
	w.lock = mhz
	return nil
}

// SetCap sets the power limit.
func (w *World) SetCap(watts float64) error {
	w.Log = append(w.Log, fmt.Sprintf("cap %g W", watts))
	if w.NoClocks {
		return calibrate.ErrNoPermission
	}
	w.Cap = watts
	return nil
}
