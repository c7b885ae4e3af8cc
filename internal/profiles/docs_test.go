package profiles

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/template"

	"github.com/kwatt-sim/kwatt/internal/golden"
)

// A docSource is a citation of the page with the notes of its profiles.
type docSource struct {
	Citation string
	Notes    []string
}

// docs/profiles.md is the template with the tables filled in.
func TestDocsMatchTheProfiles(t *testing.T) {
	sources := docSources()
	funcs := template.FuncMap{
		"title": Title,
		"of": func(model string) []Profile {
			return slices.DeleteFunc(All(), func(p Profile) bool { return p.Model != model })
		},
		"ms": func(p Profile, batch int) string {
			ms := strconv.FormatFloat(p.BatchSeconds(batch)*1e3, 'g', 3, 64)
			if batch*p.Items > p.Batch[len(p.Batch)-1] {
				return "~" + ms
			}
			return ms
		},
		"source": func(p Profile) int {
			return 1 + slices.IndexFunc(sources, func(s docSource) bool { return s.Citation == p.Source })
		},
		"inc": func(i int) int { return i + 1 },
	}
	golden.Page(t, "../../docs/profiles.md", "testdata/profiles.md.tmpl", funcs, map[string]any{"Models": Models(), "Sources": sources})
}

// docSources collects the citations in order of appearance. A note that all
// profiles of a source share stands once; others name their profile.
func docSources() []docSource {
	var sources []docSource
	for _, p := range All() {
		i := slices.IndexFunc(sources, func(s docSource) bool { return s.Citation == p.Source })
		if i < 0 {
			i = len(sources)
			sources = append(sources, docSource{Citation: p.Source})
		}
		note := p.Note
		if strings.HasPrefix(p.Source, "derived") {
			note = "`" + p.Model + "` " + p.Variant + " on `" + p.GPU + "`: " + note
		}
		if !slices.Contains(sources[i].Notes, note) {
			sources[i].Notes = append(sources[i].Notes, note)
		}
	}
	return sources
}
