package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"html"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/kwatt-sim/kwatt/internal/results"
)

// standInLibrary takes the charting library's place, which a plain clone lacks.
var standInLibrary = []byte(`var echarts = {init: null}; // "quotes" & <angles>`)

// modes are the two ways to draw.
var modes = []struct {
	name string
	lib  []byte
}{{"interactive", standInLibrary}, {"static", nil}}

func render(t testing.TB, d Document, lib []byte) string {
	t.Helper()
	var b bytes.Buffer
	if err := writeHTML(&b, d, lib); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var (
	executed = regexp.MustCompile(`(?s)<script>(.*?)</script>`)
	dataOnly = regexp.MustCompile(`(?s)<script type="application/json"[^>]*>(.*?)</script>`)
	outward  = regexp.MustCompile(`(?i)(src|href|action|srcset|poster)\s*=|@import|url\(|<link|<base|<iframe|<object|<embed|<img|<form`)
	csp      = regexp.MustCompile(`http-equiv="Content-Security-Policy" content="([^"]*)"`)
)

func TestHTMLIsAFunctionOfItsDocument(t *testing.T) {
	for _, m := range modes {
		d := fixture(t, "ranker", fixturePolicies, 3, 180)
		first := render(t, d, m.lib)
		slices.Reverse(d.Runs) // the order in which runs finish must not matter
		if second := render(t, d, m.lib); first != second {
			t.Errorf("%s: two renderings of one document differ", m.name)
		}
	}
}

func TestHTMLLoadsNothing(t *testing.T) {
	d := fixture(t, "ranker", fixturePolicies, 3, 180)
	for _, m := range modes {
		page := render(t, d, m.lib)
		if found := outward.FindString(page); found != "" {
			t.Errorf("%s: the page holds %q", m.name, found)
		}
		for _, addr := range regexp.MustCompile(`(?i)https?://[^"'\s<]*`).FindAllString(page, -1) {
			if addr != "http://www.w3.org/2000/svg" { // the name of a namespace
				t.Errorf("%s: the page holds the address %q", m.name, addr)
			}
		}
	}
}

func TestHTMLPolicyAllowsItsOwnScriptsOnly(t *testing.T) {
	d := fixture(t, "ranker", fixturePolicies, 3, 180)
	for _, m := range modes {
		page := render(t, d, m.lib)
		policy := html.UnescapeString(csp.FindStringSubmatch(page)[1])
		scripts := executed.FindAllStringSubmatch(page, -1)
		want := "script-src"
		for _, s := range scripts {
			sum := sha256.Sum256([]byte(s[1]))
			want += " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
		}
		if m.lib == nil {
			want += " 'none'"
			if strings.Contains(page, "<script") {
				t.Error("the static page holds a script")
			}
		} else if len(scripts) != 2 {
			t.Errorf("the interactive page executes %d scripts, want the library and our own", len(scripts))
		}
		want = "default-src 'none'; " + want + "; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
		if policy != want {
			t.Errorf("%s: policy\n%s\nwant\n%s", m.name, policy, want)
		}
	}
}

// Names end a script, open a tag, close an attribute, leave XML.
var hostileNames = []string{
	`</script><script>alert(1)</script>`, `<img src=x onerror=alert(1)>`, `"><svg onload=alert(1)>`,
	`' onmouseover='alert(1)`, `]]><!--`, "{{.Command}}", `\u003c/script\u003e`, "a\u2028b",
}

func TestHTMLHostileNamesAreInert(t *testing.T) {
	tags := regexp.MustCompile(`<[a-zA-Z!/][^\s>]*`)
	named := func(name string, lib []byte) string {
		policies := slices.Clone(fixturePolicies[:2])
		for i := range policies {
			policies[i].name += name
		}
		d := fixture(t, "s"+name, policies, 3, 60)
		d.Title, d.Description, d.Command, d.Currency = name, name, name, name
		d.Summary.Notes = append(d.Summary.Notes, results.Note{Kind: results.NoteSource, Text: name})
		return render(t, d, lib)
	}
	for _, m := range modes {
		for _, name := range hostileNames {
			page := named(name, m.lib)
			harmless := named(strings.Repeat("x", utf8.RuneCountInString(name)), m.lib)
			if !slices.Equal(tags.FindAllString(page, -1), tags.FindAllString(harmless, -1)) {
				t.Errorf("%s: %q changes the page's tags", m.name, name)
			}
			if m.lib != nil && !strings.Contains(seriesNames(t, page), "|hpa"+name+"|") {
				t.Errorf("%q does not reach the charts unchanged", name)
			}
		}
	}
}

// seriesNames joins the names of all series in a page's data blocks.
func seriesNames(t *testing.T, page string) string {
	t.Helper()
	names := "|"
	for _, block := range dataOnly.FindAllStringSubmatch(page, -1) {
		var data struct {
			Option struct{ Series []struct{ Name string } }
		}
		if err := json.Unmarshal([]byte(block[1]), &data); err != nil {
			t.Fatalf("a data block is not JSON: %v", err)
		}
		for _, s := range data.Option.Series {
			names += s.Name + "|"
		}
	}
	return names
}

func TestHTMLWithLittleToShow(t *testing.T) {
	full := fixture(t, "ranker", fixturePolicies, 2, 60)
	one := fixture(t, "ranker", fixturePolicies[:1], 1, 60)
	unmeasured := fixture(t, "ranker", fixturePolicies, 2, 60)
	for _, r := range unmeasured.Runs {
		for i := range r.Points {
			p := &r.Points[i]
			p.LatencyP95, p.CO2eRate = nil, nil
			p.LatencyP50, p.FacilityWatts = ptr(math.NaN()), ptr(math.Inf(1))
		}
	}
	noPoints := fixture(t, "ranker", fixturePolicies, 2, 0)
	cases := map[string]Document{
		"no policy": {Summary: &results.Summary{}},
		"no runs":   {Summary: full.Summary, SLOs: full.SLOs},
		"nil run":   {Summary: full.Summary, Runs: []*results.Run{nil}},
		"no points": noPoints,
		"one":       one,
		"no values": unmeasured,
		"stranger":  {Summary: one.Summary, Runs: full.Runs, Services: []string{"other", "ranker"}},
	}
	for name, d := range cases {
		for _, m := range modes {
			page := render(t, d, m.lib)
			for _, bad := range []string{"NaN", "Inf", "%!"} {
				if strings.Contains(strings.ReplaceAll(page, "Number.isNaN", ""), bad) {
					t.Errorf("%s, %s: the page holds %q", name, m.name, bad)
				}
			}
			seriesNames(t, page) // all data blocks are JSON
			if !strings.HasSuffix(page, "</html>\n") {
				t.Errorf("%s, %s: the page has no end", name, m.name)
			}
		}
	}
}

func TestHTMLShowsEveryCatalogueFigure(t *testing.T) {
	d := fixture(t, "ranker", fixturePolicies, 3, 60)
	page := render(t, d, nil)
	for name := range d.Summary.Policies[0].Metrics {
		if !strings.Contains(page, `title="`+name+": ") {
			t.Errorf("metric %s is not in the page", name)
		}
	}
	for _, text := range []string{
		d.Command, d.Summary.Scenario.SHA256, "Drawn: seed 1, bins of 1m", "3 seeds", "4 policies",
		"60% of the node energy of energy-aware rests on grade X", "SLO 100 ms", "power <b>X</b>, service time <b>B</b>, carbon <b>A</b>",
		"met by month, day and hour", "a source that asks for attribution", "too few seeds", "2 December 2017 (UTC",
	} {
		if !strings.Contains(page, text) {
			t.Errorf("the page lacks %q", text)
		}
	}
}

func TestHTMLChartIDs(t *testing.T) {
	want := []string{
		"chart-tradeoff", "chart-pareto", "chart-relative", "chart-relative-latency", "chart-demand-0", "chart-p95-0", "chart-p99-0", "chart-p50-0",
		"chart-replicas-0", "chart-busy-0", "chart-nodes", "chart-power",
		"chart-state-0", "chart-state-1", "chart-state-2", "chart-state-3", "chart-co2e", "chart-intensity",
	}
	for _, m := range modes {
		var got []string
		for _, match := range regexp.MustCompile(`<div[^>]* id="(chart-[^"]*)"|<div id="(chart-[^"]*)"`).FindAllStringSubmatch(
			render(t, fixture(t, "ranker", fixturePolicies, 3, 600), m.lib), -1) {
			got = append(got, match[1]+match[2])
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: charts %v, want %v", m.name, got, want)
		}
	}
}

func TestHTMLSeveralServices(t *testing.T) {
	d := fixture(t, "a", fixturePolicies[:2], 2, 60)
	other := fixture(t, "b", fixturePolicies[:2], 2, 60)
	for i, r := range d.Runs {
		r.Points = append(r.Points, other.Runs[i].Points...)
	}
	for i := range d.Summary.Policies {
		d.Summary.Policies[i].Services["b"] = other.Summary.Policies[i].Services["b"]
	}
	d.Services = nil
	page := render(t, d, nil)
	for _, want := range []string{"Service a: all metrics", "Service b: all metrics", `id="chart-p95-1"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestHTMLErrors(t *testing.T) {
	if err := HTML(&bytes.Buffer{}, Document{StaticCharts: true}); err == nil {
		t.Error("a document without a summary was written")
	}
	d := fixture(t, "ranker", fixturePolicies[:1], 1, 10)
	broken := errors.New("disk full")
	if err := writeHTML(failingWriter{broken}, d, nil); !errors.Is(err, broken) || !strings.Contains(err.Error(), "ecommerce-recsys") {
		t.Errorf("error %v does not name the report and its cause", err)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

// What the binary embeds is either absent or the pinned file.
func TestHTMLWithWhatThisBuildEmbeds(t *testing.T) {
	lib, err := embeddedECharts()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("charting library: %d bytes", len(lib))
	d := fixture(t, "ranker", fixturePolicies, 2, 1440)
	d.Start = time.Time{}
	for _, static := range []bool{false, true} {
		d.StaticCharts = static
		var b bytes.Buffer
		if err := HTML(&b, d); err != nil {
			t.Fatal(err)
		}
		if b.Len() > 2_000_000 {
			t.Errorf("a day of four policies takes %d bytes, want at most 2 MB", b.Len())
		}
		if inline := strings.Contains(b.String(), "<svg class="); inline != (static || lib == nil) {
			t.Errorf("static %v: inline drawings %v", static, inline)
		}
	}
}
