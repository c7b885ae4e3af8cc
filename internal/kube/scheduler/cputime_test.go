//go:build unix

package scheduler

import (
	"syscall"
	"time"
)

// cpuTime is what the process has had of the processors: on a machine that
// does other work too, less noisy than the clock on the wall.
func cpuTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
