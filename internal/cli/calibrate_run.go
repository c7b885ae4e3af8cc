package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/calibrate"
	"github.com/kwatt-sim/kwatt/internal/powermodel"
	"github.com/kwatt-sim/kwatt/internal/powerprofile"
)

// The files of a measurement.
const (
	rawFile     = "raw.csv"
	profileFile = "profile.yaml"
	loadLog     = "load.log"
)

// calibration is one measurement.
type calibration struct {
	env      Env
	flags    calibrateFlags
	clock    calibrate.Clock
	plan     calibrate.Plan
	identity calibrate.Identity
	versions calibrate.Versions
	device   calibrate.Device
	name     string
	dir      string
}

func runCalibration(env Env, b bench, fl calibrateFlags, plan calibrate.Plan) (err error) {
	if fl.gpu != "" {
		if _, err := powermodel.Lookup(fl.gpu); err != nil {
			return usageError("--gpu: %v", err)
		}
	}
	h, devices, err := openHost(b)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, filesError(h.Close())) }()
	c := &calibration{env: env, flags: fl, clock: b.clock, plan: plan, versions: h.Versions()}
	if c.device, c.identity, err = chooseGPU(devices, fl.device); err != nil {
		return err
	}
	if c.name = fl.name; c.name == "" {
		c.name = slug(c.identity.Name + "-" + c.identity.UUID[max(0, len(c.identity.UUID)-8):])
	}
	if c.name != slug(c.name) {
		return usageError("--name %s: want lower-case letters, digits and dashes", c.name)
	}
	if c.dir = fl.out; c.dir == "" {
		c.dir = filepath.Join("calibration", c.name)
	}
	var load calibrate.Load
	switch {
	case fl.observe > 0:
	case fl.load != "":
		load = &commandLoad{command: fl.load, device: c.identity.UUID, warmup: fl.warmup, log: filepath.Join(c.dir, loadLog), clock: b.clock}
	default:
		load = b.load(c.identity, plan.Saturating)
	}
	return c.measure(load)
}

// slug makes a name of any text.
func slug(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return ' '
	}, strings.ToLower(s))
	s = strings.Join(strings.Fields(s), "-")
	return strings.Trim(s[:min(len(s), 63)], "-")
}

// measure takes the samples and writes the profile.
func (c *calibration) measure(load calibrate.Load) (err error) {
	if err := os.MkdirAll(c.dir, 0o777); err != nil {
		return filesError(fmt.Errorf("make the folder of the measurement: %w", err))
	}
	rates, err := c.rates()
	if err != nil {
		return err
	}
	digest := c.plan.Digest()
	if c.flags.load != "" { // samples of one command do not continue those of another
		digest += "-" + hex.EncodeToString(sha256Of(c.flags.load)[:4])
	}
	raw, err := calibrate.OpenRaw(filepath.Join(c.dir, rawFile), calibrate.NewHeader(c.identity, c.versions, digest), c.flags.resume)
	var conflict *calibrate.ConflictError
	if errors.As(err, &conflict) {
		return &codedError{exitUsage, err}
	} else if err != nil {
		return err
	}
	closed := false
	defer func() {
		if !closed {
			err = errors.Join(err, filesError(raw.Close()))
		}
	}()
	ctx, release := held(c.env.Context)
	defer release()
	s := &calibrate.Session{Device: c.device, Load: load, Clock: c.clock, Plan: c.plan, Raw: raw, Anyway: c.flags.anyway, Spawns: c.flags.load != ""}
	if !c.flags.quiet {
		s.Progress = c.tell
	}
	c.warn()
	var missing []powerprofile.Missing
	if c.flags.observe > 0 {
		err = s.Observe(ctx, rates)
	} else {
		missing, err = s.Run(ctx)
	}
	interrupted := ctx.Err() != nil && errors.Is(err, context.Canceled)
	switch {
	case interrupted && c.flags.observe > 0: // what there is, is whole
	case interrupted:
		return c.interrupted(len(raw.Complete()), err)
	case err != nil:
		return c.failed(len(raw.Complete()), err)
	}
	closed = true
	if err := raw.Close(); err != nil {
		return filesError(err)
	}
	return c.write(raw, missing)
}

func sha256Of(s string) []byte {
	sum := sha256.Sum256([]byte(s))
	return sum[:]
}

