package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kwatt-sim/kwatt/internal/results"
)

// nodesOf makes the points of some nodes over so many minutes; busy says what each
// did in percent of its GPUs, or is a heatCell of a state.
func nodesOf(pools map[string]int, minutes int, busy func(pool string, node, minute int) heatCell) []results.NodePoint {
	var out []results.NodePoint
	for m := range minutes {
		for _, pool := range []string{"a100", "t4"} {
			for n := range pools[pool] {
				p := results.NodePoint{T: 60 * float64(m+1), Node: fmt.Sprintf("%s-%d", pool, n), Pool: pool}
				switch c := busy(pool, n, m); c {
				case cellOff:
				case cellAsleep:
					p.AsleepRatio = 1
				case cellBooting:
					p.BootRatio = 1
				default:
					p.OnRatio, p.GPUBusyRatio = 1, ptr(float64(c)/100)
				}
				out = append(out, p)
			}
		}
	}
	return out
}

func heatOf(t *testing.T, points []results.NodePoint) *chart {
	t.Helper()
	run := &results.Run{Policy: "hpa", Seed: 4, Nodes: points, Points: []results.Point{{T: points[len(points)-1].T}}}
	line := newTimeline([]drawnRun{{run: run}}, time.Time{}, 100)
	line.seeds = "3 seeds"
	charts := line.nodeHeat()
	if len(charts) != 1 {
		t.Fatalf("%d charts", len(charts))
	}
	return charts[0]
}

// Two pools, a node of each state, one that never was on: rows, colours, caption,
// legend and table.
func TestNodeHeat(t *testing.T) {
	c := heatOf(t, nodesOf(map[string]int{"a100": 3, "t4": 1}, 60, func(pool string, n, m int) heatCell {
		switch {
		case pool == "t4" && m < 30:
			return cellAsleep
		case pool == "t4":
			return cellBooting
		case n == 2:
			return cellOff
		case n == 1 && m < 20:
			return cellOff
		default:
			return heatCell(10 * n)
		}
	}))
	var names []string
	for _, r := range c.Heat.Rows {
		names = append(names, r.Name)
	}
	if want := []string{"a100", "a100-0", "a100-1", "t4", "t4-0"}; !slices.Equal(names, want) {
		t.Fatalf("rows %q, want %q", names, want)
	}
	if cells := c.Heat.Rows[2].Cells; c.Heat.Rows[0].Cells != nil || len(cells) != 60 || cells[0] != cellOff || math.Abs(float64(cells[59])-10) > 1e-9 {
		t.Errorf("cells of a100-1: %v", cells)
	}
	if cells := c.Heat.Rows[4].Cells; cells[0] != cellAsleep || cells[59] != cellBooting {
		t.Errorf("cells of t4-0: %v", cells)
	}
	colors := map[string]bool{}
	for _, cell := range []heatCell{cellOff, cellAsleep, cellBooting, 0, 10, 95} {
		colors[heatClasses[cell.class()].Color] = true
	}
	if len(colors) != 6 {
		t.Error("two states, or a state and a share, have one colour")
	}
	for _, want := range []string{"A row a node, a column 1 min", "in % of", "never on under any policy: 1.", "Drawn: seed 4, n = 1 of 3 seeds."} {
		if !strings.Contains(c.Caption, want) {
			t.Errorf("caption %q lacks %q", c.Caption, want)
		}
	}
	if keys := len(c.Keys); keys != 10+3 {
		t.Errorf("%d keys, want ten shares and three states", keys)
	}
	if row := c.Table.Rows[0]; !slices.Equal(c.Table.Head, []string{"from", "a100-0", "a100-1", "t4-0"}) || !slices.Equal(row, []string{"0:00", "0%", "off", "asleep"}) {
		t.Errorf("table %q, %q", c.Table.Head, row)
	}
}

// However many nodes and bins, at most 4,000 cells are drawn, and they keep the
// mean of the nodes that were on.
func TestNodeHeatIsBounded(t *testing.T) {
	for _, nodes := range []int{1, 20, 33, 500} {
		c := heatOf(t, nodesOf(map[string]int{"a100": nodes, "t4": 1}, 1440, func(pool string, n, m int) heatCell {
			if n%2 == 1 || pool == "t4" && m%2 == 1 {
				return cellOff
			}
			return 40
		}))
		cells := 0
		for _, r := range c.Heat.Rows {
			cells += len(r.Cells)
			for _, cell := range r.Cells {
				if math.Abs(float64(cell)-40) > 1e-6 {
					t.Fatalf("%d nodes: a cell of %v, want 40", nodes, cell)
				}
			}
		}
		if cells == 0 || cells > maxHeatCells || len(c.Heat.Rows) > maxHeatRows+3 {
			t.Errorf("%d nodes: %d rows, %d cells", nodes, len(c.Heat.Rows), cells)
		}
		if aggregated := strings.Contains(c.Caption, "Rows are means"); aggregated != (nodes > 2*maxHeatRows) {
			t.Errorf("%d nodes: caption %q", nodes, c.Caption)
		}
		if last := c.Heat.Ends[len(c.Heat.Ends)-1]; last != 1440 || !strings.Contains(c.Caption, "Columns are means over") {
			t.Errorf("%d nodes: the last column ends at %v, caption %q", nodes, last, c.Caption)
		}
	}
}

// The page has the heat map in both ways to draw, or the hint how to get it.
func TestHTMLHasTheNodesOrSaysHow(t *testing.T) {
	const hint = "For a heat map of the nodes: sim run x.yaml --series nodes"
	for _, m := range modes {
		d := fixture(t, "ranker", fixturePolicies, 3, 180)
		d.NodesHint = hint
		if page := render(t, d, m.lib); strings.Count(page, hint) != 1 || strings.Contains(page, "chart-nodes-busy") {
			t.Errorf("%s: no hint in a page without the series", m.name)
		}
		d = withNodes(d)
		page := render(t, d, m.lib)
		if strings.Contains(page, hint) || strings.Count(page, `id="chart-nodes-busy-`) != len(fixturePolicies) {
			t.Errorf("%s: a hint, or not a heat map for each policy", m.name)
		}
	}
}

// withNodes gives the drawn run of each policy a series of nodes.
func withNodes(d Document) Document {
	for _, r := range d.Runs {
		if r.Seed == 1 {
			r.Nodes = nodesOf(map[string]int{"a100": 4, "t4": 3}, 180, func(pool string, n, m int) heatCell {
				if pool == "t4" && m < 60 {
					return cellAsleep
				}
				return heatCell((m + 20*n) % 100)
			})
		}
	}
	return d
}
