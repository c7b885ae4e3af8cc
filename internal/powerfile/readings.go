package powerfile

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/grade"
	"github.com/kwatt-sim/kwatt/internal/powerfit"
	"github.com/kwatt-sim/kwatt/internal/powerprofile"
	"github.com/kwatt-sim/kwatt/internal/schema"
)

// Readings is what a model is fitted to.
type Readings struct {
	File   string
	GPU    string // name in the catalogue, where the file says one
	Source Source
	// Load is the kernel whose readings these are; empty where a file tells of one only.
	Load string
	// Synthetic tells that the load was a kernel of the measurement's own, and no
	// model that serves requests.
	Synthetic bool
	Data      powerfit.Data
	// CapWatts, Bare and Context as measured; nil where they were not.
	CapWatts      *float64
	Bare, Context *Watts
	Caps          []CapPoint
	Clocks        []ClockPoint
	// Duty are readings with a kernel running for a part of the time, which hold
	// the law P = context + u·(busy − context) to the test.
	Duty []DutyReading
}

// DutyReading is the draw while a kernel ran for the part Duty of the time.
type DutyReading struct {
	Batch       int
	Duty, Watts float64
}

// ReadReadings reads a power profile of sim calibrate or a CSV of batch, watts
// and, if there is one, std, the standard error of watts. load chooses among a
// profile's kernels; empty takes the user's own command, then tensor, fp32 and
// memory. Faults in a file come back as schema.Errors.
func ReadReadings(path, load string) (*Readings, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read power readings: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(f, schema.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read power readings: %w", err)
	}
	if isProfile(data) {
		p, err := powerprofile.Parse(data, path)
		if err != nil {
			return nil, err
		}
		return fromProfile(p, path, load)
	}
	if load != "" {
		return nil, &LoadError{fmt.Sprintf("%s is no power profile: it has no kernels to choose %s from", path, load)}
	}
	return fromCSV(data, path)
}

// LoadError says that a file has no readings of the load that was asked for.
type LoadError struct{ message string }

// Error names the file and what it has.
func (e *LoadError) Error() string { return e.message }

// isProfile tells YAML of the kwatt kind from a CSV by its first key.
func isProfile(data []byte) bool {
	for line := range bytes.Lines(data) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' {
			return bytes.HasPrefix(line, []byte("apiVersion")) || bytes.HasPrefix(line, []byte("kind")) || string(line) == "---"
		}
	}
	return false
}

// loads in the order of preference.
var loads = []string{"command", "tensor", "fp32", "memory"}

func fromProfile(p *powerprofile.Profile, file, load string) (*Readings, error) {
	s := &p.Spec
	if load == "" {
		for _, l := range loads {
			if slices.ContainsFunc(s.Busy, func(b powerprofile.BusyPoint) bool { return b.Kernel == l }) {
				load = l
				break
			}
		}
	}
	busy := slices.DeleteFunc(slices.Clone(s.Busy), func(b powerprofile.BusyPoint) bool { return b.Kernel != load })
	if len(busy) == 0 {
		return nil, &LoadError{fmt.Sprintf("%s has no busy readings of kernel %q to fit (%s)", file, load, offered(s))}
	}
	r := &Readings{
		File: file, GPU: s.Device.GPU, Load: load, Synthetic: s.Source.Load == "Builtin", CapWatts: s.Device.CapWatts,
		Bare: idle(s.Bare, s.BareAgain), Context: idle(s.Context, s.ContextAgain),
		Source: Source{
			Text: strings.TrimSpace(fmt.Sprintf("%s, kernel %s, measured on %s (%s) %s", p.Metadata.Name, load, s.Device.Name, s.Device.UUID, s.Source.Program)),
			Date: s.Source.Start.UTC().Format("2006-01"),
		},
	}
	worst := grade.A
	if r.Synthetic {
		worst = grade.B // the board's own state, but not that of a model at work
	}
	full := 0.0
	for _, b := range busy {
		full = max(full, b.Duty)
	}
	for _, b := range busy {
		if b.Duty < full {
			r.Duty = append(r.Duty, DutyReading{b.Batch, dutyOf(b), b.Watts})
			continue
		}
		r.Data.Points = append(r.Data.Points, powerfit.Point{Batch: float64(b.Batch), Watts: b.Watts, SE: standardError(b.Figure)})
		g, _ := grade.Parse(b.Grade) // the schema knows no others
		worst = grade.Worse(worst, g)
	}
	r.Source.Grade = worst.String()
	if r.Context != nil {
		r.Data.Context = r.Context.Watts
		r.sweeps(s, busy, full)
	}
	return r, nil
}

// offered says which kernels a profile has readings of.
func offered(s *powerprofile.Spec) string {
	var names []string
	for _, b := range s.Busy {
		if !slices.Contains(names, b.Kernel) {
			names = append(names, b.Kernel)
		}
	}
	switch {
	case len(names) > 0:
		return "it has readings of " + strings.Join(names, ", ")
	case len(s.Observed) > 0:
		return "it observed a running server, whose batches it does not know"
	}
	return "it has none of any"
}

// dutyOf is the part of the time as measured, or as asked for.
func dutyOf(b powerprofile.BusyPoint) float64 {
	if b.DutyMeasured != nil {
		return *b.DutyMeasured
	}
	return b.Duty
}

func standardError(f powerprofile.Figure) float64 { return f.Std / math.Sqrt(float64(f.N)) }

// sensorSpread is the relative standard uncertainty of what a board's own
// sensor says. It is judgement: sim calibrate refuses grade A to a reading that
// is more than 5 % off the energy counter, taken here as two deviations.
const sensorSpread = 0.025

// workloadSpread is that of taking one load's watts for another's: at one batch
// on one H100 nine language models differ by it (docs/power-accuracy.md).
const workloadSpread = 0.09

// idle is the mean of an idle state that was measured at the beginning and, if
// so, at the end; what it drifted by is part of its uncertainty.
func idle(first, again *powerprofile.Figure) *Watts {
	if first == nil {
		return nil
	}
	watts, u := first.Watts, math.Hypot(sensorSpread, standardError(*first)/first.Watts)
	letter := first.Grade
	if again != nil {
		u = math.Hypot(u, (again.Watts-first.Watts)/2/watts)
		watts = (watts + again.Watts) / 2
		letter = max(letter, again.Grade) // the letters are in order
	}
	u = significant(u, 2)
	return &Watts{Watts: significant(watts, 4), Origin: Origin{Uncertainty: &u, Grade: letter}}
}
