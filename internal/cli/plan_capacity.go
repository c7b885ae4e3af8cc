package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/experiment"
	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/plan"
	"github.com/kwatt-sim/kwatt/internal/report"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/scenario"
	"github.com/kwatt-sim/kwatt/internal/sweep"
	"github.com/kwatt-sim/kwatt/internal/tty"
)

// capacityReport is what --find-capacity prints as JSON.
type capacityReport struct {
	SchemaVersion int              `json:"schemaVersion"`
	Scenario      string           `json:"scenario"`
	Confidence    float64          `json:"confidence"`
	SLOs          []string         `json:"slos"`
	Seeds         []uint64         `json:"seeds"`
	Peak          float64          `json:"peak"` // req/s of all services as written
	Policies      []policyCapacity `json:"policies"`
}

type policyCapacity struct {
	Policy string `json:"policy"`
	// Keeps is the highest peak in req/s that is known to keep the SLOs, Breaks the
	// lowest that is known not to; null where none is.
	Keeps  *float64      `json:"keeps"`
	Breaks *float64      `json:"breaks"`
	Probes []probeReport `json:"probes"`
}

type probeReport struct {
	Peak    float64     `json:"peak"`
	State   plan.State  `json:"state"`
	Broken  string      `json:"broken,omitempty"` // the SLO that is known to be
	Figures []sloFigure `json:"figures"`
}

type sloFigure struct {
	SLO    string           `json:"slo"`
	Metric string           `json:"metric"`
	Figure results.Estimate `json:"figure"`
}

// capacityRun is a search for capacity.
type capacityRun struct {
	env    Env
	flags  planFlags
	load   sweep.Loader
	file   *scenario.File
	search plan.Capacity
}

func findCapacity(env Env, path string, fl planFlags) error {
	r := &capacityRun{env: env, flags: fl, load: loaderOf(path, fl.set)}
	var err error
	if r.file, err = r.load(nil); err != nil {
		return err
	}
	r.search = plan.Capacity{Confidence: fl.confidence, Precision: fl.precision}
	if r.search.Seeds, _, err = fl.raceSeeds(r.file); err != nil {
		return err
	}
	if r.search.SLOs, err = fl.slosOf(r.file); err != nil {
		return err
	}
	policies := fl.policies
	if policies == nil {
		policies = r.file.PolicyNames()
	}
	rep := capacityReport{SchemaVersion: plan.SchemaVersion, Scenario: r.file.Scenario.Metadata.Name, Confidence: fl.confidence, Seeds: r.search.Seeds}
	for _, c := range r.file.Curves {
		rep.Peak += c.Peak()
	}
	for _, s := range r.search.SLOs {
		rep.SLOs = append(rep.SLOs, s.Text)
	}
	told := true
	for _, name := range policies {
		p, err := r.of(name, rep.Peak)
		if err != nil {
			return err
		}
		told = told && p.Keeps != nil && p.Breaks != nil
		rep.Policies = append(rep.Policies, *p)
	}
	if err := r.print(&rep); err != nil {
		return err
	}
	if !told {
		return errNotTold
	}
	return nil
}

// of searches for the capacity of a policy.
func (r *capacityRun) of(policy string, peak float64) (*policyCapacity, error) {
	found, err := r.search.Find(r.env.Context, func(_ context.Context, factor float64, seeds []uint64) ([]*results.Run, error) {
		return r.simulate(policy, factor, seeds)
	})
	if err != nil {
		return nil, fmt.Errorf("policy %s: %w", policy, err)
	}
	out := &policyCapacity{Policy: policy}
	if found.Kept > 0 {
		x := results.Round(found.Kept * peak)
		out.Keeps = &x
	}
	if !math.IsInf(found.Breaks, 1) {
		x := results.Round(found.Breaks * peak)
		out.Breaks = &x
	}
	for _, p := range found.Probes {
		pr := probeReport{Peak: results.Round(p.Factor * peak), State: p.State, Broken: p.Broken}
		for _, slo := range r.search.SLOs {
			e, err := slo.Estimate(p.Runs, r.search.Confidence)
			if err != nil {
				return nil, fmt.Errorf("policy %s: %s: %w", policy, slo.Text, err)
			}
			pr.Figures = append(pr.Figures, sloFigure{slo.Text, slo.Metric.Name, e})
		}
		out.Probes = append(out.Probes, pr)
	}
	return out, nil
}

