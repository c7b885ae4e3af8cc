package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kwatt-sim/kwatt/internal/gate"
	"github.com/kwatt-sim/kwatt/internal/scenario"
	"github.com/kwatt-sim/kwatt/internal/schema"
	"github.com/kwatt-sim/kwatt/internal/study"
	"github.com/kwatt-sim/kwatt/internal/tty"
)

func validateCommand(env Env) *cobra.Command {
	return &cobra.Command{
		Use:   "validate FILE...",
		Short: "Check scenarios, gates and studies and all they name; every fault with file:line:col",
		Long: `validate checks scenario, gate and study files, and Kubernetes manifests on their own:
a HorizontalPodAutoscaler or a KubeSchedulerConfiguration is valid when a cluster
would take it and kwatt can serve what it names.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, files []string) error {
			var errs []error
			for _, file := range files {
				what, err := validate(file)
				if err != nil {
					errs = append(errs, err)
					continue
				}
				fmt.Fprintf(env.Stdout, "%s: valid: %s\n", file, what)
			}
			return errors.Join(errs...)
		},
	}
}

// validate checks a file as the kind it says it is; a scenario when in doubt.
func validate(file string) (what string, err error) {
	data, err := os.ReadFile(file)
	if err != nil {
		_, err := scenario.Load(file) // which says so
		return "", err
	}
	switch kindOf(data, file) {
	case gate.Kind:
		f, err := gate.Load(file)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("gate %s, %d checks of %s", f.Gate.Metadata.Name, len(f.Gate.Spec.Checks), f.Scenario.Path), nil
	case study.Kind:
		p, err := (&studyFlags{}).plan(file)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("study %s, %s, %d configurations of %s", p.Study.Metadata.Name, tty.Count(len(p.Study.Spec.Steps), "step", "steps"), len(p.Configurations), p.ScenarioPath()), nil
	}
	if what, known, err := validateManifest(data, file); known {
		return what, err
	}
	f, err := scenario.Load(file)
	if err != nil {
		return "", err
	}
	spec := f.Scenario.Spec
	return fmt.Sprintf("%s, %s, %s, %s, %v", f.Scenario.Metadata.Name, tty.Count(len(spec.Services), "service", "services"),
		tty.Count(len(spec.Policies), "policy", "policies"), tty.Count(spec.Seeds.Count, "seed", "seeds"), spec.Duration), nil
}

// kindOf reads the kind of an object, "" where it has none.
func kindOf(data []byte, file string) string {
	object, _, _ := schema.DecodeOpen(data, file)
	kind, _ := object["kind"].(string)
	return kind
}

func schemaCommand(env Env) *cobra.Command {
	return &cobra.Command{
		Use:       "schema [scenario|gate|study]",
		Short:     "Print the JSON Schema (2020-12) of scenario, gate or study files",
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"scenario", "gate", "study"},
		RunE: func(_ *cobra.Command, args []string) error {
			write := map[string]func() ([]byte, error){"": scenario.JSONSchema, "scenario": scenario.JSONSchema, "gate": gate.JSONSchema, "study": study.JSONSchema}
			b, err := write[append(args, "")[0]]()
			if err != nil {
				return err
			}
			_, err = env.Stdout.Write(b)
			return filesError(err)
		},
	}
}

func explainCommand(env Env) *cobra.Command {
	var recursive bool
	c := &cobra.Command{
		Use:     "explain [PATH]",
		Short:   "Describe a field of scenario files",
		Example: "  sim explain spec.services.batching\n  sim explain spec.policies.scaler.hpa --recursive",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			text, err := scenario.Explain(append(args, "")[0], recursive)
			if err != nil {
				return &codedError{exitUsage, err}
			}
			_, err = io.WriteString(env.Stdout, text)
			return filesError(err)
		},
	}
	c.Flags().BoolVar(&recursive, "recursive", false, "print all fields below too")
	return c
}

func initCommand(env Env) *cobra.Command {
	var template string
	c := &cobra.Command{
		Use:   "init",
		Short: "Print a commented scenario to start from",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			b, err := scenario.Init(template)
			if err != nil {
				return &codedError{exitUsage, err}
			}
			_, err = env.Stdout.Write(b)
			return filesError(err)
		},
	}
	c.Flags().StringVar(&template, "template", "minimal", strings.Join(scenario.Templates(), ", "))
	return c
}

// load reads a scenario with its --set overrides.
func load(path string, set []string) (*scenario.File, error) {
	return loadFrom(set, func(o []scenario.Override) (*scenario.File, error) { return scenario.Load(path, o...) })
}

func loadFrom(set []string, read func([]scenario.Override) (*scenario.File, error)) (*scenario.File, error) {
	var overrides []scenario.Override
	for _, s := range set {
		o, err := scenario.ParseOverride(s)
		if err != nil {
			return nil, &codedError{exitUsage, fmt.Errorf("--set: %w", err)}
		}
		overrides = append(overrides, o)
	}
	f, err := read(overrides)
	var faults schema.Errors
	if err != nil && len(overrides) > 0 && !errors.As(err, &faults) && exitCode(err) == exitBug {
		return nil, &codedError{exitUsage, fmt.Errorf("--set: %w", err)}
	}
	return f, err
}
