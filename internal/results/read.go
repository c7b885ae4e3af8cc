package results

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/kwatt-sim/kwatt/internal/decisions"
)

// RunKey names one replication of one policy.
type RunKey struct {
	Policy string
	Seed   uint64
}

// Read returns the summary and the manifest of a results directory. A summary
// of another schema version is an error that says which one this binary reads.
func Read(dir string) (*Summary, *Manifest, error) {
	var m Manifest
	if err := readFile(dir, ManifestFile, decodeInto(&m)); err != nil {
		return nil, nil, err
	}
	s := new(Summary)
	if err := readFile(dir, SummaryFile, s.decode); err != nil {
		return nil, nil, err
	}
	return s, &m, nil
}

// ReadSummary reads a summary.json on its own, wherever it lies: a baseline.
func ReadSummary(path string) (*Summary, error) {
	s := new(Summary)
	if err := readFile(filepath.Dir(path), filepath.Base(path), s.decode); err != nil {
		return nil, err
	}
	return s, nil
}

// decode looks at the version first: a future summary may not fit the types.
func (s *Summary) decode(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	var version struct {
		SchemaVersion int `json:"schemaVersion"`
	}
	if err := json.Unmarshal(raw, &version); err != nil {
		return err
	}
	if version.SchemaVersion != SchemaVersion {
		return fmt.Errorf("schemaVersion is %d, this binary reads %d: run the scenario again, or use the version of kwatt that wrote it",
			version.SchemaVersion, SchemaVersion)
	}
	return json.Unmarshal(raw, s)
}

// ReadPoints returns the time series of a results directory by run.
func ReadPoints(dir string) (map[RunKey][]Point, error) {
	var points map[RunKey][]Point
	err := readFile(dir, TimeseriesFile, func(r io.Reader) (err error) {
		points, err = readCSV(r)
		return err
	})
	return points, err
}

// ReadDecisions returns the decision ledger of a results directory by run.
func ReadDecisions(dir string) (map[RunKey][]decisions.Entry, error) {
	var decisions map[RunKey][]decisions.Entry
	err := readFile(dir, DecisionsFile, func(r io.Reader) (err error) {
		decisions, err = readDecisions(r)
		return err
	})
	return decisions, err
}

// ReadRunDecisions is ReadDecisions for one run alone: much faster, for lines of
// the others are passed over unread.
func ReadRunDecisions(dir string, run RunKey) ([]decisions.Entry, error) {
	var entries []decisions.Entry
	err := readFile(dir, DecisionsFile, func(r io.Reader) (err error) {
		entries, err = readRunDecisions(r, run)
		return err
	})
	return entries, err
}

// ReadEffective returns the effective scenario of a results directory.
func ReadEffective(dir string) ([]byte, error) {
	var effective []byte
	err := readFile(dir, EffectiveFile, func(r io.Reader) (err error) {
		effective, err = io.ReadAll(r)
		return err
	})
	return effective, err
}

// ReadRuns puts the runs of a results directory together again, in the
// summary's order. Services, EnergyByGrade and Warnings stay empty: a
// directory holds them only over all seeds, in the summary.
func ReadRuns(dir string) ([]*Run, error) {
	s, _, err := Read(dir)
	if err != nil {
		return nil, err
	}
	points, err := ReadPoints(dir)
	if err != nil {
		return nil, err
	}
	decisions, err := ReadDecisions(dir)
	if err != nil {
		return nil, err
	}
	nodes, err := ReadNodes(dir)
	if err != nil {
		return nil, err
	}
	var runs []*Run
	for _, p := range s.Policies {
		for _, r := range p.Replications {
			key := RunKey{p.Name, r.Seed}
			runs = append(runs, &Run{
				Policy: p.Name, Seed: r.Seed, Metrics: r.Metrics, Ledger: r.Ledger,
				Points: points[key], Decisions: decisions[key], Nodes: nodes[key],
			})
		}
	}
	return runs, nil
}

func decodeInto(v any) func(io.Reader) error {
	return func(r io.Reader) error { return json.NewDecoder(r).Decode(v) }
}

func readFile(dir, name string, decode func(io.Reader) error) error {
	f, err := os.Open(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read results %s: no %s: %w", dir, name, fs.ErrNotExist)
	}
	if err != nil {
		return fmt.Errorf("read results %s: %w", dir, err)
	}
	defer f.Close()
	if err := decode(f); err != nil {
		return fmt.Errorf("read results %s: %s: %w", dir, name, err)
	}
	return nil
}
