package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/results"
)

// drawn is the text in a plot, after its XML was read to the end.
func drawn(t *testing.T, p SweepPlot) []string {
	t.Helper()
	var b bytes.Buffer
	if err := p.WriteSVG(&b); err != nil {
		t.Fatal(err)
	}
	var texts []string
	for in := xml.NewDecoder(&b); ; {
		token, err := in.Token()
		if errors.Is(err, io.EOF) {
			return texts
		}
		if err != nil {
			t.Fatal(err)
		}
		if text, ok := token.(xml.CharData); ok && strings.TrimSpace(string(text)) != "" {
			texts = append(texts, strings.TrimSpace(string(text)))
		}
	}
}

func TestSweepPlots(t *testing.T) {
	m, err := metrics.Find("latency_p95_seconds")
	if err != nil {
		t.Fatal(err)
	}
	at := func(x float64) results.Estimate {
		return results.Estimate{Mean: x, CILow: 0.9 * x, CIHigh: 1.1 * x, N: 3}
	}
	p := SweepPlot{
		Metric: m, Note: " (mean of 3 seeds)", Policies: []string{"static", "h<pa"}, XName: "maxBatch", X: []string{"1", "8"}, Y: []string{""},
		Cells: [][][]results.Estimate{{{at(0.01), at(0.02)}}, {{at(0.03), {}}}},
	}
	lines := strings.Join(drawn(t, p), "|")
	for _, want := range []string{"latency p95, ms (mean of 3 seeds)", "maxBatch", "static", "h<pa", "|1|", "|8|"} {
		if !strings.Contains(lines+"|", want) {
			t.Errorf("no %q in the lines: %s", want, lines)
		}
	}
	p.YName, p.Y = "delay", []string{"1ms"}
	heat := strings.Join(drawn(t, p), "|")
	for _, want := range []string{"static: latency p95, ms", "h<pa: latency p95, ms", "delay", "1ms", "10.00", "20.00", "30.00"} {
		if !strings.Contains(heat, want) {
			t.Errorf("no %q in the heat map: %s", want, heat)
		}
	}
	// A cell without a figure is empty.
	if strings.Contains(heat, "|0|") || strings.HasSuffix(heat, "|0") || strings.Contains(heat+lines, "NaN") {
		t.Errorf("%s\n%s", heat, lines)
	}
	// Numbers stand where they are, other values side by side; nothing at all is no panic.
	if x := p.positions(); x[1] != 8 {
		t.Errorf("numbers at %v", x)
	}
	p.X = []string{"1ms", "8"}
	if x := p.positions(); x[0] != 0 || x[1] != 1 {
		t.Errorf("texts at %v", x)
	}
	p.Cells = [][][]results.Estimate{{{{}, {}}}, {{{}, {}}}}
	drawn(t, p)
	p.YName = ""
	drawn(t, p)
}
