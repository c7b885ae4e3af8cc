package report

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/kwatt-sim/kwatt/internal/results"
)

// Document is what an HTML report is made of. The same document gives the same
// bytes: it holds no wall clock, host or path.
type Document struct {
	Summary *results.Summary
	// Runs give the charts over time: for each policy the one with the
	// smallest seed is drawn, the others are left aside.
	Runs        []*results.Run
	Title       string   // "" means the scenario's name
	Description string   // a line or two below the title
	Services    []string // in the scenario's order; nil takes them from the summary, sorted
	SLOs        []SLO
	Start       time.Time // of the trace's window, on its own clock; zero labels the time axis from 0
	Currency    string    // label of costs; "" means USD
	Command     string    // the command line that reproduces the result
	// NodesHint says how to get the series of nodes, where the runs have none.
	NodesHint string
	// StaticCharts asks for SVG charts and no script even where the build
	// holds the charting library: a smaller file, and one for print.
	StaticCharts bool
}

// SLO is a service's latency target.
type SLO struct {
	Service  string
	Quantile string // p50, p90, p95 or p99
	Seconds  float64
}

// metric is the catalogue's name of the latency that the target is about.
func (s SLO) metric() string { return "latency_" + s.Quantile + "_seconds" }

// Points of a series at most: what a screen can show, and an inline drawing
// half as wide.
const (
	maxPoints    = 2000
	maxSVGPoints = 1000
)

//go:embed templates
var templateFiles embed.FS

var pageTemplate = template.Must(template.ParseFS(templateFiles, "templates/*.tmpl"))

// HTML writes the report as one page that opens without a network. Its charts
// are interactive where the build embeds the charting library (`make assets`)
// and static drawings otherwise. A content security policy forbids the page to
// load anything, or to run a script other than its own.
func HTML(w io.Writer, d Document) error {
	var lib []byte
	if !d.StaticCharts {
		var err error
		if lib, err = embeddedECharts(); err != nil {
			return err
		}
	}
	return writeHTML(w, d, lib)
}

// writeHTML draws with the library given, or without one as SVG.
func writeHTML(w io.Writer, d Document, lib []byte) error {
	if d.Summary == nil {
		return errors.New("write HTML report: the document has no summary")
	}
	page, err := newPage(d, lib)
	if err != nil {
		return fmt.Errorf("write HTML report of %s: %w", d.Summary.Scenario.Name, err)
	}
	var b bytes.Buffer // a page that fails half-way is not written at all
	if err := pageTemplate.ExecuteTemplate(&b, "page.tmpl", page); err != nil {
		return fmt.Errorf("write HTML report of %s: %w", d.Summary.Scenario.Name, err)
	}
	if _, err := b.WriteTo(w); err != nil {
		return fmt.Errorf("write HTML report of %s: %w", d.Summary.Scenario.Name, err)
	}
	return nil
}

// page is what the template shows.
type page struct {
	Document
	CSP     string
	CSS     template.CSS
	Library template.JS // empty with static charts
	Script  template.JS
	Axis    axisData
	Tables  *tables
	Compare []figure
	Groups  []figureGroup
	Seed    string // which replication the charts over time draw
}

// axisData is what the page's script must know to label the time axis.
type axisData struct {
	Midnight *int64  `json:"midnight"` // of minute 0, in ms since 1970 as if its clock were UTC's; null without a clock
	Start    float64 `json:"start"`    // minutes
	Span     float64 `json:"span"`     // minutes
	Step     float64 `json:"step"`     // minutes
}

// figureGroup is a service's charts, or the cluster's.
type figureGroup struct {
	Title   string
	Bins    string // over what time one value is taken
	Figures []figure
}

// figure is a chart, drawn: Data for the charting library, or else SVG.
type figure struct {
	*chart
	Data   *figureData
	SVG    template.HTML
	Height int // CSS pixels
}

// figureData is what the page's script reads to draw a chart.
type figureData struct {
	Option map[string]any `json:"option"`
	Unit   string         `json:"unit"`
	Time   bool           `json:"time"` // has the common time axis
	Pile   bool           `json:"pile"` // each series stands on those after it
	Keys   [][]string     `json:"keys"` // the series behind each entry of the legend
	Heat   *heatData      `json:"heat,omitempty"`
}

