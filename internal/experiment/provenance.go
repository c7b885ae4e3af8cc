package experiment

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/grade"
	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/powermodel"
	"github.com/kwatt-sim/kwatt/internal/profiles"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/scenario"
	"github.com/kwatt-sim/kwatt/internal/workload"
)

// Provenance says what a scenario's figures rest on: the worst grade of each
// kind, and the sources and assumptions that a report must show.
func Provenance(f *scenario.File) (results.Grades, []results.Note) {
	p := provenance{file: f}
	for i := range f.Scenario.Spec.Services {
		p.service(i)
	}
	p.power()
	p.carbon()
	p.regions()
	p.caveats()
	p.limits()
	return p.grades, p.notes
}

type provenance struct {
	file     *scenario.File
	grades   results.Grades
	embodied grade.Grade
	notes    []results.Note
}

// say adds a note once.
func (p *provenance) say(kind, format string, args ...any) {
	n := results.Note{Kind: kind, Text: fmt.Sprintf(format, args...)}
	if !slices.Contains(p.notes, n) {
		p.notes = append(p.notes, n)
	}
}

func (p *provenance) service(i int) {
	s := &p.file.Scenario.Spec.Services[i]
	if t := p.file.Traces[i]; t != nil {
		p.trace(s, t, p.file.Curves[i])
	}
	if s.Model.ServiceTime != nil {
		p.grades.ServiceTime = grade.X
		p.say(results.NoteAssumption, "Service %s: the service time is stated in the scenario.", s.Name)
	}
	for _, pool := range p.file.Scenario.Spec.Cluster.NodePools {
		if pr, err := profiles.Lookup(s.Model.Profile, s.Model.Variant, pool.GPU.Model); err == nil {
			for b := 1; b <= s.Batching.MaxBatch; b++ {
				p.grades.ServiceTime = grade.Worse(p.grades.ServiceTime, pr.GradeAt(b))
			}
			p.say(results.NoteSource, "Service time of %s %s on %s (grade %v): %s", pr.Model, pr.Variant, pr.GPU, pr.Grade, pr.Source)
		}
	}
	if s.GPU.Share != nil && *s.GPU.Share < 1 {
		p.say(results.NoteAssumption, "Service %s: time-slicing is modelled with every share held reserved: a batch takes 1/share times as long.", s.Name)
	}
	if s.GPU.MIG != "" {
		p.say(results.NoteAssumption, "Service %s: a MIG slice is modelled as slower in proportion to its compute slices.", s.Name)
	}
}

func (p *provenance) trace(s *scenario.Service, t *workload.Trace, c *workload.Curve) {
	license := ""
	if t.License != "" {
		license = " (" + t.License + ")"
	}
	source := t.Source
	if source == "" {
		source = "as imported"
	}
	p.say(results.NoteSource, "Trace %s: %s%s", t.Name, source, license)
	if c.Scale != 1 {
		p.say(results.NoteAssumption, "Service %s: the trace's rates are multiplied by %.4g.", s.Name, c.Scale)
	}
	if c.EstimatedShare > 0 {
		p.say(results.NoteAssumption, "Service %s: %.3g %% of the window rests on estimated bins of the trace, not on measured ones.", s.Name, 100*c.EstimatedShare)
	}
	if c.MissingShare > 0 {
		p.say(results.NoteAssumption, "Service %s: %.3g %% of the window is missing in the trace and bridged between its neighbours.", s.Name, 100*c.MissingShare)
	}
}

// caveats are what the policies' configurations say must be known of them.
func (p *provenance) caveats() {
	for i, s := range p.file.Scenario.Spec.Services {
		w := policies.Window{From: p.file.Curves[i].Start, To: p.file.Curves[i].Start.Add(p.file.Curves[i].Duration)}
		if t := p.file.Traces[i]; t != nil {
			w.Trace, w.Source = t.Name, t.Source
		}
		for _, policy := range p.file.Scenario.Spec.Policies {
			sc := policy.ScalerFor(s.Name)
			kind, err := policies.Find(sc.Kind)
			if err != nil || kind.Caveats == nil {
				continue // the scenario's validation has refused what is unknown
			}
			for _, text := range kind.Caveats(sc.Config, w) {
				p.say(results.NoteWarning, "policy %s, service %s: %s", policy.Name, s.Name, text)
			}
		}
	}
}

// Oracles returns the names of the policies that are told the future of a
// service.
func Oracles(f *scenario.File) []string {
	var names []string
	for _, policy := range f.Scenario.Spec.Policies {
		if anyScaler(f, policy.Name, func(k policies.Kind, config any) bool { return k.Oracle != nil && k.Oracle(config) }) {
			names = append(names, policy.Name)
		}
	}
	return names
}

