package scenario

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/kwatt-sim/kwatt/internal/workload"
)

// workload checks a service's load, reads its trace and lays out its curve.
func (c *checker) workload(i int, w *Workload, path string) {
	before := len(c.Errs)
	c.trace(i, &w.Trace, path+".trace")
	c.scale(w, path)
	c.arrivals(i, w, path)
	for k := range w.Events {
		c.event(&w.Events[k], fmt.Sprintf("%s.events[%d]", path, k))
	}
	if len(c.Errs) > before || c.Touches(path) || c.Touches("spec.duration") {
		return // the curve would be of something else than the document says
	}
	curve, err := workload.NewCurve(c.curveConfig(i, w))
	if err != nil {
		c.Fail(path, err.Error(), "")
		return
	}
	c.Curves[i] = curve
}

func (c *checker) trace(i int, t *Trace, path string) {
	if !c.exactlyOne(path, choice{"builtin", t.Builtin != ""}, choice{"file", t.File != ""}, choice{"constant", t.Constant != nil}) {
		return
	}
	if t.File == "" {
		c.onlyWith(path, "a file", choice{"format", t.Format != ""}, choice{"timeColumn", t.TimeColumn != ""},
			choice{"rateColumn", t.RateColumn != ""}, choice{"unit", t.Unit != ""}, choice{"bin", t.Bin != nil}, choice{"zeroIsMissing", t.ZeroIsMissing})
	}
	switch {
	case c.Touches(path):
	case t.Builtin != "":
		trace, err := workload.Builtin(t.Builtin)
		if err != nil {
			c.Fail(path+".builtin", fmt.Sprintf("there is no builtin trace %q", t.Builtin), near(t.Builtin, builtinTraces()))
			return
		}
		c.Traces[i] = trace
	case t.File != "":
		c.Traces[i] = c.traceFile(t, path)
	}
	c.window(c.Traces[i], t, path)
}

func builtinTraces() []string {
	var names []string
	for _, t := range workload.Builtins() {
		names = append(names, t.Name)
	}
	return names
}

// traceFile reads a trace, or reports why it cannot be read and returns nil.
func (c *checker) traceFile(t *Trace, path string) *workload.Trace {
	options := workload.ReadOptions{Format: workload.Format(t.Format), TimeColumn: t.TimeColumn, RateColumn: t.RateColumn,
		Unit: t.Unit, ZeroIsMissing: t.ZeroIsMissing}
	if t.Bin != nil {
		options.Bin = t.Bin.D()
	}
	var trace *workload.Trace
	c.input(t.File, path+".file", func(r io.Reader, name string) (err error) {
		trace, err = workload.ReadCSV(r, name, options)
		var at *workload.ReadError
		if errors.As(err, &at) {
			return &inputError{at.File, at.Line, at.Column, at.Msg}
		}
		return err
	})
	return trace
}

// window checks that the trace covers the scenario's time.
func (c *checker) window(trace *workload.Trace, t *Trace, path string) {
	if trace == nil || c.Touches("spec.duration") {
		return
	}
	start, at := trace.Start, path
	if t.Start != nil {
		start, at = *t.Start, path+".start"
	}
	local := func(t time.Time) string { return t.In(trace.Start.Location()).Format(time.RFC3339) }
	end := start.Add(c.Scenario.Spec.Duration.D())
	switch {
	case start.Before(trace.Start) || !start.Before(trace.End()):
		c.Fail(at, fmt.Sprintf("%s is outside the trace", local(start)), fmt.Sprintf("it spans %s to %s", local(trace.Start), local(trace.End())))
	case end.After(trace.End()):
		c.Fail(at, fmt.Sprintf("the window of %s ends at %s, after the trace", c.Scenario.Spec.Duration, local(end)),
			fmt.Sprintf("the trace ends at %s; start earlier or shorten spec.duration", local(trace.End())))
	}
}

func (c *checker) scale(w *Workload, path string) {
	if w.Scale == nil {
		return
	}
	if c.exactlyOne(path+".scale", choice{"peak", w.Scale.Peak != nil}, choice{"factor", w.Scale.Factor != nil}) && w.Trace.Constant != nil {
		c.Fail(path+".scale", "a constant rate has no scale", "write the rate into trace.constant", path+".trace")
	}
}

func (c *checker) arrivals(i int, w *Workload, path string) {
	a := w.Arrivals
	process := path + ".arrivals.process"
	switch {
	case a.Process == "Gamma" && a.CV == nil:
		c.Fail(path+".arrivals.cv", "is required with process Gamma", "1 is as random as Poisson, more is burstier", process)
	case a.Process != "Gamma" && a.CV != nil:
		c.Fail(path+".arrivals.cv", "has a meaning only with process Gamma", "leave it out", process)
	}
	if a.Process != "Recorded" {
		return
	}
	trace := c.Traces[i]
	if w.Trace.Constant != nil || trace != nil && trace.Arrivals == nil {
		c.Fail(process, "Recorded needs a trace that holds every request", "use a file with format Timestamps or AzureLLM, or process Poisson", path+".trace")
	}
	if w.Scale != nil {
		c.Fail(process, "recorded arrivals cannot be scaled", "leave scale out, or use process Poisson", path+".scale")
	}
	if len(w.Events) > 0 {
		c.Fail(process, "recorded arrivals cannot have events", "leave events out, or use process Poisson", path+".events")
	}
}

func (c *checker) event(e *Event, path string) {
	if e.At >= c.Scenario.Spec.Duration {
		c.Fail(path+".at", fmt.Sprintf("%s is not before the end of the window, %s", e.At, c.Scenario.Spec.Duration), "move the event or raise spec.duration", "spec.duration")
	}
	if e.Ramp+e.Hold+e.Decay == 0 {
		c.Fail(path, "lasts no time", "set ramp, hold or decay")
	}
}

// curveConfig is the curve that the document asks for.
func (c *checker) curveConfig(i int, w *Workload) workload.CurveConfig {
	cfg := workload.CurveConfig{Trace: c.Traces[i], Duration: c.Scenario.Spec.Duration.D(), Linear: w.Trace.Interpolation == "Linear"}
	if w.Trace.Constant != nil {
		cfg.Constant = *w.Trace.Constant
	}
	if w.Trace.Start != nil {
		cfg.Start = *w.Trace.Start
	}
	if w.Scale != nil {
		cfg.Peak, cfg.Factor = w.Scale.Peak, w.Scale.Factor
	}
	for _, e := range w.Events {
		cfg.Events = append(cfg.Events, workload.Event{At: e.At.D(), Ramp: e.Ramp.D(), Hold: e.Hold.D(), Decay: e.Decay.D(), Multiply: e.Multiply})
	}
	return cfg
}
