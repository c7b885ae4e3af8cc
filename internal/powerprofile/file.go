package powerprofile

import (
	"fmt"
	"io"
	"os"

	"github.com/kwatt-sim/kwatt/internal/schema"
)

//go:generate go test -run TestGeneratedFiles . -update

// schemaID names the JSON Schema; it is an identifier, nothing is fetched.
const schemaID = "https://kwatt.dev/schema/v1alpha1/powerprofile.json"

// Load reads the profile at path. Its faults come back all at once, as
// schema.Errors with file:line:col.
func Load(path string) (*Profile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read power profile: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(f, schema.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read power profile: %w", err)
	}
	return Parse(data, path)
}

// Parse is Load for bytes at hand; file names them in errors.
func Parse(data []byte, file string) (*Profile, error) {
	var p Profile
	positions, errs := schema.Decode(data, file, &p)
	if len(errs) == 0 {
		errs = p.check(positions)
	}
	if err := errs.Err(); err != nil {
		return nil, err
	}
	return &p, nil
}

// Encode writes the profile as YAML that Parse reads back to the same.
func (p *Profile) Encode() ([]byte, error) { return schema.Encode(p) }

// check finds what the types cannot say.
func (p *Profile) check(positions *schema.Positions) schema.Errors {
	faults := schema.NewFaults(positions, nil)
	s := &p.Spec
	if s.Bare == nil && s.Context == nil && len(s.Busy)+len(s.ClockSweep)+len(s.CapSweep)+len(s.Observed) == 0 {
		faults.Fail("spec", "holds no figure", "measure again with sim calibrate; --resume goes on with an interrupted measurement")
	}
	if s.Source.End.Before(s.Source.Start) {
		faults.Fail("spec.source.end", "lies before the start", "")
	}
	for _, list := range []struct {
		name   string
		points []BusyPoint
	}{{"busy", s.Busy}, {"clockSweep", s.ClockSweep}, {"capSweep", s.CapSweep}} {
		first := map[string]int{}
		for i, b := range list.points {
			key := b.key()
			if j, twice := first[key]; twice {
				faults.Fail(fmt.Sprintf("spec.%s[%d]", list.name, i), fmt.Sprintf("repeats spec.%s[%d]: %s", list.name, j, key), "keep one figure for each load")
				continue
			}
			first[key] = i
		}
	}
	return faults.Errs
}

// key tells loads apart.
func (b BusyPoint) key() string {
	key := fmt.Sprintf("kernel %s, batch %d, duty %g", b.Kernel, b.Batch, b.Duty)
	if b.LockedClockMHz != nil {
		key += fmt.Sprintf(", clock %g MHz", *b.LockedClockMHz)
	}
	if b.CapWatts != nil {
		key += fmt.Sprintf(", cap %g W", *b.CapWatts)
	}
	return key
}

// JSONSchema returns the JSON Schema (draft 2020-12) of power profiles.
func JSONSchema() ([]byte, error) {
	return schema.JSONSchema(schema.Describe(&Profile{}), schemaID, "kwatt power profile")
}

// Reference returns the reference page of power profiles, in Markdown.
func Reference() string {
	const head = `# Power profiles

<!-- Generated from the doc comments of internal/powerprofile. Change those, then run: go generate ./internal/schema ./internal/powerprofile -->

What one GPU was measured to draw: the file that ` + "`sim calibrate`" + ` writes beside its raw samples ([calibrate.md](calibrate.md)). It is one YAML
document, read as strictly as a scenario: an unknown field or a value out of its bounds is an error with file, line and column. A figure that
could not be had is left out; it is never 0. ` + "`[]`" + ` in a heading stands for each element of a list, ` + "`*`" + ` for each name in a map.
`
	return head + schema.Markdown(schema.Describe(&Profile{}))
}
