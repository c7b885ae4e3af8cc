//go:build !linux

package controlplane

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// errPlatform: processes are identified by what Linux tells of them in /proc.
var errPlatform = errors.New("a local control plane needs Linux; elsewhere, use a cluster of your own by its kubeconfig")

func identify(int) (process, error)               { return process{}, errPlatform }
func (process) running() bool                     { return false }
func (process) signal(syscall.Signal) error       { return errPlatform }
func (process) age() time.Duration                { return 0 }
func (process) rss() int64                        { return 0 }
func (process) cpu() time.Duration                { return 0 }
func processesOf(layout) ([]process, error)       { return nil, errPlatform }
func killAll([]process) error                     { return errPlatform }
func lockDir(layout) (*os.File, bool, error)      { return nil, false, errPlatform }
func redirectOutput(*os.File) error               { return errPlatform }
func awaitEnd([]process, time.Duration) []process { return nil }
