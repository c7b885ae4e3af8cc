package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/kwatt-sim/kwatt/"

// layers, from the top. A package may import what stands in a lower layer.
var layers = [][]string{
	{
		"cmd/replay",
		"cmd/sim",
		"docs/examples/external-scaler",
	},
	{
		"internal/cli/replay",
	},
	{
		"internal/cli",
	},
	{
		"internal/plan",
		"internal/study",
	},
	{
		"internal/gate",
		"internal/sweep",
	},
	{
		"internal/carbonheader",
		"internal/kube/schedsim",
		"internal/kube/sweepjob",
		"internal/nvml",
		"internal/nvml/cuda",
		"internal/openmetrics",
		"internal/report",
		"internal/why",
	},
	{
		"internal/calibrate/gputest",
		"internal/calibrate/loadgen",
		"internal/experiment",
	},
	{
		"internal/calibrate",
		"internal/kube/replay",
		"internal/parity",
		"internal/scenario",
	},
	{
		"internal/powerfile",
	},
	{
		"internal/engine",
		"internal/powerprofile",
		"internal/schema/gendoc",
	},
	{
		"internal/policies/all",
		"internal/results",
		"internal/schema",
	},
	{
		"internal/kube/keda",
	},
	{
		"internal/forecast/backtest",
		"internal/kube/controlplane/component",
		"internal/kube/hpa",
		"internal/kube/kpa",
		"internal/kube/scheduler",
		"internal/policies/carbonaware",
		"internal/policies/energyaware",
		"internal/policies/forecast",
		"internal/policies/oracle",
		"internal/policies/routing",
		"internal/policies/static",
		"internal/stats",
	},
	{
		"internal/cluster/clustertest",
		"internal/forecast/lstm",
		"internal/kube/controlplane",
		"internal/kube/externalscaler",
		"internal/kube/hpa/hpatest",
		"internal/kube/manifest",
		"internal/kube/placements",
		"internal/policies/capacity",
	},
	{
		"internal/forecast",
		"internal/policies",
		"internal/queueing",
	},
	{
		"internal/carbon",
		"internal/cluster",
		"internal/cost",
		"internal/poweraccuracy",
		"internal/serving",
		"internal/workload",
	},
	{
		"internal/decisions",
		"internal/kube/plugins/carbonaware",
		"internal/kube/plugins/energyaware",
		"internal/metrics",
		"internal/powerfit",
		"internal/powermodel",
		"internal/profiles",
	},
	{
		"internal/golden",
		"internal/grade",
		"internal/kube/plugins/power",
		"internal/nvml/fakedriver",
		"internal/rng",
		"internal/tty",
		"internal/units",
		"internal/vtime",
	},
}

// The table in docs/design.md has the packages of layers, in their order.
func TestDesignPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/design.md")
	if err != nil {
		t.Fatal(err)
	}
	layer := map[string]int{}
	for i, packages := range layers {
		for _, p := range packages {
			layer[p] = i
		}
	}
	seen, last := map[string]bool{}, 0
	quoted := regexp.MustCompile("`((?:cmd|internal|docs/examples)/[^`]*)`")
	for row := range strings.Lines(string(page)) {
		cells := strings.Split(row, "|")
		if len(cells) != 4 {
			continue
		}
		for _, m := range quoted.FindAllStringSubmatch(cells[1], -1) {
			before, names, _ := strings.Cut(m[1], "{")
			for name := range strings.SplitSeq(strings.TrimSuffix(names, "}"), ",") {
				p := before + name
				i, ok := layer[p]
				if !ok || seen[p] || i < last {
					t.Errorf("docs/design.md: %s is in no layer, twice in the table or after a lower one", p)
				}
				seen[p], last = true, max(last, i)
			}
		}
	}
	for p := range layer {
		if !seen[p] {
			t.Errorf("docs/design.md: %s is missing from the table", p)
		}
	}
}

// exclusive says who alone may import a package from outside the module (by
// prefix), tests aside.
var exclusive = map[string][]string{
	"gopkg.in/yaml.v3":                 {"internal/scenario", "internal/schema"},
	"k8s.io/":                          {"internal/kube"},
	"sigs.k8s.io/":                     {"internal/kube"},
	"go.etcd.io/":                      {"internal/kube/controlplane"},
	"github.com/NVIDIA/go-nvml":        {"internal/nvml"},
	"github.com/prometheus/":           {"internal/cli"},
	"github.com/go-echarts/":           {"internal/report"},
	"gonum.org/v1/plot":                {"internal/report"},
	"github.com/spf13/cobra":           {"internal/cli"},
	"github.com/vbauerster/mpb/":       {"internal/cli"},
	"github.com/parquet-go/parquet-go": {"internal/results"},
	"google.golang.org/":               {"internal/kube/externalscaler", "docs/examples"},
	"math/rand":                        {}, // math/rand/v2 is another path
}

type pkg struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	Imports    []string
}

func list(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,GoFiles,Imports", module+"...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var pkgs []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

func layerOf(path string) int {
	return slices.IndexFunc(layers, func(l []string) bool { return slices.Contains(l, path) })
}

func TestImportsGoDown(t *testing.T) {
	pkgs := list(t)
	if len(pkgs) < 20 {
		t.Fatalf("go list found only %d packages", len(pkgs))
	}
	for _, p := range pkgs {
		from := strings.TrimPrefix(p.ImportPath, module)
		if from == "internal/archtest" {
			continue
		}
		layer := layerOf(from)
		if layer < 0 {
			t.Errorf("%s is in no layer: give it a place in internal/archtest", from)
			continue
		}
		for _, imp := range p.Imports {
			to, ours := strings.CutPrefix(imp, module)
			if !ours {
				continue
			}
			if l := layerOf(to); l <= layer {
				t.Errorf("%s (layer %d) imports %s (layer %d): imports go down", from, layer, to, l)
			}
		}
	}
}

func TestExclusiveImports(t *testing.T) {
	for _, p := range list(t) {
		from := strings.TrimPrefix(p.ImportPath, module)
		for _, imp := range p.Imports {
			for prefix, allowed := range exclusive {
				hit := imp == prefix || (strings.HasSuffix(prefix, "/") && strings.HasPrefix(imp, prefix)) ||
					(prefix != "math/rand" && strings.HasPrefix(imp, prefix+"/"))
				if hit && !slices.ContainsFunc(allowed, func(a string) bool { return from == a || strings.HasPrefix(from, a+"/") }) {
					t.Errorf("%s imports %s, which only %v may", from, imp, allowed)
				}
			}
		}
	}
}

// clocks are the packages that may know the wall clock.
var clocks = []string{"internal/cli", "internal/kube", "internal/nvml"}

// Time is a value that a model is given; only the edges read a clock.
func TestOnlyTheEdgesReadTheClock(t *testing.T) {
	forbidden := []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}
	files := 0
	for _, p := range list(t) {
		if slices.ContainsFunc(clocks, func(c string) bool { return strings.HasPrefix(strings.TrimPrefix(p.ImportPath, module)+"/", c+"/") }) {
			continue
		}
		for _, name := range p.GoFiles {
			files++
			fset := token.NewFileSet()
			file, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				sel, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" && x.Obj == nil && slices.Contains(forbidden, sel.Sel.Name) {
					t.Errorf("%s: time.%s: time is a value we are given; only %v know the wall clock", fset.Position(sel.Pos()), sel.Sel.Name, clocks)
				}
				return true
			})
		}
	}
	if files < 100 {
		t.Fatalf("only %d files were read", files)
	}
}
