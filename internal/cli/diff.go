package cli

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/why"
)

// diffFlags are what `sim diff` can be told.
type diffFlags struct {
	policy, policyA, policyB, output, color string
	seed                                    optionalSeed
	within                                  time.Duration
	exitCode                                bool
}

func diffCommand(env Env) *cobra.Command {
	var fl diffFlags
	c := &cobra.Command{
		Use:   "diff A [B]",
		Short: "Find the first decision in which two runs differ, and show both sides",
		Long: `Compare the decision ledgers of two runs, seed by seed: two results directories,
or two policies of one. For each seed it shows the first decision in which they
differ with what each side saw, and how far their replicas lie apart over time.
When the scenarios differ too, their differences come first.`,
		Example: `  sim diff results/shop/0123456789ab results/shop/ba9876543210 --policy hpa
  sim diff results/shop/0123456789ab --policy-a hpa --policy-b forecast --seed 3`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(_ *cobra.Command, args []string) error { return runDiff(env, args, fl) },
	}
	f := c.Flags()
	f.StringVar(&fl.policy, "policy", "", "compare this policy of both (default: each that both have)")
	f.StringVar(&fl.policyA, "policy-a", "", "the policy of A")
	f.StringVar(&fl.policyB, "policy-b", "", "the policy of B")
	f.Var(&fl.seed, "seed", "compare this seed only (default: each that both have)")
	f.DurationVar(&fl.within, "within", time.Second, "how far apart decisions may lie that count as taken at the same time")
	f.BoolVar(&fl.exitCode, "exit-code", false, "exit with 99 when there is a difference")
	f.StringVarP(&fl.output, "output", "o", "text", "text or json")
	f.StringVar(&fl.color, "color", "auto", "auto, always or never")
	return c
}

// check refuses flags before a file is read.
func (fl diffFlags) check(dirs int) error {
	if err := checkOutput(fl.output, fl.color, "text", "json"); err != nil {
		return err
	}
	switch {
	case (fl.policyA == "") != (fl.policyB == ""):
		return usageError("--policy-a and --policy-b go together")
	case fl.policyA != "" && fl.policy != "":
		return usageError("--policy is for both sides: give it, or --policy-a and --policy-b")
	case dirs == 1 && fl.policyA == "":
		return usageError("with one directory, name two of its policies with --policy-a and --policy-b")
	case fl.within < 0:
		return usageError("--within %v: want no less than 0s", fl.within)
	}
	return nil
}

// comparison is all that `sim diff` says, as JSON has it.
type comparison struct {
	A         string            `json:"a"` // directory
	B         string            `json:"b"`
	Scenarios string            `json:"scenarios,omitempty"` // how the effective scenarios differ, as a unified diff
	Notes     []string          `json:"notes,omitempty"`
	Pairs     []*why.Difference `json:"pairs"`
}

func runDiff(env Env, dirs []string, fl diffFlags) error {
	if err := fl.check(len(dirs)); err != nil {
		return err
	}
	a, err := openLedger(dirs[0])
	if err != nil {
		return err
	}
	b := a
	if len(dirs) == 2 {
		if b, err = openLedger(dirs[1]); err != nil {
			return err
		}
	}
	c := comparison{A: a.path, B: b.path}
	if err := c.scenarios(a, b); err != nil {
		return err
	}
	pairs, err := fl.pairs(a, b)
	if err != nil {
		return err
	}
	for _, p := range pairs {
		if err := c.add(a, b, p, fl); err != nil {
			return err
		}
	}
	if err := c.print(env, fl); err != nil {
		return err
	}
	if fl.exitCode && slices.ContainsFunc(c.Pairs, func(d *why.Difference) bool { return d.Differs }) {
		return &codedError{exitDiffers, errors.New("the runs decide differently")}
	}
	return nil
}

