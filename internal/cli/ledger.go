package cli

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/why"
)

// ledgerDir is a results directory whose decisions are asked for.
type ledgerDir struct {
	path     string
	summary  *results.Summary
	manifest *results.Manifest
}

func openLedger(path string) (*ledgerDir, error) {
	s, m, err := results.Read(path)
	if err != nil {
		return nil, resultsError(err)
	}
	return &ledgerDir{path, s, m}, nil
}

// chosenRun opens a results directory and finds the replication that --policy
// and --seed choose.
func chosenRun(path, policy string, seed optionalSeed) (*ledgerDir, *results.PolicySummary, uint64, error) {
	l, err := openLedger(path)
	if err != nil {
		return nil, nil, 0, err
	}
	p, err := l.policy(policy, "policy")
	if err != nil {
		return nil, nil, 0, err
	}
	n, err := l.seed(p, seed)
	return l, p, n, err
}

// policy finds a policy of the run; "" stands for the only one there is. flag
// is what the user chose it with.
func (l *ledgerDir) policy(name, flag string) (*results.PolicySummary, error) {
	var names []string
	for i, p := range l.summary.Policies {
		if p.Name == name || name == "" && len(l.summary.Policies) == 1 {
			return &l.summary.Policies[i], nil
		}
		names = append(names, p.Name)
	}
	if name == "" {
		return nil, usageError("%s has the policies %s: choose one with --%s", l.path, strings.Join(names, ", "), flag)
	}
	return nil, usageError("--%s %s: %s has %s", flag, name, l.path, strings.Join(names, ", "))
}

// seed finds a seed of the policy; without one it is the first.
func (l *ledgerDir) seed(p *results.PolicySummary, chosen optionalSeed) (uint64, error) {
	var seeds []string
	for _, r := range p.Replications {
		if !chosen.set || r.Seed == chosen.value {
			return r.Seed, nil
		}
		seeds = append(seeds, fmt.Sprint(r.Seed))
	}
	return 0, usageError("--seed %d: policy %s of %s was run with the seeds %s", chosen.value, p.Name, l.path, strings.Join(seeds, ", "))
}

// run reads the ledger of one replication.
func (l *ledgerDir) run(policy string, seed uint64) (*why.Run, error) {
	entries, err := results.ReadRunDecisions(l.path, results.RunKey{Policy: policy, Seed: seed})
	if err != nil {
		return nil, resultsError(err)
	}
	r := &why.Run{
		Scenario: l.summary.Scenario.Name, Policy: policy, Seed: seed,
		Duration: l.summary.Scenario.DurationSeconds, Entries: entries, Recorder: l.recorder(policy, seed),
	}
	if start := l.summary.Scenario.Start; start != "" {
		if r.Start, err = time.Parse(time.RFC3339, start); err != nil {
			return nil, filesError(fmt.Errorf("read results %s: %s: scenario.start: %w", l.path, results.SummaryFile, err))
		}
	}
	return r, nil
}

// recorder is the command that runs this replication again and keeps each
// node's results.
func (l *ledgerDir) recorder(policy string, seed uint64) string {
	program, seeds := simulation.Program, simulation.SeedFlag
	if words := l.manifest.Command; len(words) > 0 && words[0] == replayProgram {
		program, seeds = replayProgram, "--seed"
	}
	fl, world, files := l.commandLine()
	words := append([]string{program, "run"}, files...)
	words = append(words, world...)
	for _, s := range fl.set {
		words = append(words, "--set", s)
	}
	words = append(words, "--policy", policy, seeds, fmt.Sprint(seed), "--ledger", "nodes")
	if fl.out != defaultOut {
		words = append(words, "--out", fl.out)
	}
	return shellWords(words)
}

// command takes apart the command line that wrote the directory: its flags and
// scenarios. What it cannot read becomes SCENARIO.
func (l *ledgerDir) command() (RunFlags, []string) {
	fl, _, files := l.commandLine()
	return fl, files
}

// replayProgram is the other program that writes results directories.
const replayProgram = "replay"

// commandLine also returns the flags of replay that lead to the same world again.
func (l *ledgerDir) commandLine() (fl RunFlags, world, files []string) {
	set := pflag.NewFlagSet("run", pflag.ContinueOnError)
	set.SetOutput(io.Discard)
	fl.registerSim(set)
	set.String("seed", "", "")
	own := pflag.NewFlagSet(replayProgram, pflag.ContinueOnError)
	for _, name := range []string{"speed", "kubeconfig", "context", "namespace"} {
		own.String(name, "", "")
	}
	own.Bool("inexact", false, "")
	own.Bool("force", false, "")
	set.AddFlagSet(own)
	words := l.manifest.Command
	if len(words) <= 2 || words[1] != "run" || set.Parse(words[2:]) != nil || set.NArg() == 0 {
		return RunFlags{out: defaultOut}, nil, []string{"SCENARIO"}
	}
	own.VisitAll(func(f *pflag.Flag) {
		if f.Changed {
			world = append(world, "--"+f.Name+"="+f.Value.String())
		}
	})
	return fl, world, set.Args()
}

// optionalSeed is a flag that may be missing: any number is a seed.
type optionalSeed struct {
	value uint64
	set   bool
}

func (s *optionalSeed) String() string {
	if !s.set {
		return ""
	}
	return fmt.Sprint(s.value)
}

// Set implements pflag.Value.
func (s *optionalSeed) Set(text string) error {
	_, err := fmt.Sscanf(text, "%d", &s.value)
	if err != nil || fmt.Sprint(s.value) != text {
		return errors.New("want a whole number")
	}
	s.set = true
	return nil
}

// Type implements pflag.Value.
func (*optionalSeed) Type() string { return "seed" }

// oneOf refuses a value that is none of the choices.
func oneOf(flag, value string, choices ...string) error {
	if value != "" && !slices.Contains(choices, value) {
		return usageError("--%s %s: want one of %s", flag, value, strings.Join(choices, ", "))
	}
	return nil
}
