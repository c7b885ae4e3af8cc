package controlplane

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
)

// reexecArg is the first argument of a program that is to be a component.
const reexecArg = "component"

// launcherRole is the component that is no component: a launcher of its own
// process, see UpDetached.
const launcherRole Component = "launcher"

// lifelineFD is the descriptor of the pipe that ends with the launcher.
const lifelineFD = 3

// Main is the main function of a component. It gets the component's arguments
// after the program's name and returns the exit code, if it returns.
type Main func(args []string) int

// dispatched is set once Dispatch has found that the process is no component.
var dispatched atomic.Bool

// Dispatch makes the process the component that its arguments ask for, and then
// does not return. Otherwise it returns at once. It must be the first call of
// main, or of TestMain: a program without it would start itself over and over,
// so Up refuses to run there.
func Dispatch(mains map[Component]Main) {
	role, dir, ok := parseReexec(os.Args)
	if !ok {
		dispatched.Store(true)
		return
	}
	syscall.Umask(0o077)
	if role == launcherRole {
		dispatched.Store(true)
		os.Exit(runLauncher(dir)) //nolint:forbidigo // this is the main function of another process
	}
	run, known := mains[role]
	if !known {
		fmt.Fprintf(os.Stderr, "this program does not hold the component %s\n", role)
		os.Exit(2) //nolint:forbidigo // as above
	}
	go holdLifeline()
	os.Exit(run(os.Args[reexecArgs:])) //nolint:forbidigo // as above
}

// reexecArgs is how many arguments say which component to be.
const reexecArgs = 4

// reexecFor are the arguments that make the program a component of a cluster.
func reexecFor(role Component, l layout, args []string) []string {
	return append([]string{reexecArg, string(role), "--dir=" + string(l)}, args...)
}

// parseReexec reads what reexecFor wrote, behind the program's name.
func parseReexec(argv []string) (role Component, dir string, ok bool) {
	if len(argv) < reexecArgs || argv[1] != reexecArg {
		return "", "", false
	}
	dir, ok = strings.CutPrefix(argv[3], "--dir=")
	return Component(argv[2]), dir, ok
}

// role is which component the process is; empty if it is none.
func (p process) role() Component {
	role, _, _ := parseReexec(p.Args)
	return role
}

// holdLifeline ends the process at once when its launcher has ended, however
// that was. Nothing of a cluster without a launcher is worth saving.
func holdLifeline() {
	syscall.CloseOnExec(lifelineFD)
	pipe := os.NewFile(lifelineFD, "lifeline")
	if _, err := io.Copy(io.Discard, pipe); err != nil {
		fmt.Fprintln(os.Stderr, "no launcher: components are started by `replay up`:", err)
	} else {
		fmt.Fprintln(os.Stderr, "the launcher is gone: ending")
	}
	os.Exit(1) //nolint:forbidigo // as above
}
