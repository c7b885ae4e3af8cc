package why

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/tty"
)

// Options is how text is written.
type Options struct {
	Color bool
	Width int // runes to a line; 0 means 80
	Nodes int // of a placement that are listed, the best first; 0 means all
}

// page is a text in the making.
type page struct {
	b     strings.Builder
	o     Options
	start time.Time
}

func newPage(o Options, start time.Time) *page {
	if o.Width == 0 {
		o.Width = 80
	}
	return &page{o: o, start: start}
}

// line writes a paragraph, indented and wrapped.
func (p *page) line(c tty.Color, indent int, format string, args ...any) {
	margin := strings.Repeat(" ", indent)
	text := tty.Wrap(tty.Plain(fmt.Sprintf(format, args...)), p.o.Width-indent, 2)
	for l := range strings.Lines(text) {
		p.b.WriteString(margin + c.Paint(strings.TrimSuffix(l, "\n"), p.o.Color) + "\n")
	}
}

// labelWidth is that of the labels of fields, with their margin.
const labelWidth = 12

// field writes a label and a wrapped text beside it.
func (p *page) field(label, format string, args ...any) {
	text := tty.Wrap(tty.Plain(fmt.Sprintf(format, args...)), p.o.Width-labelWidth, 0)
	for l := range strings.Lines(text) {
		p.b.WriteString("  " + label + strings.Repeat(" ", max(labelWidth-2-tty.Runes(label), 1)) + l)
		label = ""
	}
}

// heading writes a bold line after an empty one.
func (p *page) heading(format string, args ...any) {
	p.b.WriteByte('\n')
	p.line(tty.Bold, 0, format, args...)
}

// when writes an instant, with its date when the window has one.
func (p *page) when(t float64) string {
	if p.start.IsZero() {
		return offset(t)
	}
	return offset(t) + ", " + clock(p.start, t).Format("Mon 2006-01-02 15:04:05 -07:00")
}

func (p *page) writeTo(w io.Writer) error {
	_, err := io.WriteString(w, p.b.String())
	return err
}

// Text writes the answer for a terminal.
func (a *Answer) Text(w io.Writer, o Options) error {
	p := newPage(o, a.start)
	p.line(tty.Bold, 0, "%s, policy %s, seed %d", a.Scenario, a.Policy, a.Seed)
	p.line(tty.Bold, 0, "at %s", p.when(a.At))
	if len(a.Scalers)+len(a.Others)+len(a.Events) == 0 {
		p.line(tty.NoColor, 0, "nothing of the kind was decided until then")
	}
	for _, s := range a.Scalers {
		p.scaler(s, a.At)
	}
	for i, d := range a.Others {
		if i == maxDecisions && len(a.Others) > maxDecisions+1 {
			p.heading("and %d more decisions at the same instant: see below, or ask for one with --pod or --node", len(a.Others)-i)
			break
		}
		p.decision(d)
	}
	p.events(a)
	for _, n := range a.Notes {
		text, command, _ := strings.Cut(n, "\n")
		p.b.WriteByte('\n')
		p.line(tty.NoColor, 0, "note: %s", text)
		if command != "" {
			p.b.WriteString("  " + tty.Plain(command) + "\n") // to be copied: not wrapped
		}
	}
	return p.writeTo(w)
}

// So many are shown before the rest is only counted.
const (
	maxDecisions = 6 // in full
	maxEvents    = 60
)

func (p *page) events(a *Answer) {
	if len(a.Events) == 0 {
		return
	}
	p.heading("%s", map[storyOf]string{ofTime: "around it", ofPod: "the pod's story", ofNode: "the node's story"}[a.told])
	wide := 0
	for _, e := range a.Events {
		wide = max(wide, len(offset(e.T)))
	}
	for i, e := range a.Events {
		if i == maxEvents && len(a.Events) > maxEvents+1 {
			p.line(tty.NoColor, 2, "… and %d more: narrow it with --at and --around, or use -o json", len(a.Events)-i)
			break
		}
		mark := " "
		if near(e.T, a.At, precision) && a.told == ofTime {
			mark = ">"
		}
		text := tty.Wrap(tty.Plain(e.Text), p.o.Width-wide-19, 0)
		head := fmt.Sprintf("%s %*s  %-13s  ", mark, wide, offset(e.T), e.Kind)
		for l := range strings.Lines(text) {
			p.b.WriteString(head + l)
			head = strings.Repeat(" ", wide+19)
		}
	}
}

