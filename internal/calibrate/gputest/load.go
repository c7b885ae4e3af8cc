package gputest

import (
	"context"
	"fmt"
	"time"

	"github.com/kwatt-sim/kwatt/internal/calibrate"
)

// Load is a load on the board.
type Load struct{ *World }

// Open makes the context, which takes a while.
func (l Load) Open(ctx context.Context) error {
	err := l.Sleep(ctx, 500*time.Millisecond)
	l.opened = true
	return err
}

// Start begins at once.
func (l Load) Start(ctx context.Context, w calibrate.Work) error {
	if l.Unsupported[w.Kernel] {
		return fmt.Errorf("kernel %s: %w", w.Kernel, calibrate.ErrNotSupported)
	}
	if !l.opened {
		panic("gputest: a load was started without a context")
	}
	l.work, l.started, l.owed = &w, l.now, 0
	return ctx.Err()
}

// Alive is nil unless the test wants the load to fail.
func (l Load) Alive() error {
	if l.work == nil {
		return nil
	}
	return l.LoadFails
}

// Stop ends the work.
func (l Load) Stop() (calibrate.Done, error) {
	w := l.work
	if w == nil {
		return calibrate.Done{}, nil
	}
	l.work = nil
	done := calibrate.Done{Duty: calibrate.Of(w.Duty), KernelTime: 2 * time.Millisecond, Blocks: 33 * w.Batch,
		Launches: int(l.now.Sub(l.started).Seconds() * w.Duty * 500)}
	done.Fill = calibrate.Of(float64(w.Batch) / float64(l.Saturating))
	return done, nil
}

// Close gives the context back.
func (l Load) Close() error {
	l.opened, l.work = false, nil
	return nil
}

// Device is the board as a calibrate.Device, without a driver between.
type Device struct{ *World }

func (d Device) lost(doing string) error {
	if d.Lost {
		return fmt.Errorf("%s: %w", doing, calibrate.ErrLost)
	}
	return nil
}

// Identity describes the board.
func (d Device) Identity() (calibrate.Identity, error) {
	yes, no := true, false
	return calibrate.Identity{
		Name: "NVIDIA Test Board", UUID: "GPU-00000000-0000-0000-0000-000000000001", VBIOS: "96.00.01", Capability: "9.0", MemoryBytes: 80 << 30,
		Cap: calibrate.Of(d.Cap), DefaultCap: calibrate.Of(700), MinCap: calibrate.Of(200), MaxCap: calibrate.Of(700),
		MaxSMClock: calibrate.Of(d.MaxClock), ECC: &yes, Persistence: &yes, MIG: &no,
	}, d.lost("identify")
}

// Power is what the power sensors show.
func (d Device) Power() (calibrate.Power, error) {
	s := d.Sense()
	p := calibrate.Power{Usage: calibrate.Of(milli(s.Usage)), Average: calibrate.Of(milli(s.Average))}
	if !d.NoInstant {
		p.Instant = calibrate.Of(milli(s.Instant))
	}
	if !d.NoEnergy {
		p.Energy = calibrate.Of(milli(s.Joules))
	}
	return p, d.lost("power")
}

// milli cuts v to thousandths, as sensors count.
func milli(v float64) float64 { return float64(int64(1000*v)) / 1000 }

// State is what the other sensors show.
func (d Device) State() (calibrate.State, error) {
	s := d.Sense()
	return calibrate.State{Celsius: calibrate.Of(s.Celsius), SMClock: calibrate.Of(s.Clock), MemoryClock: calibrate.Of(2619),
		Utilisation: calibrate.Of(s.Utilisation), Throttle: s.Throttle}, d.lost("state")
}

// Processes is who has a context.
func (d Device) Processes() ([]calibrate.Process, error) {
	return d.World.Processes(), d.lost("processes")
}

// LockClock holds the SM clock.
func (d Device) LockClock(mhz float64) error { return d.Lock(mhz) }

// UnlockClock lets the clock go.
func (d Device) UnlockClock() error { return d.Lock(0) }

// SetCap sets the power limit.
func (d Device) SetCap(watts float64) error { return d.World.SetCap(watts) }
