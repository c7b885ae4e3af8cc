package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/kwatt-sim/kwatt/internal/plan"
	"github.com/kwatt-sim/kwatt/internal/results"
)

// write writes what the search came to and prints it. The runs of a search that ran
// out of time are kept, so that it can go on.
func (r *planRun) write(rep *plan.Report, found *plan.Found) error {
	files := rep.Files(found)
	dir := filepath.Join(r.flags.out, rep.Scenario, "plan-"+rep.ID)
	if err := results.WriteFiles(dir, manifest(r.env, "sim", r.started), files); err != nil {
		return filesError(err)
	}
	if err := r.print(rep, files); err != nil {
		return err
	}
	if rep.Limited {
		fmt.Fprintf(r.env.Stderr, "sim: the time was short; its runs are kept: --resume with a larger --budget goes on\n")
	} else if err := os.RemoveAll(r.storeDir()); err != nil {
		return filesError(fmt.Errorf("discard the runs of the search: %w", err))
	}
	if !r.flags.quiet {
		fmt.Fprintf(r.env.Stderr, "plan    %s\n", dir)
	}
	return nil
}

func (r *planRun) print(rep *plan.Report, files []results.File) error {
	name := map[string]string{"json": plan.ReportFile, "csv": plan.CandidatesTable + ".csv"}[r.flags.output]
	switch {
	case r.flags.output == "text":
		_, err := r.env.Stdout.Write([]byte(rep.Text(r.env.color(r.env.Stdout, r.flags.color))))
		return filesError(err)
	case name == "":
		return nil
	}
	for _, f := range files {
		if f.Name == name {
			return filesError(f.Fill(r.env.Stdout))
		}
	}
	return errors.New("plan has no " + name)
}