// scenarios says how what was run differs.
func (c *comparison) scenarios(a, b *ledgerDir) error {
	x, y := a.summary.Scenario, b.summary.Scenario
	if x.SHA256 != y.SHA256 {
		one, err := results.ReadEffective(a.path)
		if err != nil {
			return resultsError(err)
		}
		other, err := results.ReadEffective(b.path)
		if err != nil {
			return resultsError(err)
		}
		c.Scenarios = string(diff.Diff("A/"+results.EffectiveFile, one, "B/"+results.EffectiveFile, other))
	}
	if x.FilesSHA256 != y.FilesSHA256 {
		c.Notes = append(c.Notes, "files that the scenarios name (traces, manifests, series) differ")
	}
	if x.DurationSeconds != y.DurationSeconds {
		c.Notes = append(c.Notes, "the windows are not of the same length: replicas are compared as long as both last")
	}
	return nil
}

// pairs are the policies to compare, of A and of B.
func (fl diffFlags) pairs(a, b *ledgerDir) ([][2]*results.PolicySummary, error) {
	find := func(nameA, flagA, nameB, flagB string) ([][2]*results.PolicySummary, error) {
		x, err := a.policy(nameA, flagA)
		if err != nil {
			return nil, err
		}
		y, err := b.policy(nameB, flagB)
		return [][2]*results.PolicySummary{{x, y}}, err
	}
	switch {
	case fl.policyA != "":
		return find(fl.policyA, "policy-a", fl.policyB, "policy-b")
	case fl.policy != "":
		return find(fl.policy, "policy", fl.policy, "policy")
	}
	var pairs [][2]*results.PolicySummary
	for i := range a.summary.Policies {
		for k := range b.summary.Policies {
			if x, y := &a.summary.Policies[i], &b.summary.Policies[k]; x.Name == y.Name {
				pairs = append(pairs, [2]*results.PolicySummary{x, y})
			}
		}
	}
	if len(pairs) == 0 {
		return nil, usageError("no policy of %s has the name of one of %s: choose two with --policy-a and --policy-b", a.path, b.path)
	}
	return pairs, nil
}

// add compares two policies on each seed that both have.
func (c *comparison) add(a, b *ledgerDir, pair [2]*results.PolicySummary, fl diffFlags) error {
	compared := false
	for _, x := range pair[0].Replications {
		if fl.seed.set && x.Seed != fl.seed.value || !slices.ContainsFunc(pair[1].Replications, func(y results.Replication) bool { return x.Seed == y.Seed }) {
			continue
		}
		one, err := a.run(pair[0].Name, x.Seed)
		if err != nil {
			return err
		}
		other, err := b.run(pair[1].Name, x.Seed)
		if err != nil {
			return err
		}
		compared = true
		c.Pairs = append(c.Pairs, why.Compare(one, other, fl.within.Seconds()))
	}
	if compared {
		return nil
	}
	if !fl.seed.set {
		return usageError("policy %s of %s and policy %s of %s have no seed in common", pair[0].Name, a.path, pair[1].Name, b.path)
	}
	if _, err := a.seed(pair[0], fl.seed); err != nil {
		return err
	}
	_, err := b.seed(pair[1], fl.seed)
	return err
}

// maxDiffLines of the scenarios are shown before the rest is only counted.
const maxDiffLines = 60

func (c *comparison) print(env Env, fl diffFlags) error {
	if fl.output == "json" {
		return printJSON(env, c)
	}
	w := env.Stdout
	fmt.Fprintf(w, "A  %s\nB  %s\n", c.A, c.B)
	for _, n := range c.Notes {
		fmt.Fprintln(w, "note: "+n)
	}
	if c.Scenarios != "" {
		_, body, _ := strings.Cut(c.Scenarios, "\n") // without the command line that it begins with
		lines := strings.SplitAfter(body, "\n")
		fmt.Fprint(w, "the scenarios differ:\n\n", strings.Join(lines[:min(len(lines), maxDiffLines)], ""))
		if len(lines) > maxDiffLines {
			fmt.Fprintf(w, "… and %d more lines: diff the two %s\n", len(lines)-maxDiffLines, results.EffectiveFile)
		}
	}
	for _, d := range c.Pairs {
		if _, err := io.WriteString(w, "\n"); err != nil {
			return filesError(err)
		}
		if err := d.Text(w, why.Options{Color: env.color(w, fl.color), Nodes: 10}); err != nil {
			return filesError(err)
		}
	}
	return nil
}