// scaler writes a scaler's decision and what became of it.
func (p *page) scaler(s Scaler, at float64) {
	d := s.Decision
	switch {
	case d.Kind == decisions.Scale:
		p.heading("%s: %d → %d replicas at %s%s", d.Service, d.From, d.To, offset(d.T), ago(at, d.T))
	case s.Change == nil:
		p.heading("%s: stays at %s at %s%s, as from the start", d.Service, replicas(d.To), offset(d.T), ago(at, d.T))
	default:
		p.heading("%s: stays at %s at %s%s", d.Service, replicas(d.To), offset(d.T), ago(at, d.T))
	}
	p.scaling(d)
	if s.Change != nil {
		d = *s.Change
		p.line(tty.NoColor, 1, "since %s, %s before: %d → %d replicas", offset(d.T), offset(at-d.T), d.From, d.To)
		p.scaling(d)
	}
	for _, c := range s.Came {
		p.field("then", "%s", c.text(d))
	}
}

// ago says how long before an instant something was, unless it was then.
func ago(at, t float64) string {
	if near(t, at, precision) {
		return ""
	}
	return ", " + offset(at-t) + " before"
}

// scaling writes what a scaler saw and how it came to its replicas.
func (p *page) scaling(d decisions.Entry) {
	s := d.Scaling
	if s == nil { // somebody outside scaled, and did not say what it saw
		p.field("reason", "%s", d.Reason)
		p.field("result", "%s", replicas(d.To))
		return
	}
	if s.Seen == nil {
		p.field("saw", "%d ready; no telemetry yet", s.Ready)
	} else {
		latency := "no request completed"
		if s.P95 > 0 {
			latency = "p95 " + tty.Number(1000*s.P95) + " ms"
		}
		p.field("saw", "%d ready, %s req/s, %s, scraped %s before", s.Ready, tty.Number(s.Rate), latency, offset(d.T-*s.Seen))
	}
	for _, r := range s.Readings {
		p.field("metric", "%s", readingText(r))
	}
	if len(s.Readings)+len(s.Clamps) > 0 {
		p.field("wanted", "%s", replicas(s.Wanted))
	}
	for _, c := range s.Clamps {
		change := fmt.Sprintf("%d → %d", c.From, c.To)
		if c.From == c.To {
			change = fmt.Sprintf("stays at %d", c.To)
		}
		p.field("clamp", "%s, %s: %s", c.Reason, change, c.Message)
	}
	if len(s.Readings) == 0 {
		p.field("reason", "%s", d.Reason)
	}
	p.field("result", "%s", replicas(d.To))
}

func readingText(r decisions.Reading) string {
	if r.Problem != "" {
		return r.Name + ": " + r.Problem
	}
	target := ""
	if r.Target != 0 {
		target = fmt.Sprintf(", %+.1f %% of the target %s", 100*(r.Value/r.Target-1), tty.Number(r.Target))
	}
	return fmt.Sprintf("%s: %s%s, asks for %s", r.Name, tty.Number(r.Value), target, replicas(r.Replicas))
}

func replicas(n int) string {
	if n == 1 {
		return "1 replica"
	}
	return fmt.Sprintf("%d replicas", n)
}

// text tells what became of a pod after a scaler's decision.
func (s *PodStory) text(d decisions.Entry) string {
	since := func(t *float64) string {
		if *t == d.T {
			return "at once"
		}
		return "after " + offset(*t-d.T)
	}
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if d.To < d.From {
		if s.Drained != nil {
			add("drains %s", since(s.Drained))
		}
		if s.Gone != nil {
			add("is gone %s", since(s.Gone))
		}
		return s.Pod + on(s.Node) + " " + strings.Join(parts, ", ") + " (" + s.Why + ")"
	}
	if s.Refused != "" {
		add("finds no place")
	}
	if s.NodeAsked != nil {
		add("%s is asked for %s", s.Node, since(s.NodeAsked))
	}
	if s.NodeReady != nil {
		add("joins %s", since(s.NodeReady))
	}
	if s.Bound != nil {
		add("is placed on %s %s", s.Node, since(s.Bound))
	}
	switch {
	case s.Ready != nil:
		add("serves %s", since(s.Ready))
	case s.Gone != nil:
		add("goes %s without having served", since(s.Gone))
	default:
		add("does not serve before the end")
	}
	return s.Pod + " " + strings.Join(parts, ", ")
}

func on(node string) string {
	if node == "" {
		return ""
	}
	return " on " + node
}
