package powermodel

import (
	"flag"
	"os"
	"strconv"
	"strings"
	"testing"
	"text/template"
)

var update = flag.Bool("update", false, "rewrite docs/power.md")

// docs/power.md is the template with the catalogue's tables filled in.
func TestDocsMatchTheCatalogue(t *testing.T) {
	const page = "../../docs/power.md"
	funcs := template.FuncMap{
		"cell": func(p Point) string { return watts(p.Value) + " " + p.Grade.String() },
		"busy": func(g GPU) string {
			var points []string
			for _, b := range g.Busy {
				points = append(points, strconv.Itoa(b.Batch)+": "+watts(b.Watts.Value)+" "+b.Watts.Grade.String())
			}
			return strings.Join(points, ", ")
		},
		"watts": watts,
		"mig": func(g GPU) string {
			var cuts []string
			for _, m := range g.MIG {
				cuts = append(cuts, m.Name+" ×"+strconv.Itoa(m.PerGPU))
			}
			return strings.Join(cuts, ", ")
		},
	}
	tmpl, err := template.New("power.md.tmpl").Funcs(funcs).ParseFiles("testdata/power.md.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := tmpl.Execute(&b, map[string]any{"GPUs": Catalogue(), "SleepWatts": sleepWatts}); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(page, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != b.String() {
		t.Errorf("%s is stale: run go test ./internal/powermodel -run Docs -update", page)
	}
}

func watts(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