// anyScaler reports whether the policy's scaler of some service is such.
func anyScaler(f *scenario.File, policy string, is func(k policies.Kind, config any) bool) bool {
	p, err := findPolicy(&f.Scenario.Spec, policy)
	return err == nil && slices.ContainsFunc(f.Scenario.Spec.Services, func(s scenario.Service) bool {
		sc := p.ScalerFor(s.Name)
		kind, err := policies.Find(sc.Kind)
		return err == nil && is(kind, sc.Config)
	})
}

func (p *provenance) power() {
	for i, pool := range p.file.Scenario.Spec.Cluster.NodePools {
		gpu := p.file.Boards[i]
		var worst grade.Grade
		for _, f := range gpu.Figures() {
			if strings.HasPrefix(f.Unit, "W") {
				worst = grade.Worse(worst, f.Point.Grade)
			}
		}
		p.embodied = grade.Worse(p.embodied, powermodel.NewNode(gpu, pool.GPU.PerNode).EmbodiedGrade)
		p.grades.Power = grade.Worse(p.grades.Power, worst)
		show := gpu.Name
		if pool.GPU.PowerModel != "" {
			show = pool.GPU.PowerModel
		}
		p.say(results.NoteSource, "Power of %s: sources and grades of each figure with `sim power show %s`.", gpu.Title, show)
		p.limit(pool, gpu)
	}
}

// limits says what limits that policies set in the run rest on.
func (p *provenance) limits() {
	spec := &p.file.Scenario.Spec
	for _, policy := range spec.Policies {
		for _, kind := range limitKinds(p.file, policy.Name) {
			article, name, short := "a", "power cap", "cap"
			if kind == policies.SMClock {
				article, name, short = "an", "SM clock", "clock"
			}
			p.say(results.NoteAssumption, "Policy %s sets %ss in the run: a %s holds %v after the decision, for batches that start then.",
				policy.Name, name, short, engine.LimitDelay)
			for i, pool := range spec.Cluster.NodePools {
				p.lowest(kind, pool.Name, p.file.Boards[i], article+" "+name)
			}
		}
	}
}

// lowest says what the lowest limit of a kind does to a pool's boards.
func (p *provenance) lowest(kind policies.LimitKind, pool string, gpu powermodel.GPU, what string) {
	boards := gpu.Caps()
	if kind == policies.SMClock {
		boards = gpu.Clocks()
	}
	if len(boards) == 0 {
		return
	}
	b := boards[0]
	value := fmt.Sprintf("%g W", b.CapWatts)
	if kind == policies.SMClock {
		value = fmt.Sprintf("%g MHz", b.Limit().ClockMHz)
	}
	slow := b.Slowdown(b.Busy[len(b.Busy)-1].Batch)
	p.grades.ServiceTime = grade.Worse(p.grades.ServiceTime, slow.Grade)
	p.say(results.NoteAssumption, "Node pool %s: %s of %s, the lowest that may be set, makes the largest batch take %.3g times as long (grade %v).",
		pool, what, value, slow.Value, slow.Grade)
}

// limit says what holding boards down rests on.
func (p *provenance) limit(pool scenario.NodePool, gpu powermodel.GPU) {
	if gpu.Limit() == (powermodel.Limit{}) {
		return
	}
	var what []string
	if pool.GPU.PowerCap != nil {
		what = append(what, fmt.Sprintf("a power cap of %v", *pool.GPU.PowerCap))
	}
	if pool.GPU.SMClockMHz != nil {
		what = append(what, fmt.Sprintf("an SM clock of %g MHz", *pool.GPU.SMClockMHz))
	}
	slow := gpu.Slowdown(gpu.Busy[len(gpu.Busy)-1].Batch)
	p.grades.ServiceTime = grade.Worse(p.grades.ServiceTime, slow.Grade)
	p.say(results.NoteAssumption, "Node pool %s: %s makes the largest batch take %.3g times as long (grade %v).", pool.Name, strings.Join(what, " and "), slow.Value, slow.Grade)
}

func (p *provenance) carbon() {
	c := p.file.Scenario.Spec.Carbon
	s := p.file.Carbon
	if c.Constant != nil {
		p.grades.Carbon = grade.X
		p.say(results.NoteAssumption, "Carbon intensity: constant, as stated in the scenario.")
		return
	}
	p.grades.Carbon = s.Grade
	source := s.Attribution
	if source == "" {
		source = s.Source
	}
	p.say(results.NoteSource, "Carbon intensity (%v signal): %s", s.Signal, source)
	start := p.file.Start()
	if year := start.Year(); s.Year != 0 && !start.IsZero() && year != s.Year {
		how := "the trace's instants in the region's local time"
		if c.Alignment == "LocalClock" {
			how = "the trace's own clock, read as the region's"
		}
		p.say(results.NoteAssumption, "The trace is of %d and the carbon series of %d: they meet by month and hour, %s (%v).", year, s.Year, how, s.Location)
	}
	if c.Embodied == "include" {
		p.say(results.NoteAssumption, "Embodied carbon (grade %v) is spread over %v of hardware life; its sources are with `sim power show`.", p.embodied, c.Lifetime)
	}
}
