package component_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/kwatt-sim/kwatt/internal/kube/controlplane"
	"github.com/kwatt-sim/kwatt/internal/kube/controlplane/component"
)

// offlineHelper is the environment variable that makes the test binary a
// program which starts a cluster in the folder it names, in a network namespace
// whose loopback interface is down still.
const offlineHelper = "KWATT_TEST_OFFLINE"

// The test binary is its own control plane: it is started anew per component.
func TestMain(m *testing.M) {
	component.Dispatch()
	if dir := os.Getenv(offlineHelper); dir != "" {
		if err := upOffline(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func upOffline(dir string) error {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, lo); err != nil {
		return fmt.Errorf("bring up loopback: %w", err)
	}
	ctx := context.Background()
	c, err := controlplane.Up(ctx, controlplane.Config{Dir: dir})
	if err != nil {
		return err
	}
	st, err := c.Status(ctx)
	if err != nil {
		return err
	}
	fmt.Println("healthy:", st.Healthy())
	return c.Down(ctx)
}
