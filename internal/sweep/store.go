package sweep

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/kwatt-sim/kwatt/internal/results"
)

// planFile is the plan in a store.
const planFile = "plan.json"

// header is plan.json: a sweep, and the binary that runs it.
type header struct {
	Binary string `json:"binary"`
	Plan   Plan   `json:"plan"`
}

// Store keeps the finished runs of a sweep, or of some of its shards, in a folder:
// a results.Partial for each point. Several processes may use one.
type Store struct {
	dir    string
	binary string
	Plan   Plan
	parts  map[int]*results.Partial // by point, those that are open
}

// OpenStore opens the store in dir or begins it. One that was begun by another
// binary or for another plan is an error: its runs cannot be trusted to be those
// that this one would make.
func OpenStore(dir string, p Plan, binary string) (*Store, error) {
	s := &Store{dir, binary, p, map[int]*results.Partial{}}
	text, err := json.MarshalIndent(header{binary, p}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("open sweep store: %w", err)
	}
	path := filepath.Join(dir, planFile)
	switch have, err := os.ReadFile(path); {
	case errors.Is(err, fs.ErrNotExist):
		return s, s.begin(path, text)
	case err != nil:
		return nil, fmt.Errorf("open sweep store: %w", err)
	case !bytes.Equal(have, text):
		return nil, fmt.Errorf("the runs in %s are of another build of kwatt or another sweep: remove the folder to begin again", dir)
	}
	return s, nil
}

// begin writes the plan in one step: other shards may be at it too, with the same
// bytes.
func (s *Store) begin(path string, text []byte) error {
	fail := func(err error) error { return fmt.Errorf("begin sweep store: %w", err) }
	if err := os.MkdirAll(s.dir, 0o777); err != nil {
		return fail(err)
	}
	f, err := os.CreateTemp(s.dir, ".plan-*")
	if err != nil {
		return fail(err)
	}
	defer os.Remove(f.Name()) // gone already when it was renamed
	_, err = f.Write(text)
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return fail(err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fail(err)
	}
	return nil
}

// ReadStore opens a store as it is.
func ReadStore(dir string) (*Store, error) {
	text, err := os.ReadFile(filepath.Join(dir, planFile))
	if err != nil {
		return nil, fmt.Errorf("read sweep store: %w", err)
	}
	var h header
	in := json.NewDecoder(bytes.NewReader(text))
	in.DisallowUnknownFields()
	if err := in.Decode(&h); err != nil {
		return nil, fmt.Errorf("read sweep store %s: %s: %w", dir, planFile, err)
	}
	if h.Plan.SchemaVersion != SchemaVersion {
		return nil, fmt.Errorf("read sweep store %s: schemaVersion is %d, this binary reads %d", dir, h.Plan.SchemaVersion, SchemaVersion)
	}
	return &Store{dir, h.Binary, h.Plan, map[int]*results.Partial{}}, nil
}

// Dir returns the store's folder.
func (s *Store) Dir() string { return s.dir }

// Save keeps a finished run of a point: its figures, without time series and
// decisions.
func (s *Store) Save(point int, r *results.Run) error {
	part, ok := s.parts[point]
	if !ok {
		var err error
		if part, err = results.OpenPartial(s.dir, s.Plan.Points[point].ID); err != nil {
			return err
		}
		s.parts[point] = part
	}
	return part.Save(figures(r))
}

// figures are what a sweep keeps of a run.
func figures(r *results.Run) *results.Run {
	return &results.Run{Policy: r.Policy, Seed: r.Seed, Metrics: r.Metrics, Services: r.Services, Ledger: r.Ledger}
}

// Load returns the runs that are kept. Entries that cannot be used are named in
// the warnings: their runs are done again.
func (s *Store) Load() (map[Unit]*results.Run, []string) {
	runs := map[Unit]*results.Run{}
	var warnings []string
	for i, point := range s.Plan.Points {
		if !results.HasPartial(s.dir, point.ID) {
			continue
		}
		part, err := results.OpenPartial(s.dir, point.ID)
		if err != nil {
			warnings = append(warnings, err.Error())
			continue
		}
		found, faults := part.Load()
		warnings = append(warnings, faults...)
		for _, r := range found {
			runs[Unit{i, r.Policy, r.Seed}] = r
		}
	}
	return runs, warnings
}

// Discard removes the store, once its runs are in a results directory.
func (s *Store) Discard() error {
	if err := os.RemoveAll(s.dir); err != nil {
		return fmt.Errorf("discard sweep store: %w", err)
	}
	return nil
}