// simulate runs a policy at a multiple of the load, in the order of the seeds.
func (r *capacityRun) simulate(policy string, factor float64, seeds []uint64) ([]*results.Run, error) {
	f, err := r.load(scaleLoad(r.file, factor))
	if err != nil {
		return nil, err
	}
	if err := f.Choose([]string{policy}); err != nil {
		return nil, usageError("--policy: %w", err)
	}
	configs, err := experiment.Compile(f, []string{policy})
	if err != nil {
		return nil, err
	}
	configs[0].Ledger = engine.Changes
	runs, err := replicate(r.env, configs, seeds, r.flags.parallel, r.flags.quiet)
	if err != nil {
		return nil, err
	}
	inOrder := make([]*results.Run, len(seeds))
	for _, run := range runs {
		inOrder[run.Seed-seeds[0]] = run // seeds are consecutive
	}
	return inOrder, nil
}

// scaleLoad multiplies the load of every service.
func scaleLoad(f *scenario.File, factor float64) []scenario.Override {
	var out []scenario.Override
	for _, s := range f.Scenario.Spec.Services {
		path, w := "spec.services["+s.Name+"].workload.", &s.Workload
		switch {
		case w.Trace.Constant != nil:
			out = append(out, scenario.Override{Path: path + "trace.constant", Value: fmt.Sprint(*w.Trace.Constant * factor)})
		case w.Scale != nil && w.Scale.Peak != nil:
			out = append(out, scenario.Override{Path: path + "scale.peak", Value: fmt.Sprint(*w.Scale.Peak * factor)})
		case w.Scale != nil:
			out = append(out, scenario.Override{Path: path + "scale.factor", Value: fmt.Sprint(*w.Scale.Factor * factor)})
		default:
			out = append(out, scenario.Override{Path: path + "scale", Value: fmt.Sprintf("{factor: %v}", factor)})
		}
	}
	return out
}

func (r *capacityRun) print(rep *capacityReport) error {
	var b strings.Builder
	switch r.flags.output {
	case "json":
		out := json.NewEncoder(&b)
		out.SetEscapeHTML(false)
		out.SetIndent("", "  ")
		if err := out.Encode(rep); err != nil {
			return err
		}
	case "text":
		b.WriteString(rep.text(r.env.color(r.env.Stdout, r.flags.color)))
	}
	_, err := r.env.Stdout.Write([]byte(b.String()))
	return filesError(err)
}

func (rep *capacityReport) text(color bool) string {
	var b strings.Builder
	b.WriteString(tty.Wrap(tty.Plain(fmt.Sprintf("%s: peak %s req/s as written, %d seeds at most", rep.Scenario, tty.Number(rep.Peak), len(rep.Seeds))), 80, 2))
	b.WriteString(tty.Wrap(tty.Plain(fmt.Sprintf("SLOs, at %.4g%% confidence: %s", 100*rep.Confidence, strings.Join(rep.SLOs, "; "))), 80, 2))
	b.WriteByte('\n')
	table := tty.Table{Header: []string{"keeps them up to", "breaks one from", "which"}}
	for _, p := range rep.Policies {
		table.Rows = append(table.Rows, tty.Row{Label: p.Policy, Cells: []tty.Cell{{Text: rate(p.Keeps)}, {Text: rate(p.Breaks)}, {Text: p.breaker()}}})
	}
	table.Write(&b, 80, color)
	for _, p := range rep.Policies {
		fmt.Fprintf(&b, "\n%s, as it was tried (means)\n", tty.Plain(p.Policy))
		for _, probe := range p.Probes {
			b.WriteString("  " + tty.Wrap(fmt.Sprintf("%s req/s: %s%s", tty.Number(probe.Peak), probe.State, probe.figures()), 78, 4))
		}
	}
	return b.String()
}

func rate(x *float64) string {
	if x == nil {
		return "not found"
	}
	return tty.Number(*x) + " req/s"
}

// breaker is the metric of the SLO that breaks at the lowest peak that is known to
// break one.
func (p *policyCapacity) breaker() string {
	for _, probe := range p.Probes {
		for _, f := range probe.Figures {
			if p.Breaks != nil && probe.Peak == *p.Breaks && f.SLO == probe.Broken {
				return report.Label(f.Metric)
			}
		}
	}
	return "–"
}

// figures are those of the SLOs, where there are any.
func (p *probeReport) figures() string {
	text := ""
	for _, f := range p.Figures {
		if m, err := metrics.Find(f.Metric); err == nil && f.Figure.N > 0 {
			text += fmt.Sprintf(", %s %s", report.Label(m.Name), report.Figure(m, f.Figure.Mean, ""))
		}
	}
	return text
}
