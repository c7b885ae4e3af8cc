package why

import (
	"fmt"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/tty"
)

// event is an entry in short.
func event(e decisions.Entry) Event { return Event{T: e.T, Kind: e.Kind, Text: short(e)} }

// short tells an entry in a line.
func short(e decisions.Entry) string {
	why := ""
	if e.Reason != "" {
		why = ": " + e.Reason
	}
	switch e.Kind {
	case decisions.Scale:
		return fmt.Sprintf("%s %d → %d%s", e.Service, e.From, e.To, why)
	case decisions.Tick:
		return fmt.Sprintf("%s stays at %d%s", e.Service, e.To, why)
	case decisions.Route:
		return e.Service + " to " + sharesText(e.Routing)
	case decisions.PowerCap:
		return fmt.Sprintf("%s: boards of %s %g W → %g W%s", e.Service, e.Cap.Pool, e.Cap.From, e.Cap.To, why)
	case decisions.SMClock:
		return fmt.Sprintf("%s: boards of %s %s → %s%s", e.Service, e.Clock.Pool, lockedClock(e.Clock.From), lockedClock(e.Clock.To), why)
	case decisions.Bind:
		return e.Pod + " on " + e.Node + placedText(e.Placement)
	case decisions.Unschedulable: // the counts, without what preemption found
		counts, _, _ := strings.Cut(e.Reason, ". ")
		return e.Pod + ": " + strings.TrimSuffix(counts, ".")
	}
	if e.Pod != "" {
		return e.Pod + on(e.Node) + why
	}
	return e.Node + why + expansionText(e.Expansion)
}

// lockedClock writes an SM clock.
func lockedClock(mhz float64) string {
	if mhz == 0 {
		return "own clock"
	}
	return fmt.Sprintf("%g MHz", mhz)
}

// placedText is where on its node a pod is, and after how long.
func placedText(p *decisions.Placement) string {
	text := ""
	if p.GPU != nil {
		text += fmt.Sprintf(", GPU %d", *p.GPU)
	}
	if p.Waited > 0 {
		text += ", after " + offset(p.Waited)
	}
	return text
}

// expansionText is the expander's choice in short.
func expansionText(x *decisions.Expansion) string {
	if x == nil {
		return ""
	}
	for _, o := range x.Options {
		if o.Chosen && len(x.Options) > 1 {
			return fmt.Sprintf("; %s takes %s of %d pools", x.Expander, o.Pool, len(x.Options))
		}
	}
	return ""
}

// decision writes an entry in full.
func (p *page) decision(d decisions.Entry) {
	switch {
	case d.Placement != nil:
		p.placement(d)
	case d.Expansion != nil:
		p.expansion(d)
	case d.Routing != nil:
		p.routing(d)
	default:
		p.heading("%s at %s: %s", d.Kind, offset(d.T), short(d))
	}
}

func (p *page) expansion(d decisions.Entry) {
	x := d.Expansion
	p.heading("%s at %s: %s%s", d.Kind, offset(d.T), d.Node, ", "+d.Reason)
	rule := "takes the least " + x.Unit
	if x.Unit == "" {
		rule = "draws one"
	}
	p.field("expander", "%s %s; %s without a place", x.Expander, rule, tty.Count(x.Pending, "pod", "pods"))
	table := tty.Table{Header: []string{"new nodes", "pods placed", "cost"}}
	for _, o := range x.Options {
		label := "    " + o.Pool
		if o.Chosen {
			label = "  * " + o.Pool
		}
		nodes := fmt.Sprint(o.Nodes)
		if o.Asleep {
			nodes += " asleep"
		}
		table.Rows = append(table.Rows, tty.Row{Label: label, Cells: []tty.Cell{{Text: nodes}, {Text: fmt.Sprint(o.Pods)}, {Text: tty.Number(o.Cost)}}})
	}
	table.Write(&p.b, p.o.Width, p.o.Color)
}

func (p *page) placement(d decisions.Entry) {
	how := d.Placement
	if d.Kind == decisions.Bind {
		p.heading("%s at %s: %s on %s%s", d.Kind, offset(d.T), d.Pod, d.Node, placedText(how))
	} else {
		p.heading("%s at %s: %s", d.Kind, offset(d.T), d.Pod)
		if how.Waited > 0 {
			p.field("waits", "%s", offset(how.Waited))
		}
		p.field("reason", "%s", d.Reason)
	}
	if how.Nominated != "" {
		p.field("nominated", "%s: preemption makes room there", how.Nominated)
	}
	if how.Evaluated > 0 {
		filtered := fmt.Sprint(how.Evaluated)
		if all := len(how.Nodes); all > how.Evaluated { // the scheduler looks at a sample, or at the nominated node first
			filtered += fmt.Sprintf(" of %d", all)
		}
		p.field("nodes", "%s filtered, %d passed%s", filtered, how.Feasible, map[bool]string{true: ": taken without scoring"}[how.Feasible == 1])
	}
	if c := how.Cycle; c != nil {
		p.cycle(c)
	}
	p.nodeResults(d)
}

// cycle writes what the plugins said of the pod itself.
func (p *page) cycle(c *decisions.Cycle) {
	p.field("profile", "%s", c.Profile)
	for _, s := range c.PreFilter {
		if s.Reason != "" {
			p.field("prefilter", "%s %s: %s", s.Plugin, s.Code, s.Reason)
		}
	}
	if len(c.Filter) > 0 {
		p.field("filters", "%s", strings.Join(c.Filter, ", "))
	}
}
