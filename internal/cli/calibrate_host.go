package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/kwatt-sim/kwatt/internal/calibrate"
	"github.com/kwatt-sim/kwatt/internal/nvml"
)

// wallClock is real time.
type wallClock struct{}

func (wallClock) Now() time.Time { return time.Now() }

func (wallClock) Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 || ctx.Err() != nil {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// held returns a context that also ends when the terminal hangs up, and keeps
// further signals from killing the process: what was set is to be put back
// first.
func held(ctx context.Context) (context.Context, context.CancelFunc) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-signals:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel()
	}
}

// openHost opens the driver; that there is none is no bug.
func openHost(b bench) (calibrate.Host, []calibrate.Device, error) {
	h, err := b.open()
	if err != nil {
		if errors.Is(err, nvml.ErrNoDriver) {
			err = filesError(err)
		}
		return nil, nil, err
	}
	devices, err := h.Devices()
	if err != nil {
		return nil, nil, errors.Join(filesError(err), h.Close())
	}
	return h, devices, nil
}

func listGPUs(env Env, b bench) error {
	h, devices, err := openHost(b)
	if err != nil {
		return err
	}
	defer func() { _ = h.Close() }() // it was only read
	var rows []string
	for _, d := range devices {
		id, err := d.Identity()
		if err != nil {
			return filesError(err)
		}
		p, err := d.Power()
		if err != nil {
			return filesError(err)
		}
		rows = append(rows, fmt.Sprintf("%d\t%s\t%s\t%s\t%s\t%s", id.Index, id.Name, id.UUID, id.BusID, orDash(id.Cap), orDash(p.Usage)))
	}
	return table(env.Stdout, "GPU\tNAME\tUUID\tADDRESS\tCAP W\tDRAWS W", rows)
}

func orDash(q calibrate.Quantity) string {
	if !q.OK {
		return "-"
	}
	return fmt.Sprintf("%.0f", q.V)
}

// chooseGPU finds the GPU that was asked for, or the only one.
func chooseGPU(devices []calibrate.Device, want string) (calibrate.Device, calibrate.Identity, error) {
	var names []string
	for _, d := range devices {
		id, err := d.Identity()
		if err != nil {
			return nil, id, filesError(err)
		}
		if want == fmt.Sprint(id.Index) || want == id.UUID || want != "" && strings.EqualFold(want, id.BusID) || want == "" && len(devices) == 1 {
			return d, id, nil
		}
		names = append(names, fmt.Sprintf("%d (%s, %s)", id.Index, id.Name, id.UUID))
	}
	switch {
	case len(devices) == 0:
		return nil, calibrate.Identity{}, filesError(errors.New("the driver sees no GPU"))
	case want == "":
		return nil, calibrate.Identity{}, usageError("there are %d GPUs, choose one with --device: %s", len(devices), strings.Join(names, ", "))
	}
	return nil, calibrate.Identity{}, usageError("--device %s: there are %s", want, strings.Join(names, ", "))
}
