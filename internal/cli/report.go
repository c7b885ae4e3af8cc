package cli

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/kwatt-sim/kwatt/internal/report"
	"github.com/kwatt-sim/kwatt/internal/results"
)

// reportCommand prints the result of an earlier run again.
func reportCommand(env Env) *cobra.Command {
	var output, color string
	var again redraw
	c := &cobra.Command{
		Use:   "report DIR",
		Short: "Print the comparison of an earlier run, after checking its files",
		Example: `  sim report results/shop/0123456789ab
  sim report results/shop/0123456789ab -o html --static-charts > print.html`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := checkOutput(output, color, "text", "json", "md", "html"); err != nil {
				return err
			}
			if again.asked() && output != "html" {
				return usageError("--redraw, --static-charts and --files draw the page: want -o html")
			}
			if err := results.Verify(args[0]); err != nil {
				return resultsError(err)
			}
			if again.asked() {
				page, err := again.page(args[0])
				if err != nil {
					return err
				}
				_, err = env.Stdout.Write(page)
				return filesError(err)
			}
			if file, ok := map[string]string{"md": results.MarkdownFile, "html": results.ReportFile}[output]; ok {
				b, err := os.ReadFile(filepath.Join(args[0], file))
				if err == nil {
					_, err = env.Stdout.Write(b)
				}
				return filesError(err)
			}
			s, _, err := results.Read(args[0])
			if err != nil {
				return resultsError(err)
			}
			return printSummary(env, s, output, color)
		},
	}
	c.Flags().StringVarP(&output, "output", "o", "text", "text, md, html or json")
	c.Flags().StringVar(&output, "format", "text", "the same as --output")
	again.register(c.Flags())
	c.Flags().StringVar(&color, "color", "auto", "auto, always or never")
	return c
}

// resultsError is an error of reading a results directory.
func resultsError(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		err = fmt.Errorf("%w; name the folder of one run, such as results/my-scenario/0123456789ab", err)
	}
	return filesError(err)
}

// checkOutput refuses an -o or --color that is none of the choices.
func checkOutput(output, color string, choices ...string) error {
	if !slices.Contains(choices, output) {
		return usageError("-o %s: want %s", output, strings.Join(choices, ", "))
	}
	return checkColor(color)
}

func checkColor(color string) error {
	if !slices.Contains([]string{"auto", "always", "never"}, color) {
		return usageError("--color %s: want auto, always or never", color)
	}
	return nil
}

func printSummary(env Env, s *results.Summary, output, color string) error {
	switch output {
	case "json":
		return printJSON(env, s)
	case "text":
		return filesError(report.Text(env.Stdout, s, report.Options{Color: env.color(env.Stdout, color), Currency: s.Currency}))
	}
	return nil
}

// render makes summary.md and report.html.
func render(s *results.Summary, runs []*results.Run, d report.Document) (markdown, html []byte, err error) {
	var md, page bytes.Buffer
	if err := report.Markdown(&md, s, report.Options{Currency: d.Currency, Command: d.Command}); err != nil {
		return nil, nil, err
	}
	d.Summary, d.Runs = s, runs
	if err := report.HTML(&page, d); err != nil {
		return nil, nil, err
	}
	return md.Bytes(), page.Bytes(), nil
}

// manifest is the only place with wall-clock, host and versions.
func manifest(env Env, program string, started time.Time) results.Manifest {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return results.Manifest{
		Tool: "kwatt " + program, Version: version, GoVersion: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH,
		Host: host, CPUs: runtime.NumCPU(), Started: started.Format(time.RFC3339), Finished: env.Now().Format(time.RFC3339),
		Command: append([]string{program}, env.Args...),
	}
}

// binaryID tells this build from another, so that the replications of an
// interrupted run are never continued by a program that computes otherwise.
var binaryID = sync.OnceValue(func() string {
	h := sha256.New()
	if path, err := os.Executable(); err == nil {
		if f, err := os.Open(path); err == nil {
			defer f.Close()
			if _, err := io.Copy(h, f); err == nil {
				return hex.EncodeToString(h.Sum(nil))[:8]
			}
		}
	}
	return fmt.Sprintf("v%s", version)
})
