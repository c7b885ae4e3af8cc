package results

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

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
			if !isFinite(d.T) {
				return rowError(r, d.T, "the decision's time", d.T)
			}
			d.T = Round(d.T)
			if err := out.Encode(decisionLine{r.Policy, r.Seed, d}); err != nil {
				return err
			}
		}
	}
	return nil
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
