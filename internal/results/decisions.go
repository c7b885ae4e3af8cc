package results

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/kwatt-sim/kwatt/internal/decisions"
)

// decisionLine is one line of decisions.jsonl.
type decisionLine struct {
	Policy string `json:"policy"`
	Seed   uint64 `json:"seed"`
	decisions.Entry
}

func writeDecisions(w io.Writer, runs []*Run) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	for _, r := range runs {
		for _, d := range r.Decisions {
			rounded, name, value := roundEntry(d)
			if name != "" {
				return rowError(r, d.T, name, value)
			}
			if err := out.Encode(decisionLine{r.Policy, r.Seed, rounded}); err != nil {
				return err
			}
		}
	}
	return nil
}

// roundEntry returns the entry with all its figures rounded to Digits, or the
// name and the value of one that is not finite.
func roundEntry(e decisions.Entry) (_ decisions.Entry, name string, value float64) {
	round := func(what string, x *float64) {
		if !isFinite(*x) {
			name, value = what, *x
		}
		*x = Round(*x)
	}
	round("the decision's time", &e.T)
	if e.Scaling != nil {
		s := *e.Scaling
		e.Scaling = &s
		round("the rate that a scaler saw", &s.Rate)
		round("the p95 that a scaler saw", &s.P95)
		if s.Seen != nil {
			seen := *s.Seen
			round("the time of a scrape", &seen)
			s.Seen = &seen
		}
		s.Readings = slices.Clone(s.Readings)
		for i := range s.Readings {
			round("a metric that a scaler saw", &s.Readings[i].Value)
			round("the target of a metric", &s.Readings[i].Target)
		}
	}
	if e.Routing != nil {
		e.Routing = roundRouting(*e.Routing, round)
	}
	if e.Placement != nil {
		p := *e.Placement
		e.Placement = &p
		round("a pod's wait", &p.Waited)
	}
	if e.Expansion != nil {
		x := *e.Expansion
		e.Expansion = &x
		x.Options = slices.Clone(x.Options)
		for i := range x.Options {
			round("an expander's cost", &x.Options[i].Cost)
		}
	}
	return e, name, value
}

// roundRouting returns a router's figures, rounded.
func roundRouting(x decisions.Routing, round func(what string, x *float64)) *decisions.Routing {
	optional := func(what string, x *float64) *float64 {
		if x == nil {
			return nil
		}
		own := *x
		round(what, &own)
		return &own
	}
	round("the demand that a router saw", &x.Demand)
	x.Seen = optional("the time of a scrape", x.Seen)
	x.Regions = slices.Clone(x.Regions)
	for i := range x.Regions {
		r := &x.Regions[i]
		round("a region's share", &r.Share)
		r.Before = optional("a region's share", r.Before)
		r.Limit = optional("a region's limit", r.Limit)
		r.Cost = optional("a region's cost", r.Cost)
	}
	return &x
}

// readRunDecisions decodes the lines of one run. A line of another is known by
// its first two members, in the order in which writeDecisions writes them.
func readRunDecisions(r io.Reader, run RunKey) ([]decisions.Entry, error) {
	name, err := json.Marshal(run.Policy)
	if err != nil {
		return nil, err
	}
	own, any := fmt.Appendf(nil, `{"policy":%s,"seed":%d,`, name, run.Seed), []byte(`{"policy":"`)
	in := bufio.NewReaderSize(r, 1<<16)
	var out []decisions.Entry
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if len(bytes.TrimSpace(line)) > 0 && (bytes.HasPrefix(line, own) || !bytes.HasPrefix(line, any)) {
			var d decisionLine
			if err := json.Unmarshal(line, &d); err != nil {
				return nil, fmt.Errorf("line %d: %w", n, err)
			}
			if d.Policy == run.Policy && d.Seed == run.Seed {
				out = append(out, d.Entry)
			}
		}
		if err != nil {
			return out, nil
		}
	}
}

func readDecisions(r io.Reader) (map[RunKey][]decisions.Entry, error) {
	in := json.NewDecoder(r)
	out := map[RunKey][]decisions.Entry{}
	for n := 1; ; n++ {
		var d decisionLine
		switch err := in.Decode(&d); {
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		key := RunKey{d.Policy, d.Seed}
		out[key] = append(out[key], d.Entry)
	}
}
