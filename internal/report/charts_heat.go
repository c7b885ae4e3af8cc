package report

import (
	"fmt"
	"math"
	"slices"

	"github.com/kwatt-sim/kwatt/internal/results"
)

// The most that a heat map draws: a screen shows no more, and a page is sent
// by mail.
const (
	maxHeatCells   = 4000
	maxHeatRows    = 32
	maxHeatColumns = 200
)

// heatChart is how busy the GPUs of nodes were over time: a row a node, or a few
// nodes of one pool, and a column a slice of time.
type heatChart struct {
	Axis timeAxis
	Ends []float64  // minutes on Axis at which the columns end
	Rows []heatLine // from the top
}

// heatLine is a row of a heat map. The heading of a pool has no cells.
type heatLine struct {
	Name  string
	Cells []heatCell
}

// heatCell is the busy share of a node's GPUs in percent, or what the node did
// instead of being on.
type heatCell float64

const (
	cellOff     heatCell = -1
	cellAsleep  heatCell = -2
	cellBooting heatCell = -3
)

// heatClass is the cells of one colour: from Least on, up to the class after.
type heatClass struct {
	Least heatCell
	Name  string
	Color string
}

// heatClasses are the states, and the tenths of the busy share from pale to dark,
// which also a grey print and readers with any colour vision tell apart. States
// are grey or blue, which no share is.
var heatClasses = []heatClass{
	{cellBooting, "booting", "#8f959e"}, {cellAsleep, "asleep", "#a9c6e8"}, {cellOff, "off", "#e9ebee"},
	{0, "0–10%", "#fff3bf"}, {10, "10–20%", "#fee08a"}, {20, "20–30%", "#fec44f"}, {30, "30–40%", "#feaa35"}, {40, "40–50%", "#f88d1e"},
	{50, "50–60%", "#ec7014"}, {60, "60–70%", "#d6540a"}, {70, "70–80%", "#b53f04"}, {80, "80–90%", "#8c2d04"}, {90, "90–100%", "#561b05"},
}

// class is the index of a cell's class.
func (c heatCell) class() int {
	for i, k := range slices.Backward(heatClasses) {
		if c >= k.Least {
			return i
		}
	}
	return 0
}

func (c heatCell) text() string {
	if c < 0 {
		return heatClasses[c.class()].Name
	}
	return fmt.Sprintf("%.0f%%", float64(c))
}

// nodeHeat is a heat map for each policy whose drawn run kept the series of its
// nodes. All have the same rows, so that they can be compared.
func (t timeline) nodeHeat() []*chart {
	runs := slices.DeleteFunc(slices.Clone(t.runs), func(d drawnRun) bool { return len(d.run.Nodes) == 0 })
	nodes, idle := nodesThatRan(runs)
	if len(nodes) == 0 {
		return nil
	}
	rows, perRow := heatRows(nodes)
	var out []*chart
	for i, d := range runs[:min(len(runs), maxPiles)] {
		h := &heatChart{Axis: t.axis}
		bins := h.fill(d.run.Nodes, rows)
		c := &chart{ID: fmt.Sprintf("chart-nodes-busy-%d", i), Title: "Busy share of each node's GPUs: " + d.run.Policy, Heat: h,
			Caption: "A row a node, a column " + h.columnText() + "; colour: busy GPU time in % of the node's GPU time while it was on, whether a pod held the GPU or not."}
		if bins > 1 {
			c.Caption += fmt.Sprintf(" Columns are means over %d bins of nodes.csv.", bins)
		}
		if perRow > 1 {
			c.Caption += fmt.Sprintf(" Rows are means over up to %d nodes, of those that were on.", perRow)
		}
		if idle > 0 {
			c.Caption += fmt.Sprintf(" Nodes left out, as never on under any policy: %d.", idle)
		}
		if i == maxPiles-1 && len(runs) > maxPiles {
			c.Caption += fmt.Sprintf(" The first %d policies have such a chart, all have their nodes in nodes.csv.", maxPiles)
		}
		c.Caption += t.seedCaption(d)
		c.Table, c.Keys = h.table(), h.keys()
		out = append(out, c)
	}
	return out
}

