// Package calibrate measures what a GPU draws. A plan is a list of cells, each
// a state to put the GPU into: bare, with an idle context, busy in some way. A
// session goes through them: it sets the state, waits until power, temperature
// and clock are steady, samples, and writes every sample to a raw file, from
// which alone the profile is then built. An interrupted session goes on after
// the cells that are complete in the raw file.
//
// The package knows no driver and no wall clock: it sees a Device, a Load and a
// Clock.
package calibrate
