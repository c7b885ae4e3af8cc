package results

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Partial keeps the finished runs of an experiment that is not finished, so
// that an interrupted one can go on. Each run is one file, exact to the last
// bit: the final results do not depend on whether they were resumed. It may be
// used from several goroutines.
type Partial struct{ dir string }

const (
	partialPrefix = ".partial-"
	entrySuffix   = ".run"
	entryTmp      = ".tmp-*"
)

// OpenPartial opens, or begins, the store of the experiment that key names (an
// ID) below root, the scenario's folder of results.
func OpenPartial(root, key string) (*Partial, error) {
	p := &Partial{filepath.Join(root, partialPrefix+key)}
	if key == "" || filepath.Base(p.dir) != partialPrefix+key {
		return nil, fmt.Errorf("open partial results in %s: bad key %q", root, key)
	}
	if err := os.MkdirAll(p.dir, 0o777); err != nil {
		return nil, fmt.Errorf("open partial results: %w", err)
	}
	return p, nil
}

// HasPartial reports whether there is a store below root for key.
func HasPartial(root, key string) bool {
	_, err := os.Stat(filepath.Join(root, partialPrefix+key))
	return err == nil
}

// Dir returns the store's folder.
func (p *Partial) Dir() string { return p.dir }

// entryName escapes the policy's name, which must not reach another folder.
func entryName(policy string, seed uint64) string {
	return fmt.Sprintf("%s@%d%s", url.PathEscape(policy), seed, entrySuffix)
}

// Save keeps a finished run. The entry is its SHA-256 on one line, then its
// JSON, whose floats are shortest round-trip decimals. (Not gob, which loses
// the difference between a nil pointer and a pointer to zero.)
func (p *Partial) Save(r *Run) error {
	fail := func(err error) error {
		return fmt.Errorf("keep policy %s seed %d in %s: %w", r.Policy, r.Seed, p.dir, shorten(err))
	}
	body, err := json.Marshal(r)
	if err != nil {
		return fail(err)
	}
	f, err := os.CreateTemp(p.dir, entryTmp)
	if err != nil {
		return fail(err)
	}
	defer os.Remove(f.Name()) // gone already when it was renamed
	_, err = fmt.Fprintf(f, "%s\n%s", sha256Hex(body), body)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fail(err)
	}
	if err := os.Rename(f.Name(), filepath.Join(p.dir, entryName(r.Policy, r.Seed))); err != nil {
		return fail(err)
	}
	return nil
}

// Load returns the runs kept so far, by policy name and seed. An entry that
// cannot be used is left out and named in the warnings: its run is done again.
func (p *Partial) Load() (runs []*Run, warnings []string) {
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		return nil, []string{fmt.Sprintf("no partial results: %v", err)}
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), entrySuffix) {
			continue // a temporary file of a killed process
		}
		r, err := p.load(e.Name())
		if err != nil {
			warnings = append(warnings, fmt.Sprintf("partial result %s is ignored, its run is done again: %v",
				filepath.Join(p.dir, e.Name()), err))
			continue
		}
		runs = append(runs, r)
	}
	slices.SortFunc(runs, func(a, b *Run) int {
		return cmp.Or(cmp.Compare(a.Policy, b.Policy), cmp.Compare(a.Seed, b.Seed))
	})
	return runs, warnings
}

func (p *Partial) load(name string) (*Run, error) {
	raw, err := os.ReadFile(filepath.Join(p.dir, name))
	if err != nil {
		return nil, err
	}
	sum, body, ok := bytes.Cut(raw, []byte("\n"))
	if !ok || sha256Hex(body) != string(sum) {
		return nil, errors.New("truncated or changed")
	}
	r := new(Run)
	if err := json.Unmarshal(body, r); err != nil {
		return nil, err
	}
	if entryName(r.Policy, r.Seed) != name {
		return nil, fmt.Errorf("it holds policy %s seed %d", r.Policy, r.Seed)
	}
	return r, nil
}

// Discard removes the store, once its runs are in a results directory.
func (p *Partial) Discard() error {
	if err := os.RemoveAll(p.dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("discard partial results: %w", err)
	}
	return nil
}
