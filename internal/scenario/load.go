package scenario

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/kwatt-sim/kwatt/internal/carbon"
	"github.com/kwatt-sim/kwatt/internal/kube/scheduler"
	"github.com/kwatt-sim/kwatt/internal/powermodel"
	"github.com/kwatt-sim/kwatt/internal/schema"
	"github.com/kwatt-sim/kwatt/internal/workload"
)

// File is a scenario that passed every check, with what it names.
type File struct {
	Path      string
	Scenario  Scenario
	Positions *schema.Positions
	// Traces are the services' traces in the order of spec.services; nil for a
	// constant rate.
	Traces []*workload.Trace
	// Curves are the services' arrival rates over the window, in that order.
	Curves []*workload.Curve
	// Carbon is the grid's series, and CarbonClock lays it on the window.
	Carbon      *carbon.Series
	CarbonClock *carbon.Clock
	// PoolClocks are the grids of the node pools that name their own, by pool; nil
	// for the others, which share CarbonClock.
	PoolClocks []*carbon.Clock
	// Boards are the node pools' GPUs: of the catalogue or a power model, held down
	// by the pool's limits.
	Boards []powermodel.GPU
	// Pods are the services' pod templates, in the order of spec.services.
	Pods []*scheduler.PodTemplate
	// Schedulers are the policies' kube-scheduler configurations, in the order of
	// spec.policies.
	Schedulers []*scheduler.Configuration
	// Inputs are the files that were read, the scenario first, then in the
	// order in which it names them.
	Inputs []Input
}

// Input is a file that a scenario rests on.
type Input struct {
	Path   string
	SHA256 string
}

// Open opens an input file.
type Open func(path string) (io.ReadCloser, error)

// Override replaces one value of a scenario before it is checked.
type Override struct {
	Path  string // "spec.seeds.count", "spec.policies[hpa].nodes.sleep"
	Value string // YAML; taken as it stands where the field holds text
}

// ParseOverride reads "path=value".
func ParseOverride(s string) (Override, error) {
	path, value, ok := strings.Cut(s, "=")
	if !ok || path == "" {
		return Override{}, fmt.Errorf("override %q is not path=value, for example spec.seeds.count=3", s)
	}
	return Override{Path: path, Value: value}, nil
}

// Load reads and checks the scenario at path and the files it names. Faults in
// any of them come back as schema.Errors, all at once; a scenario file that
// cannot be read is the error of the file system.
func Load(path string, overrides ...Override) (*File, error) {
	open := func(path string) (io.ReadCloser, error) { return os.Open(path) }
	f, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("read scenario: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(f, schema.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read scenario: %w", err)
	}
	return Parse(data, path, open, overrides...)
}

// Parse is Load for a scenario whose bytes are at hand; open reads the files
// it names, relative to path.
func Parse(data []byte, path string, open Open, overrides ...Override) (*File, error) {
	doc, errs := schema.ParseDocument(data, path)
	if len(errs) > 0 {
		return nil, errs
	}
	f := &File{Path: path}
	root := schema.Describe(&f.Scenario)
	for _, o := range overrides {
		if err := doc.Set(root, o.Path, o.Value); err != nil {
			return nil, fmt.Errorf("override %s: %w", o.Path, err)
		}
	}
	f.addInput(path, sha256.Sum256(data))
	f.Positions, errs = doc.Decode(&f.Scenario)
	c := &checker{File: f, open: open, Faults: schema.NewFaults(f.Positions, errs)}
	c.all()
	if err := c.Err(); err != nil {
		return nil, err
	}
	return f, nil
}

func (f *File) addInput(path string, sum [sha256.Size]byte) {
	f.Inputs = append(f.Inputs, Input{path, hex.EncodeToString(sum[:])})
}

// Start is the date of the window's start, in the trace's time zone: that of the
// first service which has one; zero when all rates are constant and none states
// a start.
func (f *File) Start() time.Time {
	for i, s := range f.Scenario.Spec.Services {
		start, trace := s.Workload.Trace.Start, f.Traces[i]
		switch {
		case start != nil && trace != nil:
			return start.In(trace.Start.Location())
		case start != nil:
			return *start
		case trace != nil:
			return trace.Start
		}
	}
	return time.Time{}
}

// Digest is the SHA-256 over the digests of the files that the scenario names,
// in order: it changes when a byte of a trace or a manifest does. The scenario's
// own bytes are left out; what they mean is in Effective, and the rest is comments.
func (f *File) Digest() string {
	h := sha256.New()
	for _, in := range f.Inputs[1:] {
		h.Write([]byte(in.SHA256 + "\n")) // a hash never fails
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Effective writes the scenario with every default filled in. It loads to the
// same scenario from the folder of the original, whose files it names.
func (f *File) Effective() ([]byte, error) { return schema.Encode(&f.Scenario) }
