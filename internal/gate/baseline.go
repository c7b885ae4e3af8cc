package gate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/scenario"
	"github.com/kwatt-sim/kwatt/internal/schema"
	"github.com/kwatt-sim/kwatt/internal/stats"
)

// BaselineVersion is the version of baseline files.
const BaselineVersion = 1

// Baseline is what the figures of a gate were: for each seed, so that a later run
// is compared customer by customer.
type Baseline struct {
	SchemaVersion int                  `json:"schemaVersion"`
	Gate          string               `json:"gate"`
	Kwatt         string               `json:"kwatt"` // the version that computed it
	Workload      scenario.Fingerprint `json:"workload"`
	Seeds         []uint64             `json:"seeds"`
	Arrivals      []int64              `json:"arrivals"` // requests that arrived, by seed
	Figures       []Figure             `json:"figures"`
}

// Figure is one metric of a baseline.
type Figure struct {
	Policy  string    `json:"policy"`
	Service string    `json:"service,omitempty"`
	Metric  string    `json:"metric"`
	Mean    float64   `json:"mean"`   // of Values: for the people who review it
	Values  []float64 `json:"values"` // by seed
}

// find returns the figures that a check compares with.
func (b *Baseline) find(c Check) (Figure, bool) {
	for _, f := range b.Figures {
		if f.Policy == c.Policy && f.Service == c.Service && f.Metric == c.Metric {
			return f, true
		}
	}
	return Figure{}, false
}

// Record makes the baseline of a gate from its runs: the figures of the checks
// that compare with one. A figure that a seed lacks is an error.
func Record(f *File, runs []*results.Run, version string) (*Baseline, error) {
	b := &Baseline{SchemaVersion: BaselineVersion, Gate: f.Gate.Metadata.Name, Kwatt: version}
	var err error
	if b.Workload, err = f.Scenario.Fingerprint(); err != nil {
		return nil, err
	}
	for i, c := range f.Gate.Spec.Checks {
		if _, there := b.find(c); there || !f.bounds[i].regression() {
			continue
		}
		s := sampleOf(c, runs)
		if len(s.missing) > 0 {
			return nil, fmt.Errorf("baseline of %s: %s has no %s %s", b.Gate, c.Policy, c.Metric, seedList(s.missing))
		}
		b.Seeds, b.Arrivals = s.seeds, s.arrivals
		b.Figures = append(b.Figures, Figure{c.Policy, c.Service, c.Metric, results.Round(stats.Mean(s.values)), s.values})
	}
	if len(b.Figures) == 0 {
		return nil, fmt.Errorf("baseline of %s: no check compares with one: use maxIncrease or maxDecrease", b.Gate)
	}
	return b, nil
}

// Encode writes a baseline so that a change is easy to review: a line for each
// figure.
func (b *Baseline) Encode() []byte {
	var out bytes.Buffer
	var workload []string
	for _, part := range slices.Sorted(maps.Keys(b.Workload)) {
		workload = append(workload, quote(part)+": "+quote(b.Workload[part]))
	}
	fmt.Fprintf(&out, "{\n  \"schemaVersion\": %d,\n  \"gate\": %s,\n  \"kwatt\": %s,\n", b.SchemaVersion, quote(b.Gate), quote(b.Kwatt))
	fmt.Fprintf(&out, "  \"workload\": {%s},\n  \"seeds\": %s,\n  \"arrivals\": %s,\n  \"figures\": [", strings.Join(workload, ", "), list(b.Seeds), list(b.Arrivals))
	for i, f := range b.Figures {
		if i > 0 {
			out.WriteString(",")
		}
		service := ""
		if f.Service != "" {
			service = ", \"service\": " + quote(f.Service)
		}
		fmt.Fprintf(&out, "\n    {\"policy\": %s%s, \"metric\": %s, \"mean\": %v, \"values\": %s}", quote(f.Policy), service, quote(f.Metric), f.Mean, list(f.Values))
	}
	out.WriteString("\n  ]\n}\n")
	return out.Bytes()
}

func quote(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic("gate: a string that JSON cannot hold: " + err.Error())
	}
	return string(text)
}

func list[T any](xs []T) string {
	texts := make([]string, len(xs))
	for i, x := range xs {
		texts[i] = fmt.Sprint(x)
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// Same reports whether b holds the same figures as other, whatever version wrote
// them.
func (b *Baseline) Same(other *Baseline) bool {
	if other == nil {
		return false
	}
	mine := *b
	mine.Kwatt = other.Kwatt
	return bytes.Equal(mine.Encode(), other.Encode())
}

// ReadBaseline reads the baseline at path; nil when there is no such file. One
// that is damaged is schema.Errors.
func ReadBaseline(path string) (*Baseline, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read baseline: %w", err)
	}
	b := new(Baseline)
	in := json.NewDecoder(bytes.NewReader(data))
	in.DisallowUnknownFields()
	if err := in.Decode(b); err != nil {
		line := 1 + bytes.Count(data[:min(int(in.InputOffset()), len(data))], []byte("\n"))
		return nil, damaged(path, line, err.Error())
	}
	if fault := b.fault(); fault != "" {
		return nil, damaged(path, 1, fault)
	}
	return b, nil
}

func damaged(path string, line int, message string) error {
	return schema.Errors{{Position: schema.Position{File: path, Line: line, Col: 1}, Message: "not a baseline: " + message,
		Hint: "write it again with sim gate --update-baseline", Class: schema.Meaning}}
}

// fault says what is wrong with a baseline, or nothing.
func (b *Baseline) fault() string {
	switch {
	case b.SchemaVersion != BaselineVersion:
		return fmt.Sprintf("schemaVersion is %d, this binary reads %d", b.SchemaVersion, BaselineVersion)
	case len(b.Seeds) == 0 || !slices.IsSorted(b.Seeds) || len(slices.Compact(slices.Clone(b.Seeds))) != len(b.Seeds):
		return "seeds are not in order, each once"
	case len(b.Arrivals) != len(b.Seeds):
		return fmt.Sprintf("%d arrivals for %d seeds", len(b.Arrivals), len(b.Seeds))
	}
	for _, f := range b.Figures {
		name := strings.Trim(f.Policy+" "+f.Service, " ") + " " + f.Metric
		if len(f.Values) != len(b.Seeds) {
			return fmt.Sprintf("%s has %d values for %d seeds", name, len(f.Values), len(b.Seeds))
		}
		if m := stats.Mean(f.Values); math.Abs(m-f.Mean) > 1e-6*math.Abs(m) {
			return fmt.Sprintf("the mean of %s is %v, not %v: the file was edited by hand", name, results.Round(m), f.Mean)
		}
	}
	return ""
}

// Write writes the baseline at path, in one step.
func (b *Baseline) Write(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return fmt.Errorf("write baseline: %w", err)
	}
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, b.Encode(), 0o666); err != nil {
		return fmt.Errorf("write baseline: %w", err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("write baseline: %w", errors.Join(err, os.Remove(tmp)))
	}
	return nil
}
