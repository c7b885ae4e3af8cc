package cli

import (
	"path/filepath"
	"strings"
)

// reproduce is the command line that gives the same result. It leaves out what
// does not change it: the scenario's folder, -j, --out, --resume and what is
// printed.
func (r *experimentRun) reproduce() string {
	words := append([]string{r.world.Program, "run", filepath.Base(r.file.Path)}, r.world.Flags...)
	for _, p := range r.flags.policies {
		words = append(words, "--policy", p)
	}
	if r.flags.seeds != "" {
		words = append(words, r.world.SeedFlag, r.flags.seeds)
	}
	for _, s := range r.flags.set {
		words = append(words, "--set", s)
	}
	if r.flags.regret {
		words = append(words, "--regret")
	}
	if r.flags.ledger != defaultLedger {
		words = append(words, "--ledger", r.flags.ledger)
	}
	words = append(words, r.flags.seriesWords()...)
	words = append(words, r.flags.carbon.words()...)
	return shellWords(words)
}

// nodesHint says how the report gets a heat map of the nodes, if it has none.
func (r *experimentRun) nodesHint() string {
	if r.flags.series != defaultSeries {
		return ""
	}
	again := *r
	again.flags.series = nodeSeries
	return "For a heat map of the nodes: " + again.reproduce()
}

// keptSeries tells the replications of a run that keeps more series from others.
func (fl *RunFlags) keptSeries() string {
	if fl.series == nodeSeries {
		return "-" + nodeSeries
	}
	return ""
}

// seriesWords are the flag as it was given.
func (fl *RunFlags) seriesWords() []string {
	if fl.series == nodeSeries {
		return []string{"--series", nodeSeries}
	}
	return nil
}

// shellWords joins words so that a shell takes them apart again.
func shellWords(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		if quoted[i] = w; w == "" || strings.ContainsAny(w, " \t\n'\"\\$&|;<>()[]{}*?!#~`") {
			quoted[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}
