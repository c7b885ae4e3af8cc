package cli

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/why"
)

// whyFlags are what `sim why` can be told.
type whyFlags struct {
	policy, at, nodes, output, color string
	seed                             optionalSeed
	query                            why.Query
	around                           time.Duration
}

func whyCommand(env Env) *cobra.Command {
	var fl whyFlags
	c := &cobra.Command{
		Use:   "why DIR",
		Short: "Tell why a scaler, the scheduler or the cluster did what it did",
		Long: `Tell from the decision ledger of a run what was decided at an instant, or last
before it by each scaler: what it saw, what that asked for, what held it back,
and when the capacity came. An instant is an offset from the start (20h15m30s),
a time of day (20:15:30) or a date (2017-12-02T20:15:30+08:00); without --at it is
the end. --pod and --node tell the story of a pod or a node, --kind the last
decision of a kind. How the nodes were filtered and scored is there after
sim run --ledger nodes.`,
		Example: `  sim why results/shop/0123456789ab --policy hpa --at 20h15m30s
  sim why results/shop/0123456789ab --policy hpa --pod ranker-14
  sim why results/shop/0123456789ab --policy hpa --at 20:15 --kind bind --nodes all`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return runWhy(env, args[0], fl) },
	}
	f := c.Flags()
	f.StringVar(&fl.policy, "policy", "", "the policy; may be left out when there is only one")
	f.Var(&fl.seed, "seed", "the replication (default: the first)")
	f.StringVar(&fl.query.Service, "service", "", "only this service")
	f.StringVar(&fl.at, "at", "", "the instant (default: the end)")
	f.DurationVar(&fl.around, "around", 5*time.Minute, "how much before and after it to list events")
	f.StringVar(&fl.query.Kind, "kind", "", "the last decision of this kind, for example bind or node-on")
	f.StringVar(&fl.query.Pod, "pod", "", "the story of a pod")
	f.StringVar(&fl.query.Node, "node", "", "the story of a node")
	f.StringVar(&fl.nodes, "nodes", "10", "how many nodes of a placement to list, or all")
	f.StringVarP(&fl.output, "output", "o", "text", "text or json")
	f.StringVar(&fl.color, "color", "auto", "auto, always or never")
	return c
}

// check refuses flags before a file is read, and returns how many nodes to list.
func (fl whyFlags) check() (nodes int, err error) {
	if err := checkOutput(fl.output, fl.color, "text", "json"); err != nil {
		return 0, err
	}
	if err := oneOf("kind", fl.query.Kind, decisions.Kinds()...); err != nil {
		return 0, err
	}
	if fl.around < 0 {
		return 0, usageError("--around %v: want no less than 0s", fl.around)
	}
	if fl.nodes != "all" {
		if nodes, err = strconv.Atoi(fl.nodes); err != nil || nodes < 1 {
			return 0, usageError("--nodes %s: want a number from 1, or all", fl.nodes)
		}
	}
	return nodes, nil
}

func runWhy(env Env, dir string, fl whyFlags) error {
	nodes, err := fl.check()
	if err != nil {
		return err
	}
	l, p, seed, err := chosenRun(dir, fl.policy, fl.seed)
	if err != nil {
		return err
	}
	run, err := l.run(p.Name, seed)
	if err != nil {
		return err
	}
	q := fl.query
	q.Whole, q.Around = fl.at == "", fl.around.Seconds()
	if q.At, err = instant(fl.at, run); err != nil {
		return err
	}
	answer, err := run.Ask(q)
	if err != nil {
		return usageError("%w", err)
	}
	if fl.output == "json" {
		return printJSON(env, answer)
	}
	return filesError(answer.Text(env.Stdout, why.Options{Color: env.color(env.Stdout, fl.color), Nodes: nodes}))
}

func printJSON(env Env, v any) error {
	e := json.NewEncoder(env.Stdout)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return filesError(e.Encode(v))
}
