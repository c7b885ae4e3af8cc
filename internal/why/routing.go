package why

import (
	"fmt"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/tty"
)

// sharesText is a router's shares in short; regions that get nothing are left out.
func sharesText(x *decisions.Routing) string {
	var parts []string
	for _, r := range x.Regions {
		if r.Share > 0 {
			parts = append(parts, r.Region+" "+percent(r.Share))
		}
	}
	return strings.Join(parts, ", ")
}

func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }

// routing writes a router's decision in full.
func (p *page) routing(d decisions.Entry) {
	x := d.Routing
	p.heading("%s at %s: %s to %s", d.Kind, offset(d.T), d.Service, sharesText(x))
	if x.Seen == nil {
		p.field("saw", "%s req/s, the first of the window; no telemetry yet", tty.Number(x.Demand))
	} else {
		p.field("saw", "%s req/s, scraped %s before", tty.Number(x.Demand), offset(d.T-*x.Seen))
	}
	p.field("reason", "%s", d.Reason)
	table := tty.Table{Header: []string{"share", "before", "takes at most", "cost"}}
	for _, r := range x.Regions {
		cells := []tty.Cell{{Text: percent(r.Share)}, {Text: "–"}, {Text: "–"}, {Text: "–"}}
		if r.Before != nil {
			cells[1].Text = percent(*r.Before)
		}
		if r.Limit != nil {
			cells[2].Text = tty.Number(*r.Limit) + " req/s"
		}
		if r.Cost != nil {
			cells[3].Text = tty.Number(*r.Cost)
		}
		table.Rows = append(table.Rows, tty.Row{Label: "    " + r.Region, Cells: cells})
	}
	table.Write(&p.b, p.o.Width, p.o.Color)
}
