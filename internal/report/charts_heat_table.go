package report

import (
	"fmt"
	"math"
)

// keys explains the colours, those of the states only where there are any.
func (h *heatChart) keys() []legendKey {
	seen := make([]bool, len(heatClasses))
	for _, r := range h.Rows {
		for _, c := range r.Cells {
			seen[c.class()] = true
		}
	}
	var shares, states []legendKey
	for i, k := range heatClasses {
		key := legendKey{Name: k.Name, Color: k.Color, Mark: "block"}
		switch {
		case k.Least >= 0:
			shares = append(shares, key)
		case seen[i]:
			states = append(states, key)
		}
	}
	return append(shares, states...)
}

// table is the figures over slices of time, a column a row of the drawing.
func (h *heatChart) table() *dataTable {
	step := stepFor(h.Axis.Span, tableRows)
	inner := h.Axis
	inner.Step = step
	t := &dataTable{Caption: fmt.Sprintf("Busy share of the GPUs: mean of the columns over slices of %s.", minutesText(step)), Head: []string{"from"}}
	if !h.Axis.clocked() && step >= 60 {
		t.Head[0] = "from hour"
	}
	for _, r := range h.Rows {
		if r.Cells != nil {
			t.Head = append(t.Head, r.Name)
		}
	}
	for from := math.Floor(h.Axis.Start/step) * step; from < h.Axis.Start+h.Axis.Span-1e-9; from += step {
		row := []string{inner.label(max(from, h.Axis.Start))}
		for _, r := range h.Rows {
			if r.Cells != nil {
				row = append(row, h.sliceText(r.Cells, from, from+step))
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// sliceText is the mean of the cells that end in (from, to] and have a share, or
// the state of the last.
func (h *heatChart) sliceText(cells []heatCell, from, to float64) string {
	sum, n, text := 0.0, 0, absent
	for i, c := range cells {
		if h.Ends[i] <= from+1e-9 || h.Ends[i] > to+1e-9 {
			continue
		}
		if text = c.text(); c >= 0 {
			sum, n = sum+float64(c), n+1
		}
	}
	if n > 0 {
		return heatCell(sum / float64(n)).text()
	}
	return text
}
