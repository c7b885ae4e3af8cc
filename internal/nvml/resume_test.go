//go:build linux && cgo

package nvml

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/dgxh100"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kwatt-sim/kwatt/internal/calibrate"
	"github.com/kwatt-sim/kwatt/internal/calibrate/gputest"
)

// However a session ends, what it set is put back and the load is gone.
func TestSettingsAreRestored(t *testing.T) {
	whole := newBench(t, dgxh100.New, 3, gputest.New(12), t.TempDir(), false)
	var inSweep time.Duration
	start := whole.world.Now()
	whole.Progress = func(e calibrate.Event) {
		if e.Cell.Kind == calibrate.CapSweep && e.Phase == calibrate.Measure && inSweep == 0 {
			inSweep = whole.world.Now().Sub(start)
		}
	}
	if _, err := whole.Run(t.Context()); err != nil || inSweep == 0 {
		t.Fatal(err, inSweep)
	}
	want := []string{"lock 990 MHz", "lock 0 MHz", "cap 300 W", "cap 700 W", "lock 990 MHz", "lock 0 MHz", "cap 300 W", "cap 700 W"}
	if d := cmp.Diff(want, whole.world.Log); d != "" {
		t.Errorf("settings (-want +got)\n%s", d)
	}

	t.Run("interrupt", func(t *testing.T) {
		w := gputest.New(12)
		ctx, cancel := context.WithCancel(t.Context())
		w.After(inSweep, cancel)
		b := newBench(t, dgxh100.New, 3, w, t.TempDir(), false)
		if _, err := b.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if late := w.Now().Sub(start) - inSweep; late > time.Second {
			t.Errorf("it went on for %v", late)
		}
		b.restored(t)
	})
	t.Run("error", func(t *testing.T) {
		w := gputest.New(12)
		w.After(inSweep, func() { w.LoadFails = errors.New("CUDA error 700") })
		b := newBench(t, dgxh100.New, 3, w, t.TempDir(), false)
		if _, err := b.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "cell cap/memory/300W: the load ended by itself: CUDA error 700") {
			t.Fatal(err)
		}
		b.restored(t)
	})
	t.Run("panic", func(t *testing.T) {
		w := gputest.New(12)
		w.After(inSweep, func() { panic("a bug") })
		b := newBench(t, dgxh100.New, 3, w, t.TempDir(), false)
		func() {
			defer func() {
				if r := recover(); r != "a bug" {
					t.Errorf("recovered %v", r)
				}
			}()
			_, _ = b.Run(t.Context())
		}()
		b.restored(t)
	})
}

// An interrupted measurement goes on where it was, whenever that is, and says
// the same of the cells that it had.
func TestInterruptAndResume(t *testing.T) {
	for _, after := range []time.Duration{time.Second, 30 * time.Second, 90 * time.Second, 200 * time.Second} {
		w, dir := gputest.New(13), t.TempDir()
		ctx, cancel := context.WithCancel(t.Context())
		w.After(after, cancel)
		b := newBench(t, dgxh100.New, 3, w, dir, false)
		if _, err := b.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Fatalf("%v: %v", after, err)
		}
		before := b.Raw.Complete()
		if err := b.Raw.Close(); err != nil {
			t.Fatal(err)
		}
		torn, err := os.OpenFile(b.Raw.Path(), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := torn.WriteString("2026-01-02T03:0"); err != nil { // as a killed process leaves it
			t.Fatal(err)
		}
		if err := torn.Close(); err != nil {
			t.Fatal(err)
		}
		r := newBench(t, dgxh100.New, 3, w, dir, true)
		if _, err := r.Run(t.Context()); err != nil {
			t.Fatalf("%v: %v", after, err)
		}
		cells := r.Raw.Complete()
		if len(cells) != len(r.Plan.Cells) {
			t.Fatalf("%v: %d of %d cells", after, len(cells), len(r.Plan.Cells))
		}
		_, rows, err := calibrate.ReadRaw(r.Raw.Path())
		if err != nil {
			t.Fatal(err)
		}
		// Thousands of rows: a difference would take long to print.
		if !cmp.Equal(before, cells[:len(before)], cmpopts.EquateEmpty()) {
			t.Errorf("%v: what was there has changed", after)
		}
		if !cmp.Equal(cells, calibrate.Collect(rows)) {
			t.Errorf("%v: the file holds other cells than the session", after)
		}
		if run := rows[len(rows)-1].Run; run != 2 {
			t.Errorf("%v: the last row is of run %d", after, run)
		}
		r.restored(t)
	}
}

// Samples of another GPU, driver or plan are not mixed in.
func TestResumeOfSomethingElse(t *testing.T) {
	w, dir := gputest.New(14), t.TempDir()
	b := newBench(t, dgxh100.New, 3, w, dir, false)
	if _, err := b.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	id, err := b.Device.Identity()
	if err != nil {
		t.Fatal(err)
	}
	var conflict *calibrate.ConflictError
	if _, err := calibrate.OpenRaw(b.Raw.Path(), calibrate.Header{}, false); !errors.As(err, &conflict) || !strings.Contains(err.Error(), "add --resume to go on") {
		t.Errorf("without --resume: %v", err)
	}
	for want, change := range map[string]func(*calibrate.Identity, *calibrate.Versions, *string){
		`uuid "GPU-test", now it is "GPU-other"`:  func(id *calibrate.Identity, _ *calibrate.Versions, _ *string) { id.UUID = "GPU-other" },
		`driver "550.54.15", now it is "570.1"`:   func(_ *calibrate.Identity, v *calibrate.Versions, _ *string) { v.Driver = "570.1" },
		`cap watts "700", now it is "500"`:        func(id *calibrate.Identity, _ *calibrate.Versions, _ *string) { id.Cap = calibrate.Of(500) },
		`plan "` + b.Plan.Digest() + `", now it`:  func(_ *calibrate.Identity, _ *calibrate.Versions, p *string) { *p = "other" },
		`vbios "96.00.01", now it is "96.00.02"`:  func(id *calibrate.Identity, _ *calibrate.Versions, _ *string) { id.VBIOS = "96.00.02" },
		`device "` + id.Name + `", now it is "x"`: func(id *calibrate.Identity, _ *calibrate.Versions, _ *string) { id.Name = "x" },
	} {
		id, v, digest := id, b.host.Versions(), b.Plan.Digest()
		change(&id, &v, &digest)
		if _, err := calibrate.OpenRaw(b.Raw.Path(), calibrate.NewHeader(id, v, digest), true); !errors.As(err, &conflict) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
