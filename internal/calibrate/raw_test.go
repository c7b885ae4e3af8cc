package calibrate

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/kwatt-sim/kwatt/internal/schema"
)

func drawQuantity(t *rapid.T, name string) Quantity {
	if !rapid.Bool().Draw(t, name+" known") {
		return Quantity{}
	}
	return Of(float64(rapid.Uint32().Draw(t, name)) / 1000)
}

func drawRow(t *rapid.T) Row {
	q := func(name string) Quantity { return drawQuantity(t, name) }
	r := Row{
		At:    time.Unix(0, rapid.Int64Range(0, 1<<61).Draw(t, "at")).UTC(),
		Phase: rapid.SampledFrom([]Phase{Settle, Measure, End}).Draw(t, "phase"),
		Power: Power{Usage: q("usage"), Instant: q("instant"), Average: q("average"), Energy: q("energy")},
		State: State{Celsius: q("celsius"), SMClock: q("clock"), MemoryClock: q("memory clock"), Utilisation: q("utilisation"), PState: q("pstate"),
			Throttle: Throttle(rapid.Uint16Max(1<<len(reasons)-1).Draw(t, "throttle"))},
		Others: rapid.IntRange(0, 5).Draw(t, "others"), Rate: q("rate"),
	}
	k := rapid.SampledFrom([]Kernel{Memory, Tensor, Command}).Draw(t, "kernel")
	r.Cell = rapid.SampledFrom([]Cell{{Kind: Bare}, {Kind: Bare, Again: true}, {Kind: Context}, {Kind: Step, Work: Work{k, 1, 32}}, {Kind: Busy, Work: Work{k, 0.25, 4}},
		{Kind: ClockSweep, Work: Work{k, 1, 32}, ClockMHz: 1410}, {Kind: CapSweep, Work: Work{k, 1, 32}, CapWatts: 312.5}, {Kind: Observe}}).Draw(t, "cell")
	if r.Phase == End {
		r.Steady = rapid.Bool().Draw(t, "steady")
		r.Done = Done{Duty: q("duty"), KernelTime: time.Duration(rapid.IntRange(0, 1e9).Draw(t, "kernel time")), Launches: rapid.IntRange(0, 1e6).Draw(t, "launches"),
			Blocks: rapid.IntRange(0, 1e6).Draw(t, "blocks"), Fill: q("fill")}
	}
	return r
}

// What is written is read back as it was, and what belongs to complete cells
// survives an end in mid-line.
func TestRawReadsBack(t *testing.T) {
	dir := t.TempDir()
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		path := filepath.Join(dir, time.Duration(n).String()+".csv")
		header := Header{Device: "NVIDIA Test", UUID: "GPU-1", VBIOS: "1.2", Driver: "550", Cap: "700", Plan: "abc"}
		raw, err := OpenRaw(path, header, false)
		if err != nil {
			t.Fatal(err)
		}
		rows := rapid.SliceOfN(rapid.Custom(drawRow), 1, 20).Draw(t, "rows")
		for i := range rows {
			if err := raw.Append(rows[i]); err != nil {
				t.Fatal(err)
			}
			rows[i].Run = 1
		}
		if err := raw.Close(); err != nil {
			t.Fatal(err)
		}
		gotHeader, got, err := ReadRaw(path)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(header, gotHeader); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff(rows, got); d != "" {
			t.Error(d)
		}
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		cut := rapid.IntRange(len(header.text()), len(whole)).Draw(t, "cut")
		if err := os.WriteFile(path, whole[:cut], 0o666); err != nil {
			t.Fatal(err)
		}
		again, err := OpenRaw(path, header, true)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Count(string(whole[len(header.text()):cut]), "\n")
		if d := cmp.Diff(Collect(rows[:lines]), again.Complete()); d != "" {
			t.Errorf("after %d lines\n%s", lines, d)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestBrokenRaw(t *testing.T) {
	good := Header{}.text() + "2026-01-02T03:04:05Z,1,bare,settle,,,,,,72.1,,,,31,345,2619,0,,GpuIdle,,,,,,,,\n"
	for _, c := range []struct{ old, broken, want string }{
		{"# kwatt calibration", "# something", "f.csv:1:1: is not a file of raw samples"},
		{"# uuid:", "# uid:", "f.csv:3:1: want # uuid: …"},
		{"time,run", "run,time", `f.csv:8:1: want column time, found "run"`},
		{",settle,", ",rest,", `f.csv:9:29: column phase: "rest": want settle, measure or end`},
		{",bare,", ",bear,", `f.csv:9:24: column cell: "bear": want bare, context, step, busy, clock, cap or observe`},
		{"72.1", "NaN", `column usage_w: "NaN": want a finite number`},
		{"GpuIdle", "GpuIdel", `column throttle: "GpuIdel": unknown reason "GpuIdel"`},
		{",1,bare", ",one,bare", `column run: "one"`},
		{",,,,,,,,\n", ",,,,\n", "f.csv:9:1: wrong number of fields"},
	} {
		text := strings.Replace(good, c.old, c.broken, 1)
		if text == good {
			t.Fatalf("%q is not there", c.old)
		}
		_, _, err := parseRaw([]byte(text), "f.csv")
		var errs schema.Errors
		if !errors.As(err, &errs) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s → %s: %v\nwant %s", c.old, c.broken, err, c.want)
		}
	}
	if _, rows, err := parseRaw([]byte(good), "f.csv"); err != nil || len(rows) != 1 {
		t.Errorf("the good one: %v", err)
	}
}

// The manual names every column.
func TestDocsNameTheColumns(t *testing.T) {
	page, err := os.ReadFile("../../docs/calibrate.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range columns {
		if !strings.Contains(string(page), "`"+c.name+"`") {
			t.Errorf("docs/calibrate.md does not say what column %s is", c.name)
		}
	}
}
