package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/kwatt-sim/kwatt/internal/gate"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/scenario"
)

// keep writes the runs as a results directory.
func (r *gateRun) keep(started time.Time) error {
	if len(r.runs) == 0 {
		return nil // every check had failed before anything was run
	}
	last := r.first
	for _, run := range r.runs {
		last = max(last, run.Seed)
	}
	f := r.file.Scenario
	f.Scenario.Spec.Seeds = scenario.Seeds{First: r.first, Count: int(last - r.first + 1)}
	e := &experimentRun{
		env: r.env, world: simulation, file: f, policies: f.PolicyNames(), seeds: seedsOf(f.Scenario.Spec.Seeds), started: started,
		flags: RunFlags{policies: f.PolicyNames(), seeds: fmt.Sprintf("%d..%d", r.first, last)},
	}
	var err error
	if e.bundle.Effective, err = f.Effective(); err != nil {
		return err
	}
	key := results.ID(append(slices.Clone(e.bundle.Effective), f.Digest()...), e.policies, e.seeds)
	e.dir = filepath.Join(r.flags.out, f.Scenario.Metadata.Name, key)
	if err := e.summarise(r.runs, nil, nil); err != nil {
		return err
	}
	if err := results.Write(e.dir, e.bundle); err != nil {
		return filesError(err)
	}
	if !r.flags.quiet {
		fmt.Fprintf(r.env.Stderr, "report  %s\n", filepath.Join(e.dir, results.ReportFile))
	}
	return nil
}

// tell prints the report, writes the files that were asked for, and turns the
// verdict into an exit code.
func (r *gateRun) tell(report *gate.Report) error {
	if err := r.print(report); err != nil {
		return err
	}
	if r.flags.github {
		fmt.Fprint(r.env.Stderr, report.Annotations(r.inRepository()))
	}
	var errs []error
	if r.flags.junit != "" {
		text, err := report.JUnit()
		errs = append(errs, err, writeReport(r.flags.junit, text))
	}
	if r.flags.markdown != "" {
		errs = append(errs, writeReport(r.flags.markdown, []byte(report.Markdown(shellWords([]string{"sim", "gate", filepath.ToSlash(r.file.Path)})))))
	}
	if err := errors.Join(errs...); err != nil {
		return filesError(err) // a report that nobody gets must not look like a pass
	}
	switch report.Verdict {
	case gate.Fail:
		return &codedError{exitDiffers, fmt.Errorf("gate %s failed: %d of %d checks", report.Gate, report.Count(gate.Fail), len(report.Outcomes))}
	case gate.Inconclusive:
		return &codedError{exitInconclusive, fmt.Errorf("gate %s could not be decided: %d of %d checks", report.Gate, report.Count(gate.Inconclusive), len(report.Outcomes))}
	}
	return nil
}

func (r *gateRun) print(report *gate.Report) error {
	if r.flags.output == "json" {
		return printJSON(r.env, report)
	}
	_, err := fmt.Fprint(r.env.Stdout, report.Text(r.env.color(r.env.Stdout, r.flags.color)))
	return filesError(err)
}

func writeReport(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if err := os.WriteFile(path, text, 0o666); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// inRepository is the gate file's path as GitHub knows it.
func (r *gateRun) inRepository() string {
	root := r.env.Getenv("GITHUB_WORKSPACE")
	absolute, err := filepath.Abs(r.file.Path)
	if root == "" || err != nil {
		return filepath.ToSlash(r.file.Path)
	}
	relative, err := filepath.Rel(root, absolute)
	if err != nil {
		return filepath.ToSlash(r.file.Path)
	}
	return filepath.ToSlash(relative)
}
