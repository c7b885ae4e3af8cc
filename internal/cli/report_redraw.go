package cli

import (
	"github.com/spf13/pflag"

	"github.com/kwatt-sim/kwatt/internal/results"
)

// redraw makes the page of an earlier run again from the run's files, with what
// this build draws.
type redraw struct {
	on, static bool
	files      string
}

func (d *redraw) register(f *pflag.FlagSet) {
	f.BoolVar(&d.on, "redraw", false, "with -o html: draw the page again from the run's files, instead of printing the one that is there")
	f.BoolVar(&d.static, "static-charts", false, "with -o html: draw it again with SVG charts and without scripts")
	f.StringVar(&d.files, "files", "", "with -o html: folder of the files that the scenario names, to draw it again (default: where the run had them)")
}

func (d *redraw) asked() bool { return d.on || d.static || d.files != "" }

// page draws the results directory's page.
func (d *redraw) page(dir string) ([]byte, error) {
	l, err := openLedger(dir)
	if err != nil {
		return nil, err
	}
	if l.manifest.Tool != "kwatt "+simulation.Program {
		return nil, usageError("--redraw: %s was written by %s; only the pages of sim are drawn again", dir, l.manifest.Tool)
	}
	r := &experimentRun{world: simulation}
	if r.file, err = l.scenario(d.files); err != nil {
		return nil, err
	}
	var files []string
	r.flags, files = l.command()
	r.file.Path = files[0]
	r.flags.static = d.static || r.flags.static
	runs, err := results.ReadRuns(dir)
	if err != nil {
		return nil, resultsError(err)
	}
	_, page, err := render(l.summary, runs, r.document())
	return page, err
}
