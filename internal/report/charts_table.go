package report

import (
	"fmt"
	"math"

	"github.com/kwatt-sim/kwatt/internal/tty"
)

// dataTable is a chart's figures in words.
type dataTable struct {
	Caption string
	Head    []string
	Rows    [][]string
}

// slicePick says which of a slice's values a table shows: a mean, or the
// largest, as for latencies, of which no mean makes sense.
type slicePick struct {
	text string
	mean bool
}

// tableRows is about how many slices of time a table has.
const tableRows = 24

// sliceTable cuts the time into round slices and shows one figure of each
// series in each; x are the ends of the bins, in minutes of the axis.
func sliceTable(axis timeAxis, x []float64, c *timeChart, pick slicePick) *dataTable {
	step := stepFor(axis.Span, tableRows)
	inner := axis
	inner.Step = step
	t := &dataTable{
		Caption: fmt.Sprintf("%s: %s over slices of %s.", c.YName, pick.text, minutesText(step)),
		Head:    []string{"from"},
	}
	if !axis.clocked() && step >= 60 {
		t.Head[0] = "from hour"
	}
	for _, s := range c.Series {
		t.Head = append(t.Head, s.Name)
	}
	for from := math.Floor(axis.Start/step) * step; from < axis.Start+axis.Span-1e-9; from += step {
		row := []string{inner.label(max(from, axis.Start))}
		for _, s := range c.Series {
			row = append(row, sliceFigure(x, s.Y, from, from+step, pick))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// sliceFigure is the mean or the maximum of the values whose bin ends in
// (from, to].
func sliceFigure(x, y []float64, from, to float64, pick slicePick) string {
	sum, largest, n := 0.0, math.Inf(-1), 0
	for i, v := range y {
		if x[i] > from && x[i] <= to && !math.IsNaN(v) {
			sum, largest, n = sum+v, max(largest, v), n+1
		}
	}
	switch {
	case n == 0:
		return absent
	case pick.mean:
		return commas(tty.Number(sum / float64(n)))
	default:
		return commas(tty.Number(largest))
	}
}

func minutesText(minutes float64) string {
	switch {
	case minutes >= 1440:
		return fmt.Sprintf("%g d", minutes/1440)
	case minutes >= 60:
		return fmt.Sprintf("%g h", minutes/60)
	default:
		return fmt.Sprintf("%g min", minutes)
	}
}