func newPage(d Document, lib []byte) (*page, error) {
	if d.Title == "" {
		d.Title = d.Summary.Scenario.Name
	}
	if d.Currency == "" {
		d.Currency = "USD"
	}
	if d.Services == nil {
		d.Services = servicesOf(d.Summary)
	}
	css, err := templateFiles.ReadFile("templates/report.css")
	if err != nil {
		return nil, err
	}
	p := &page{Document: d, CSS: template.CSS(css)}
	if p.Tables, err = newTables(d); err != nil {
		return nil, err
	}
	if err := p.draw(lib != nil); err != nil {
		return nil, err
	}
	var scripts []string
	if lib != nil {
		script, err := templateFiles.ReadFile("templates/report.js")
		if err != nil {
			return nil, err
		}
		p.Library, p.Script = template.JS(lib), template.JS(script)
		scripts = []string{string(lib), string(script)}
	}
	p.CSP = contentSecurityPolicy(scripts)
	return p, nil
}

// draw makes all charts.
func (p *page) draw(interactive bool) error {
	limit := maxPoints
	if !interactive {
		limit = maxSVGPoints
	}
	runs := drawnRuns(p.Summary, p.Runs)
	p.Seed = seedText(runs)
	line := newTimeline(runs, p.Start, limit)
	line.seeds = seedsText(p.Summary)
	p.Axis = axisData{Start: line.axis.Start, Span: line.axis.Span, Step: line.axis.Step}
	if line.axis.clocked() {
		local := line.axis.Midnight
		_, offset := local.Zone()
		ms := local.UnixMilli() + int64(offset)*1000
		p.Axis.Midnight = &ms
	}
	var err error
	if p.Compare, err = drawAll(compareCharts(p.Summary, p.SLOs), interactive); err != nil {
		return err
	}
	if err := p.addGroup("Day by day", "", line.dayView(p.Services), interactive); err != nil {
		return err
	}
	for i, service := range p.Services {
		if err := p.addGroup("Service "+service, line.binText(service), line.serviceCharts(i, service, p.SLOs), interactive); err != nil {
			return err
		}
	}
	if err := p.addGroup("Cluster", line.binText(""), line.clusterCharts(), interactive); err != nil {
		return err
	}
	nodes := line.nodeHeat()
	if len(nodes) > 0 {
		p.NodesHint = ""
	}
	return p.addGroup("Nodes", "", nodes, interactive)
}

func (p *page) addGroup(title, bins string, charts []*chart, interactive bool) error {
	fillRows(charts)
	drawn, err := drawAll(charts, interactive)
	if err == nil && len(drawn) > 0 {
		p.Groups = append(p.Groups, figureGroup{Title: title, Bins: bins, Figures: drawn})
	}
	return err
}

// fillRows widens the first of the narrow charts when their number is odd, so
// that none stands alone in a row of two.
func fillRows(charts []*chart) {
	first, narrow := -1, 0
	for i, c := range charts {
		if !c.Wide {
			narrow++
			if first < 0 {
				first = i
			}
		}
	}
	if narrow%2 == 1 {
		charts[first].Wide = true
	}
}

func drawAll(charts []*chart, interactive bool) ([]figure, error) {
	var out []figure
	for _, c := range charts {
		f := figure{chart: c, Height: c.height()}
		if interactive {
			f.Data = &figureData{Option: c.option(), Time: c.Time != nil}
			if c.Time != nil {
				f.Data.Unit, f.Data.Pile = c.Time.Unit, c.Time.Stacked
			}
			if c.Heat != nil {
				f.Data.Heat = c.Heat.data()
			}
			for _, k := range c.Keys {
				f.Data.Keys = append(f.Data.Keys, k.Series)
			}
		} else {
			svg, err := c.svg()
			if err != nil {
				return nil, err
			}
			f.SVG = template.HTML(svg) // the drawing library escapes all text
		}
		out = append(out, f)
	}
	return out, nil
}

// contentSecurityPolicy allows the given inline scripts by their hash, and
// nothing from anywhere else. Styles are inline because the drawings set them
// on their elements.
func contentSecurityPolicy(scripts []string) string {
	allowed := []string{"script-src"}
	for _, s := range scripts {
		sum := sha256.Sum256([]byte(s))
		allowed = append(allowed, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
	}
	if len(scripts) == 0 {
		allowed = append(allowed, "'none'")
	}
	return "default-src 'none'; " + strings.Join(allowed, " ") +
		"; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
}
