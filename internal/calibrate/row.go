package calibrate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Phase is what a sample is good for.
type Phase string

// The phases of a cell.
const (
	Settle  Phase = "settle"  // not yet steady
	Measure Phase = "measure" // the figure is made of these
	End     Phase = "end"     // the cell is complete; the row says how its load did
)

// Row is one sample, a line of the raw file.
type Row struct {
	At     time.Time
	Run    int // which start of the program took it, from 1
	Cell   Cell
	Phase  Phase
	Power  Power
	State  State
	Others int      // processes of others on the GPU
	Rate   Quantity // req/s of an observed server
	Done   Done     // of an end row
	Steady bool     // of an end row: the cell was steady when it was measured
}

// column is one field of the raw file: how it is written and how it is read.
type column struct {
	name string
	get  func(*Row) string
	set  func(*Row, string) error
}

// columns are those of the raw file, in order. An empty field is a quantity
// that the device does not tell, or one without meaning in that row.
var columns = []column{
	{"time", func(r *Row) string { return r.At.UTC().Format(time.RFC3339Nano) },
		func(r *Row, s string) (err error) { r.At, err = time.Parse(time.RFC3339Nano, s); return err }},
	whole("run", func(r *Row) *int { return &r.Run }),
	{"cell", func(r *Row) string { return r.Cell.ID() }, func(r *Row, s string) error {
		kind, rest, _ := strings.Cut(s, "/")
		r.Cell.Kind, r.Cell.Again = Kind(kind), rest == "again"
		if !slices.Contains(kinds, r.Cell.Kind) {
			return fmt.Errorf("want bare, context, step, busy, clock, cap or observe")
		}
		return nil
	}},
	{"phase", func(r *Row) string { return string(r.Phase) }, func(r *Row, s string) error {
		if r.Phase = Phase(s); r.Phase != Settle && r.Phase != Measure && r.Phase != End {
			return fmt.Errorf("want settle, measure or end")
		}
		return nil
	}},
	{"kernel", func(r *Row) string { return string(r.Cell.Work.Kernel) },
		func(r *Row, s string) error { r.Cell.Work.Kernel = Kernel(s); return nil }},
	plain("duty", func(r *Row) *float64 { return &r.Cell.Work.Duty }),
	whole("batch", func(r *Row) *int { return &r.Cell.Work.Batch }),
	plain("locked_clock_mhz", func(r *Row) *float64 { return &r.Cell.ClockMHz }),
	plain("set_cap_w", func(r *Row) *float64 { return &r.Cell.CapWatts }),
	quantity("usage_w", func(r *Row) *Quantity { return &r.Power.Usage }),
	quantity("instant_w", func(r *Row) *Quantity { return &r.Power.Instant }),
	quantity("average_w", func(r *Row) *Quantity { return &r.Power.Average }),
	quantity("energy_j", func(r *Row) *Quantity { return &r.Power.Energy }),
	quantity("celsius", func(r *Row) *Quantity { return &r.State.Celsius }),
	quantity("sm_clock_mhz", func(r *Row) *Quantity { return &r.State.SMClock }),
	quantity("memory_clock_mhz", func(r *Row) *Quantity { return &r.State.MemoryClock }),
	quantity("utilisation", func(r *Row) *Quantity { return &r.State.Utilisation }),
	quantity("pstate", func(r *Row) *Quantity { return &r.State.PState }),
	{"throttle", func(r *Row) string { return strings.Join(r.State.Throttle.Names(), "|") }, setThrottle},
	whole("others", func(r *Row) *int { return &r.Others }),
	quantity("rate", func(r *Row) *Quantity { return &r.Rate }),
	quantity("done_duty", func(r *Row) *Quantity { return &r.Done.Duty }),
	whole("done_launches", func(r *Row) *int { return &r.Done.Launches }),
	whole("done_blocks", func(r *Row) *int { return &r.Done.Blocks }),
	quantity("done_fill", func(r *Row) *Quantity { return &r.Done.Fill }),
	{"done_kernel_ns", func(r *Row) string { return blankZero(int64(r.Done.KernelTime)) }, func(r *Row, s string) error {
		n, err := strconv.ParseInt(s, 10, 64)
		r.Done.KernelTime = time.Duration(n)
		return err
	}},
	{"steady", func(r *Row) string {
		if r.Phase != End {
			return ""
		}
		return strconv.FormatBool(r.Steady)
	}, func(r *Row, s string) (err error) { r.Steady, err = strconv.ParseBool(s); return err }},
}

func blankZero(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// whole is a column of a count; 0 is left blank.
func whole(name string, at func(*Row) *int) column {
	return column{name, func(r *Row) string { return blankZero(int64(*at(r))) },
		func(r *Row, s string) (err error) { *at(r), err = strconv.Atoi(s); return err }}
}

// plain is a column of a number of the cell; 0 is left blank.
func plain(name string, at func(*Row) *float64) column {
	return column{name, func(r *Row) string {
		if *at(r) == 0 {
			return ""
		}
		return number(*at(r))
	}, func(r *Row, s string) (err error) { *at(r), err = finite(s); return err }}
}

// quantity is a column of what a device may not tell; 0 is a value.
func quantity(name string, at func(*Row) *Quantity) column {
	return column{name, func(r *Row) string {
		if !at(r).OK {
			return ""
		}
		return number(at(r).V)
	}, func(r *Row, s string) error {
		v, err := finite(s)
		*at(r) = Of(v)
		return err
	}}
}

func finite(s string) (float64, error) {
	v, err := strconv.ParseFloat(s, 64)
	if err == nil && v-v != 0 {
		err = fmt.Errorf("want a finite number")
	}
	return v, err
}

func setThrottle(r *Row, s string) error {
	for name := range strings.SplitSeq(s, "|") {
		i := 0
		for i < len(reasons) && reasons[i] != name {
			i++
		}
		if i == len(reasons) {
			return fmt.Errorf("unknown reason %q", name)
		}
		r.State.Throttle |= 1 << i
	}
	return nil
}
