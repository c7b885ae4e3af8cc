// Package vtime is the virtual clock: instants counted in int64 nanoseconds
// since the scenario's start, and the queue that orders what happens next.
package vtime

import "time"

// Time is an instant in nanoseconds since the scenario's start.
type Time int64

// Forever is later than every instant a scenario can reach.
const Forever = Time(1<<63 - 1)

// At returns the instant that lies d after the scenario's start.
func At(d time.Duration) Time { return Time(d) }

// Add returns the instant d after t.
func (t Time) Add(d time.Duration) Time { return t + Time(d) }

// Sub returns the time that passed from u to t.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t - u) }

// Seconds returns t in seconds since the scenario's start.
func (t Time) Seconds() float64 { return float64(t) / 1e9 }

// String prints the offset from the start, for example "20h15m0s".
func (t Time) String() string { return time.Duration(t).String() }
