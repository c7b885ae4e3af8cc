package results

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// The files of a results directory.
const (
	ManifestFile   = "manifest.json"
	EffectiveFile  = "scenario.effective.yaml"
	SummaryFile    = "summary.json"
	TimeseriesFile = "timeseries.csv"
	ParquetFile    = "timeseries.parquet"
	DecisionsFile  = "decisions.jsonl"
	ReportFile     = "report.html"
	MarkdownFile   = "summary.md"
	ReplayFile     = "replay.json"
)

// Bundle is all that a results directory holds.
type Bundle struct {
	Manifest  Manifest // Files is filled in by Write
	Effective []byte   // scenario.effective.yaml
	Summary   *Summary
	Runs      []*Run // in any order
	Report    []byte // report.html; nil leaves it out
	Markdown  []byte // summary.md; nil leaves it out
	Replay    any    // replay.json, how well a control plane kept its times; nil leaves it out
}

// File is a file of a results directory.
type File struct {
	Name string
	Fill func(io.Writer) error
}

// Write makes the results directory dir, or replaces the one that is there.
// Everything is written and synced in a hidden folder beside it and moved over
// by renaming, so dir never holds half a result; after an error it is as it
// was. A dir that exists, has files and is not a results directory is refused.
func Write(dir string, b Bundle) error {
	return write(dir, b, createFile)
}

// WriteFiles is Write for other files; the manifest, with their hashes, is one more.
func WriteFiles(dir string, m Manifest, files []File) error {
	return writeFiles(dir, m, files, createFile)
}

// output is a file being written; tests replace it by one that fails.
type output interface {
	io.Writer
	Sync() error
	Close() error
}

func createFile(path string) (output, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
}

func write(dir string, b Bundle, create func(string) (output, error)) error {
	files, err := b.files()
	if err != nil {
		return fmt.Errorf("write results to %s: %w", dir, err)
	}
	return writeFiles(dir, b.Manifest, files, create)
}

func writeFiles(dir string, m Manifest, files []File, create func(string) (output, error)) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write results to %s: %w", dir, err)
		}
	}()
	target, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if err := checkReplaceable(target); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o777); err != nil {
		return err
	}
	tmp, err := makeSibling(target, "tmp")
	if err != nil {
		return err
	}
	moved := false // from then on the name may be another process's
	defer func() {
		if !moved {
			err = errors.Join(err, os.RemoveAll(tmp))
		}
	}()
	w := &folderWriter{dir: tmp, create: create, sums: map[string]string{}}
	if err := w.all(m, files); err != nil {
		return err
	}
	if err := syncDir(tmp); err != nil {
		return err
	}
	if err := replace(tmp, target); err != nil {
		return err
	}
	moved = true
	return syncDir(filepath.Dir(target))
}

// files are those of a bundle but the manifest.
func (b Bundle) files() ([]File, error) {
	if b.Summary.Scenario.SHA256 != sha256Hex(b.Effective) {
		return nil, errors.New("the summary was made from another effective scenario")
	}
	runs, err := inOrder(b.Summary, b.Runs)
	if err != nil {
		return nil, err
	}
	files := []File{
		{EffectiveFile, verbatim(b.Effective)},
		{SummaryFile, func(out io.Writer) error { return writeJSON(out, b.Summary) }},
		{TimeseriesFile, func(out io.Writer) error { return writeCSV(out, runs) }},
		{ParquetFile, func(out io.Writer) error { return writeParquet(out, runs) }},
		{DecisionsFile, func(out io.Writer) error { return writeDecisions(out, runs) }},
	}
	if hasNodes(runs) {
		files = append(files, File{NodesFile, func(out io.Writer) error { return writeNodes(out, runs) }})
	}
	if b.Report != nil {
		files = append(files, File{ReportFile, verbatim(b.Report)})
	}
	if b.Markdown != nil {
		files = append(files, File{MarkdownFile, verbatim(b.Markdown)})
	}
	if b.Replay != nil {
		files = append(files, File{ReplayFile, func(out io.Writer) error { return writeJSON(out, b.Replay) }})
	}
	return files, nil
}

// folderWriter writes the files of one directory and remembers their hashes.
type folderWriter struct {
	dir    string
	create func(string) (output, error)
	sums   map[string]string
}

func (w *folderWriter) all(m Manifest, files []File) error {
	for _, f := range files {
		if err := w.file(f.Name, f.Fill); err != nil {
			return err
		}
	}
	// Last, for it holds the hashes of the others.
	m.Files = w.sums
	return w.file(ManifestFile, func(out io.Writer) error { return writeJSON(out, m) })
}

// file writes one file, syncs it and keeps its SHA-256.
func (w *folderWriter) file(name string, fill func(io.Writer) error) error {
	f, err := w.create(filepath.Join(w.dir, name))
	if err != nil {
		return fmt.Errorf("%s: %w", name, shorten(err))
	}
	hash := sha256.New()
	buffered := bufio.NewWriterSize(io.MultiWriter(f, hash), 1<<16)
	err = fill(buffered)
	if err == nil {
		err = buffered.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	// A full disk may show only here.
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, shorten(err))
	}
	if name != ManifestFile {
		w.sums[name] = hex.EncodeToString(hash.Sum(nil))
	}
	return nil
}

func verbatim(text []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	}
}

// shorten drops the path of the temporary file, which the user never sees.
func shorten(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return fmt.Errorf("%s: %w", p.Op, p.Err)
	}
	return err
}

func writeJSON(w io.Writer, v any) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	return out.Encode(v)
}

// inOrder sorts runs by the summary's order of policies, then by seed.
func inOrder(s *Summary, runs []*Run) ([]*Run, error) {
	rank := make(map[string]int, len(s.Policies))
	for i, p := range s.Policies {
		rank[p.Name] = i
	}
	for _, r := range runs {
		if _, ok := rank[r.Policy]; !ok {
			return nil, fmt.Errorf("the summary lacks policy %q of seed %d", r.Policy, r.Seed)
		}
	}
	sorted := slices.Clone(runs)
	slices.SortFunc(sorted, func(a, b *Run) int {
		return cmp.Or(cmp.Compare(rank[a.Policy], rank[b.Policy]), cmp.Compare(a.Seed, b.Seed))
	})
	return sorted, nil
}
