// Package loadgen is the builtin load of a measurement: a process of its own
// that holds the GPU's context and runs kernels at a duty cycle, told what to do
// over a pipe. Apart, it leaves the measuring process free of any context, and a
// fault of the driver cannot keep that one from putting settings back. The
// process ends when its standard input does, so none outlives its master.
package loadgen
