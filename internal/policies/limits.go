package policies

import "fmt"

// LimitKind is a means to hold boards down.
type LimitKind int

// The kinds of limits.
const (
	NoLimit  LimitKind = iota // the boards are as the pool has them
	PowerCap                  // in W
	SMClock                   // a locked clock of the multiprocessors, in MHz
)

// Limit holds the boards of a pool down, by one means at a time. The zero Limit
// leaves them as the pool has them.
type Limit struct {
	Kind  LimitKind
	Value float64 // in the kind's unit
}

// String writes a limit with its unit, for example "210 W".
func (l Limit) String() string {
	switch l.Kind {
	case PowerCap:
		return fmt.Sprintf("%g W", l.Value)
	case SMClock:
		return fmt.Sprintf("%g MHz", l.Value)
	}
	return "none"
}

// Limited is a service on boards that a limit holds down.
type Limited struct {
	Limit
	BatchSeconds []float64 // as Pool.BatchSeconds
	BusyWatts    []float64 // as Pool.BusyWatts
}
