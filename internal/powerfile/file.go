package powerfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/grade"
	"github.com/kwatt-sim/kwatt/internal/powermodel"
	"github.com/kwatt-sim/kwatt/internal/schema"
)

//go:generate go test -run TestGeneratedFiles . -update

// schemaID names the JSON Schema; it is an identifier, nothing is fetched.
const schemaID = "https://kwatt.dev/schema/v1alpha1/powermodel.json"

// Load reads the model at path. Its faults come back all at once, as
// schema.Errors with file:line:col.
func Load(path string) (*Model, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read power model: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	return Read(f, path)
}

// Read is Load for an open file; file names it in errors.
func Read(r io.Reader, file string) (*Model, error) {
	data, err := io.ReadAll(io.LimitReader(r, schema.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read power model: %w", err)
	}
	var m Model
	positions, errs := schema.Decode(data, file, &m)
	if len(errs) == 0 {
		errs = m.check(positions)
	}
	if err := errs.Err(); err != nil {
		return nil, err
	}
	return &m, nil
}

// Encode writes the model as YAML that Read reads back to the same.
func (m *Model) Encode() ([]byte, error) { return schema.Encode(m) }

var dateForm = regexp.MustCompile(`^[0-9]{4}-(0[1-9]|1[0-2])$`)

// check finds what the types cannot say.
func (m *Model) check(positions *schema.Positions) schema.Errors {
	faults := schema.NewFaults(positions, nil)
	s := &m.Spec
	if s.Source.Date != "" && !dateForm.MatchString(s.Source.Date) {
		faults.Fail("spec.source.date", fmt.Sprintf("%q is not a year and a month", s.Source.Date), "write it like 2026-01")
	}
	for _, o := range m.origins() {
		if o.Date != "" && !dateForm.MatchString(o.Date) {
			faults.Fail(o.path+".date", fmt.Sprintf("%q is not a year and a month", o.Date), "write it like 2026-01")
		}
	}
	for i := 1; i < len(s.Busy); i++ {
		if s.Busy[i].Batch <= s.Busy[i-1].Batch {
			faults.Fail(fmt.Sprintf("spec.busy[%d].batch", i), "must be greater than the batch before it", "sort the points by batch")
		}
		if s.Busy[i].Watts.Watts < s.Busy[i-1].Watts.Watts {
			faults.Fail(fmt.Sprintf("spec.busy[%d].watts", i), "is less than at the smaller batch before it", "the model's curve never falls: sim power fit makes one that does not")
		}
	}
	if len(faults.Errs) > 0 {
		return faults.Errs
	}
	if missing := m.missing(); len(missing) > 0 {
		faults.Fail("spec", fmt.Sprintf("lacks %s, and the catalogue has no GPU %s to take them from", strings.Join(missing, ", "), s.GPU),
			"add them, or name a GPU of the catalogue (sim power list)")
		return faults.Errs
	}
	if _, err := m.GPU(); err != nil {
		for _, e := range unjoin(err) {
			faults.Fail("spec", e.Error(), "what the file leaves out is the catalogue's: sim power show "+s.GPU)
		}
	}
	return faults.Errs
}

// unjoin takes a joined error apart.
func unjoin(err error) []error {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		return joined.Unwrap()
	}
	return []error{err}
}

// placed is the origin of a figure and where it stands.
type placed struct {
	*Origin
	path string
}

func (m *Model) origins() []placed {
	var out []placed
	s := &m.Spec
	watts := func(w *Watts, path string) {
		if w != nil {
			out = append(out, placed{&w.Origin, path})
		}
	}
	number := func(n *Number, path string) {
		if n != nil {
			out = append(out, placed{&n.Origin, path})
		}
	}
	watts(s.Bare, "spec.bare")
	watts(s.Context, "spec.context")
	for i := range s.Busy {
		watts(&s.Busy[i].Watts, fmt.Sprintf("spec.busy[%d]", i))
	}
	if s.Host != nil {
		watts(s.Host.Base, "spec.host.base")
		number(s.Host.PerWatt, "spec.host.perWatt")
	}
	if s.Embodied != nil {
		number(s.Embodied.Board, "spec.embodied.board")
		number(s.Embodied.Host, "spec.embodied.host")
	}
	for i := range s.CapSweep {
		out = append(out, placed{&s.CapSweep[i].Origin, fmt.Sprintf("spec.capSweep[%d]", i)})
	}
	for i := range s.ClockSweep {
		out = append(out, placed{&s.ClockSweep[i].Origin, fmt.Sprintf("spec.clockSweep[%d]", i)})
	}
	return out
}

