package calibrate

import (
	"errors"
	"fmt"
)

// settings are what a session changes on the device, and what it puts back.
type settings struct {
	device Device
	cap    Quantity // found at the start, W
	locked float64  // MHz, 0 when the session holds no lock
	capped float64  // W, 0 when the cap is the one found
}

// apply sets clock and cap as the cell wants them, what the last cell wanted
// undone first.
func (s *settings) apply(c Cell) error {
	if c.ClockMHz != s.locked {
		if err := s.unlock(); err != nil {
			return err
		}
	}
	if c.CapWatts != s.capped {
		if err := s.uncap(); err != nil {
			return err
		}
	}
	if c.ClockMHz != s.locked {
		s.locked = c.ClockMHz // from now on it is to be undone, should it fail half-way
		if err := s.device.LockClock(c.ClockMHz); err != nil {
			return errors.Join(fmt.Errorf("lock the SM clock at %g MHz: %w", c.ClockMHz, err), s.refused(err, s.unlock, &s.locked))
		}
	}
	if c.CapWatts != s.capped {
		if !s.cap.OK {
			return fmt.Errorf("set the power cap: the present one cannot be read, so it could not be put back: %w", ErrNotSupported)
		}
		s.capped = c.CapWatts
		if err := s.device.SetCap(c.CapWatts); err != nil {
			return errors.Join(fmt.Errorf("set the power cap to %g W: %w", c.CapWatts, err), s.refused(err, s.uncap, &s.capped))
		}
	}
	return nil
}

// refused deals with a setting that failed: a plain no leaves nothing to undo,
// after anything else the device is asked to undo it.
func (s *settings) refused(err error, undo func() error, held *float64) error {
	if errors.Is(err, ErrNoPermission) || errors.Is(err, ErrNotSupported) {
		*held = 0
		return nil
	}
	return undo()
}

func (s *settings) unlock() error {
	if s.locked == 0 {
		return nil
	}
	if err := s.device.UnlockClock(); err != nil {
		return fmt.Errorf("unlock the SM clock (by hand: nvidia-smi --reset-gpu-clocks): %w", err)
	}
	s.locked = 0
	return nil
}

func (s *settings) uncap() error {
	if s.capped == 0 {
		return nil
	}
	if err := s.device.SetCap(s.cap.V); err != nil {
		return fmt.Errorf("restore the power cap (by hand: nvidia-smi --power-limit=%g): %w", s.cap.V, err)
	}
	s.capped = 0
	return nil
}

// restore puts everything back.
func (s *settings) restore() error { return errors.Join(s.unlock(), s.uncap()) }