// nodesThatRan are the nodes that were on or on their way in some run, pool by
// pool; idle is how many more there are.
func nodesThatRan(runs []drawnRun) (nodes []results.NodePoint, idle int) {
	ran := map[string]bool{}
	var all []results.NodePoint
	for _, d := range runs {
		for _, p := range d.run.Nodes {
			if seen, known := ran[p.Node]; !known {
				all = append(all, p)
				ran[p.Node] = p.OnRatio+p.BootRatio > 0
			} else if !seen {
				ran[p.Node] = p.OnRatio+p.BootRatio > 0
			}
		}
	}
	for _, p := range all {
		if ran[p.Node] {
			nodes = append(nodes, p)
		}
	}
	return nodes, len(all) - len(nodes)
}

// heatRows puts the nodes into at most maxHeatRows rows, headings of pools apart:
// rows names them, and holds the nodes of each.
func heatRows(nodes []results.NodePoint) (rows []heatGroup, perRow int) {
	perRow = (len(nodes) + maxHeatRows - 1) / maxHeatRows
	for i, n := range nodes {
		first := i == 0 || nodes[i-1].Pool != n.Pool
		if first && nodes[0].Pool != nodes[len(nodes)-1].Pool {
			rows = append(rows, heatGroup{name: n.Pool})
		}
		if last := len(rows) - 1; !first && len(rows[last].nodes) < perRow {
			rows[last].nodes = append(rows[last].nodes, n.Node)
			continue
		}
		rows = append(rows, heatGroup{nodes: []string{n.Node}})
	}
	for i, r := range rows {
		switch n := len(r.nodes); n {
		case 0:
		case 1:
			rows[i].name = r.nodes[0]
		default:
			rows[i].name = r.nodes[0] + " … " + r.nodes[n-1]
		}
	}
	return rows, perRow
}

// heatGroup is the nodes of a row; none below the heading of a pool.
type heatGroup struct {
	name  string
	nodes []string
}

// fill makes the rows of a run's points, and returns how many bins a column is
// over.
func (h *heatChart) fill(points []results.NodePoint, groups []heatGroup) (bins int) {
	var ends []float64 // seconds
	for _, p := range points {
		if len(ends) == 0 || p.T != ends[len(ends)-1] {
			ends = append(ends, p.T)
		}
	}
	rowOf, rows := map[string]int{}, 0
	for i, g := range groups {
		for _, n := range g.nodes {
			rowOf[n] = i
		}
		rows += min(len(g.nodes), 1)
	}
	columns := min(maxHeatColumns, maxHeatCells/rows)
	bins = (len(ends) + columns - 1) / columns
	sums := make([][]heatSum, len(groups))
	for i, g := range groups {
		if len(g.nodes) > 0 {
			sums[i] = make([]heatSum, (len(ends)+bins-1)/bins)
		}
	}
	at, from := 0, 0.0
	for _, p := range points {
		if p.T != ends[at] {
			from, at = ends[at], at+1
		}
		if row, ok := rowOf[p.Node]; ok {
			sums[row][at/bins].add(p, p.T-from)
		}
	}
	for i, g := range groups {
		row := heatLine{Name: g.name}
		for _, s := range sums[i] {
			row.Cells = append(row.Cells, s.cell())
		}
		h.Rows = append(h.Rows, row)
	}
	for i := range (len(ends) + bins - 1) / bins {
		h.Ends = append(h.Ends, h.Axis.Start+ends[min((i+1)*bins, len(ends))-1]/60)
	}
	return bins
}

// heatSum is the node-seconds of a cell.
type heatSum struct{ on, boot, asleep, off, busy float64 }

func (s *heatSum) add(p results.NodePoint, seconds float64) {
	p = p.Rounded() // as the run's files have it
	s.on += float64(p.OnRatio * seconds)
	s.boot += float64(p.BootRatio * seconds)
	s.asleep += float64(p.AsleepRatio * seconds)
	s.off += float64((1 - p.OnRatio - p.BootRatio - p.AsleepRatio) * seconds)
	if p.GPUBusyRatio != nil {
		s.busy += float64(*p.GPUBusyRatio * p.OnRatio * seconds)
	}
}

// cell is the busy share while some node of the cell was on, or else what they did
// for longest.
func (s heatSum) cell() heatCell {
	switch {
	case s.on > 1e-6:
		return heatCell(math.Min(100, 100*s.busy/s.on))
	case s.boot >= max(s.asleep, s.off):
		return cellBooting
	case s.asleep >= s.off:
		return cellAsleep
	default:
		return cellOff
	}
}

// columnText is the time that a column is over.
func (h *heatChart) columnText() string { return minutesText(h.Ends[0] - h.Axis.Start) }
