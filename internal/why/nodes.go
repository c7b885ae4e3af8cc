package why

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/tty"
)

// nodeResults writes which nodes were filtered out and how the others scored.
func (p *page) nodeResults(d decisions.Entry) {
	var feasible []decisions.NodeResult
	rejected := map[string][]string{} // nodes by reason
	var reasons []string              // in the order of their first nodes
	for _, n := range d.Placement.Nodes {
		if n.Rejected == "" && n.Reason == "" {
			feasible = append(feasible, n)
			continue
		}
		reason := n.Reason
		if n.Rejected != "" {
			reason = n.Rejected + ": " + reason
		}
		if rejected[reason] == nil {
			reasons = append(reasons, reason)
		}
		rejected[reason] = append(rejected[reason], n.Node)
	}
	for _, reason := range reasons {
		nodes := rejected[reason]
		p.field("rejected", "%s (%d): %s", reason, len(nodes), p.names(nodes))
	}
	if len(feasible) > 0 && len(feasible[0].Scores) > 0 {
		p.scores(feasible, d.Node)
	}
}

// names lists nodes, as many as asked for.
func (p *page) names(nodes []string) string {
	if p.o.Nodes > 0 && len(nodes) > p.o.Nodes {
		return fmt.Sprintf("%s and %d more", strings.Join(nodes[:p.o.Nodes], ", "), len(nodes)-p.o.Nodes)
	}
	return strings.Join(nodes, ", ")
}

// scores writes the table of scores, the best node first; the chosen one has
// a star and is never left out.
func (p *page) scores(nodes []decisions.NodeResult, chosen string) {
	nodes = slices.Clone(nodes)
	slices.SortStableFunc(nodes, func(a, b decisions.NodeResult) int {
		star := func(n decisions.NodeResult) int {
			if n.Node == chosen {
				return 0
			}
			return 1
		}
		return cmp.Or(cmp.Compare(b.Total, a.Total), cmp.Compare(star(a), star(b)))
	})
	differ, alike := split(nodes)
	left := 0
	if p.o.Nodes > 0 && len(nodes) > p.o.Nodes {
		left = len(nodes) - p.o.Nodes
		if i := slices.IndexFunc(nodes, func(n decisions.NodeResult) bool { return n.Node == chosen }); i >= p.o.Nodes {
			nodes[p.o.Nodes-1] = nodes[i]
		}
		nodes = nodes[:p.o.Nodes]
	}
	p.field("scores", "of each plugin raw → normalised and weighted; * is the chosen node")
	if len(alike) > 0 {
		p.field("alike", "%s", strings.Join(alike, ", "))
	}
	table := tty.Table{Header: []string{"total"}}
	for _, k := range differ {
		table.Header = append(table.Header, nodes[0].Scores[k].Plugin)
	}
	for _, n := range nodes {
		row := tty.Row{Label: "    " + n.Node, Cells: []tty.Cell{{Text: fmt.Sprint(n.Total)}}}
		if n.Node == chosen {
			row.Label = "  * " + n.Node
		}
		for _, k := range differ {
			row.Cells = append(row.Cells, tty.Cell{Text: scoreText(n.Scores[k])})
		}
		table.Rows = append(table.Rows, row)
	}
	table.Write(&p.b, p.o.Width, p.o.Color)
	if left > 0 {
		p.line(tty.NoColor, 2, "and %d more: --nodes all", left)
	}
}

// split returns which scores tell the nodes apart, and the plugins for which
// all nodes are alike.
func split(nodes []decisions.NodeResult) (differ []int, alike []string) {
	for k, s := range nodes[0].Scores {
		if slices.ContainsFunc(nodes, func(n decisions.NodeResult) bool { return n.Scores[k] != s }) {
			differ = append(differ, k)
		} else {
			alike = append(alike, s.Plugin+" "+scoreText(s))
		}
	}
	return differ, alike
}

func scoreText(s decisions.PluginScore) string { return fmt.Sprintf("%d → %d", s.Raw, s.Final) }
