package powermodel

import (
	"strconv"
	"strings"
	"testing"
	"text/template"

	"github.com/kwatt-sim/kwatt/internal/golden"
	"github.com/kwatt-sim/kwatt/internal/grade"
)

// docs/power.md is the template with the catalogue's tables filled in.
func TestDocsMatchTheCatalogue(t *testing.T) {
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
		"rel": func(letter string) (string, error) {
			g, err := grade.Parse(letter)
			return percent(GradeUncertainty(g)), err
		},
		"date": func(p Point) string { return p.Date },
		"own": func(p Point) string {
			if p.Rel == 0 {
				return ""
			}
			return percent(p.Rel)
		},
		"mig": func(g GPU) string {
			var cuts []string
			for _, m := range g.MIG {
				cuts = append(cuts, m.Name+" ×"+strconv.Itoa(m.PerGPU))
			}
			return strings.Join(cuts, ", ")
		},
	}
	golden.Page(t, "../../docs/power.md", "testdata/power.md.tmpl", funcs, map[string]any{"GPUs": Catalogue(), "SleepWatts": sleepWatts, "CapLaw": PublishedCapLaw("")})
}

func percent(v float64) string { return "±" + strconv.FormatFloat(100*v, 'f', -1, 64) + " %" }

func watts(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