// missing are the fields without which a GPU that the catalogue lacks is no model.
func (m *Model) missing() []string {
	if _, err := powermodel.Lookup(m.Spec.GPU); err == nil {
		return nil
	}
	s := m.Spec
	host, embodied := s.Host, s.Embodied
	if host == nil {
		host = &Host{}
	}
	if embodied == nil {
		embodied = &Embodied{}
	}
	var out []string
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"capWatts", s.CapWatts != nil}, {"bare", s.Bare != nil}, {"context", s.Context != nil}, {"busy", len(s.Busy) > 0},
		{"host.base", host.Base != nil}, {"host.perWatt", host.PerWatt != nil},
		{"embodied.board", embodied.Board != nil}, {"embodied.host", embodied.Host != nil},
	} {
		if !f.set {
			out = append(out, f.name)
		}
	}
	return out
}

// GPU is the board with the file's figures in the place of the catalogue's.
func (m *Model) GPU() (powermodel.GPU, error) {
	s := &m.Spec
	g, err := powermodel.Lookup(s.GPU)
	if err != nil {
		g = powermodel.GPU{Name: s.GPU, Title: s.GPU}
	}
	g.Busy = slices.Clone(g.Busy)
	if s.Title != "" {
		g.Title = s.Title
	}
	if s.CapWatts != nil {
		g.CapWatts = *s.CapWatts
	}
	m.set(&g.Bare, s.Bare)
	m.set(&g.Context, s.Context)
	if len(s.Busy) > 0 {
		g.Busy = nil
		for _, b := range s.Busy {
			g.Busy = append(g.Busy, powermodel.BusyPoint{Batch: b.Batch, Watts: m.point(b.Watts.Watts, b.Origin)})
		}
	}
	if s.Host != nil {
		m.set(&g.NodeBase, s.Host.Base)
		m.setNumber(&g.HostPerWatt, s.Host.PerWatt)
	}
	if s.Embodied != nil {
		m.setNumber(&g.EmbodiedKg, s.Embodied.Board)
		m.setNumber(&g.NodeEmbodiedKg, s.Embodied.Host)
	}
	for _, p := range s.CapSweep {
		g.CapLaw = append(g.CapLaw, powermodel.CapPoint{Ratio: p.Ratio, Slowdown: m.point(p.Slowdown, p.Origin)})
	}
	for _, p := range s.ClockSweep {
		g.ClockLaw = append(g.ClockLaw, powermodel.ClockPoint{MHz: p.MHz, Slowdown: m.point(p.Slowdown, p.Origin), Dynamic: m.point(p.Dynamic, p.Origin)})
	}
	if err := g.Validate(); err != nil {
		return powermodel.GPU{}, err
	}
	return g, nil
}

func (m *Model) set(p *powermodel.Point, w *Watts) {
	if w != nil {
		*p = m.point(w.Watts, w.Origin)
	}
}

func (m *Model) setNumber(p *powermodel.Point, n *Number) {
	if n != nil {
		*p = m.point(n.Value, n.Origin)
	}
}

// point is a figure with its origin, or spec.source where it names none.
func (m *Model) point(value float64, o Origin) powermodel.Point {
	s := m.Spec.Source
	p := powermodel.Point{Value: value, Source: s.Text, Date: s.Date}
	letter := s.Grade
	if o.Source != "" {
		p.Source, p.Date = o.Source, o.Date
	}
	if o.Date != "" {
		p.Date = o.Date
	}
	if o.Grade != "" {
		letter = o.Grade
	}
	p.Grade, _ = grade.Parse(letter) // the schema knows no others
	if p.Date == "" && p.Grade < grade.X {
		p.Date = powermodel.Undated
	}
	if o.Uncertainty != nil {
		p.Rel = *o.Uncertainty
	}
	return p
}

// JSONSchema returns the JSON Schema (draft 2020-12) of power models.
func JSONSchema() ([]byte, error) {
	return schema.JSONSchema(schema.Describe(&Model{}), schemaID, "kwatt power model")
}

// Reference returns the reference page of power models, in Markdown.
func Reference() string {
	const head = `# Power models

<!-- Generated from the doc comments of internal/powerfile. Change those, then run: go generate ./internal/schema ./internal/powerfile -->

What a model of GPU draws, as a file: ` + "`sim power fit`" + ` writes it from readings, and a scenario's node pool takes it in the place of the catalogue's
figures (` + "`gpu.powerModel`" + `). It is one YAML document, read as strictly as a scenario. [power.md](power.md) says what the figures mean. ` + "`[]`" + ` in a
heading stands for each element of a list.
`
	return head + schema.Markdown(schema.Describe(&Model{}))
}
