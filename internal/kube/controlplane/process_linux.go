package controlplane

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// ticksPerSecond is USER_HZ, the unit of times in /proc: 100 on every Linux
// that Go runs on.
const ticksPerSecond = 100

// identify describes a running process; fs.ErrNotExist when it runs no longer.
func identify(pid int) (process, error) {
	stat, err := os.ReadFile(procPath(pid, "stat"))
	if err != nil {
		return process{}, fmt.Errorf("identify process %d: %w", pid, err)
	}
	fields := statFields(stat)
	if len(fields) < 20 {
		return process{}, fmt.Errorf("identify process %d: unexpected %s", pid, procPath(pid, "stat"))
	}
	if fields[0] == "Z" || fields[0] == "X" {
		return process{}, fmt.Errorf("identify process %d: it has ended: %w", pid, os.ErrNotExist)
	}
	start, err := strconv.ParseUint(fields[19], 10, 64)
	if err != nil {
		return process{}, fmt.Errorf("identify process %d: start time: %w", pid, err)
	}
	cmdline, err := os.ReadFile(procPath(pid, "cmdline"))
	if err != nil {
		return process{}, fmt.Errorf("identify process %d: %w", pid, err)
	}
	boot, err := bootID()
	if err != nil {
		return process{}, err
	}
	args := strings.Split(strings.TrimSuffix(string(cmdline), "\x00"), "\x00")
	return process{PID: pid, Start: start, Boot: boot, Args: args}, nil
}

// statFields are the fields of /proc/PID/stat from the third on. The second, the
// name in parentheses, may hold anything.
func statFields(stat []byte) []string {
	return strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
}

// bootID tells this run of the machine from others: start times count from it.
var bootID = sync.OnceValues(func() (string, error) {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("identify processes: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
})

// running reports whether the very process still runs.
func (p process) running() bool {
	if p.PID <= 0 {
		return false
	}
	now, err := identify(p.PID)
	return err == nil && now.Start == p.Start && now.Boot == p.Boot && slices.Equal(now.Args, p.Args)
}

// signal sends a signal to the very process, or returns os.ErrProcessDone. The
// descriptor is taken before the check, so that a number which passes to a
// stranger in between is never hit.
func (p process) signal(sig syscall.Signal) error {
	if p.PID <= 0 {
		return os.ErrProcessDone
	}
	handle, err := os.FindProcess(p.PID) // a pidfd
	if err != nil {
		return err
	}
	defer func() { _ = handle.Release() }()
	if !p.running() {
		return os.ErrProcessDone
	}
	return handle.Signal(sig)
}

// age is how long ago the process started.
func (p process) age() time.Duration {
	up, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(up), " ")
	seconds, err := strconv.ParseFloat(first, 64)
	if err != nil {
		return 0
	}
	return time.Duration(seconds*float64(time.Second)) - time.Duration(p.Start)*time.Second/ticksPerSecond
}

// rss is the resident memory of the process, in bytes.
func (p process) rss() int64 {
	status, err := os.ReadFile(procPath(p.PID, "status"))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return kib << 10
		}
	}
	return 0
}

// cpu is the processor time that the process has used.
func (p process) cpu() time.Duration {
	stat, err := os.ReadFile(procPath(p.PID, "stat"))
	if err != nil {
		return 0
	}
	fields := statFields(stat)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * time.Second / ticksPerSecond
}

// processesOf finds this user's processes that the launcher of a folder started,
// whether or not they got into its state, by their arguments.
func processesOf(l layout) ([]process, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("look for processes: %w", err)
	}
	var found []process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		info, err := os.Stat(filepath.Join("/proc", e.Name()))
		if err != nil {
			continue // it has ended
		}
		if sys, ok := info.Sys().(*syscall.Stat_t); !ok || int(sys.Uid) != os.Geteuid() {
			continue
		}
		p, err := identify(pid)
		if err != nil {
			continue // it has ended
		}
		if _, dir, ok := parseReexec(p.Args); ok && dir == string(l) {
			found = append(found, p)
		}
	}
	return found, nil
}

// killAll kills processes and waits until they are gone.
func killAll(ps []process) error {
	var errs []error
	for _, p := range ps {
		if err := p.signal(syscall.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) {
			errs = append(errs, fmt.Errorf("kill process %d (%s): %w", p.PID, strings.Join(p.Args, " "), err))
		}
	}
	for _, p := range awaitEnd(ps, killPatience) {
		errs = append(errs, fmt.Errorf("process %d (%s) survived SIGKILL for %v", p.PID, strings.Join(p.Args, " "), killPatience))
	}
	return errors.Join(errs...)
}

// killPatience is how long a killed process may take to be gone: as long as the
// kernel needs to give back its memory.
const killPatience = 10 * time.Second

// awaitEnd waits until all have ended and returns those that have not in time.
func awaitEnd(ps []process, patience time.Duration) []process {
	deadline := time.Now().Add(patience)
	for {
		ps = slices.DeleteFunc(slices.Clone(ps), func(p process) bool { return !p.running() })
		if len(ps) == 0 || time.Now().After(deadline) {
			return ps
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func procPath(pid int, file string) string { return filepath.Join("/proc", strconv.Itoa(pid), file) }

// lockDir takes the folder's lock, which lasts as long as the file is open; ok
// is false when another process has it.
func lockDir(l layout) (lock *os.File, ok bool, err error) {
	for {
		f, err := os.OpenFile(l.path(lockFile), os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, false, fmt.Errorf("lock the cluster's folder: %w", err)
		}
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			_ = f.Close()
			if errors.Is(err, syscall.EWOULDBLOCK) {
				return nil, false, nil
			}
			return nil, false, fmt.Errorf("lock the cluster's folder: %w", err)
		}
		// Who held it may have removed it in between: then it locks nothing.
		mine, err := f.Stat()
		if err != nil {
			_ = f.Close()
			return nil, false, fmt.Errorf("lock the cluster's folder: %w", err)
		}
		if there, err := os.Stat(l.path(lockFile)); err == nil && os.SameFile(mine, there) {
			return f, true, nil
		}
		_ = f.Close()
	}
}

// redirectOutput makes stdout and stderr write to the file.
func redirectOutput(f *os.File) error {
	return errors.Join(syscall.Dup3(int(f.Fd()), 1, 0), syscall.Dup3(int(f.Fd()), 2, 0))
}