// warn says how to undo by hand what a sweep sets: nothing can, in a process
// that is killed outright.
func (c *calibration) warn() {
	var undo []string
	if len(c.flags.clocks) > 0 {
		undo = append(undo, "--reset-gpu-clocks")
	}
	if len(c.flags.caps) > 0 && c.identity.Cap.OK {
		undo = append(undo, fmt.Sprintf("--power-limit=%g", c.identity.Cap.V))
	}
	for _, u := range undo {
		fmt.Fprintf(c.env.Stderr, "sim: should this process be killed (kill -9), undo its setting with: nvidia-smi --id=%s %s\n", c.identity.UUID, u)
	}
}

// tell prints a line for each complete cell.
func (c *calibration) tell(e calibrate.Event) {
	if e.Phase != calibrate.End || e.Cell.Kind == calibrate.Observe {
		return
	}
	line := fmt.Sprintf("%d/%d %s", e.Index+1, e.Cells, e.Cell.ID())
	if e.Cell.Kind != calibrate.Step {
		line += fmt.Sprintf(": %.1f W", e.Watts.V)
	}
	if !e.Steady {
		line += ", not steady"
	}
	if e.Others > 0 {
		line += fmt.Sprintf(", %d processes of others", e.Others)
	}
	fmt.Fprintln(c.env.Stderr, line)
}

// interrupted says how to go on. What could not be put back comes first.
func (c *calibration) interrupted(cells int, err error) error {
	again := append([]string{}, c.env.Args...)
	if !c.flags.resume {
		again = append(again, "--resume")
	}
	text := fmt.Sprintf("interrupted: %d of %d states are kept in %s; go on with:\n  sim %s", cells, len(c.plan.Cells), c.dir, shellWords(again))
	if rest := notCanceled(err); rest != nil {
		text = rest.Error() + "\nsim: " + text
	}
	return &codedError{exitInterrupted, errors.New(text)}
}

// notCanceled is what of a joined error is not the interrupt itself.
func notCanceled(err error) error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		if errors.Is(err, context.Canceled) {
			return nil
		}
		return err
	}
	var rest []error
	for _, e := range joined.Unwrap() {
		rest = append(rest, notCanceled(e))
	}
	return errors.Join(rest...)
}

// failed finds the exit code of a measurement that could not go on.
func (c *calibration) failed(cells int, err error) error {
	var impure *calibrate.ImpureError
	code := exitFiles
	if errors.As(err, &impure) {
		return &codedError{exitLimit, err}
	}
	if cells > 0 {
		err = fmt.Errorf("%w\nsim: %d of %d states are kept in %s; --resume goes on with them", err, cells, len(c.plan.Cells), c.dir)
	}
	return &codedError{code, err}
}

// write makes the profile of the complete cells.
func (c *calibration) write(raw *calibrate.Raw, missing []powerprofile.Missing) error {
	data, err := os.ReadFile(raw.Path())
	if err != nil {
		return filesError(err)
	}
	host, _ := os.Hostname() // a profile without it is fine
	source := powerprofile.Source{
		Host: host, Command: shellWords(append([]string{"sim"}, c.env.Args...)), Program: "sim " + version,
		Driver: c.versions.Driver, NVML: c.versions.NVML, CUDA: c.versions.CUDA,
		Load: "Builtin", SaturatingBatch: c.plan.Saturating, Raw: rawFile, RawSHA256: hex.EncodeToString(sha256Of(string(data))),
	}
	switch {
	case c.flags.observe > 0:
		source.Load, source.RateFrom = "Observed", c.flags.rateFrom
	case c.flags.load != "":
		source.Load, source.LoadCommand, source.SaturatingBatch = "Command", c.flags.load, 0
	}
	p, err := calibrate.Profile(c.name, c.plan, raw.Complete(), c.identity.Describe(c.flags.gpu), source, missing)
	if err != nil {
		return c.failed(0, err)
	}
	out, err := p.Encode()
	if err != nil {
		return err
	}
	path := filepath.Join(c.dir, profileFile)
	if _, err := powerprofile.Parse(out, path); err != nil {
		return &codedError{exitBug, fmt.Errorf("the profile would not be readable: %w", err)}
	}
	if err := os.WriteFile(path, out, 0o666); err != nil {
		return filesError(err)
	}
	if err := printProfile(c.env, p); err != nil {
		return err
	}
	if !c.flags.quiet {
		fmt.Fprintf(c.env.Stderr, "profile %s\n", path)
	}
	return nil
}
