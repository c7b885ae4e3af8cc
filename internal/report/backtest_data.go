package report

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/kwatt-sim/kwatt/internal/forecast/backtest"
)

// BacktestJSON writes the scores as a list of records.
func BacktestJSON(w io.Writer, results []*backtest.Result) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(backtest.Records(results)); err != nil {
		return fmt.Errorf("backtest as JSON: %w", err)
	}
	return nil
}

// BacktestCSV writes the scores as a table: a row a trace, horizon and model,
// with empty figures where a model was not run.
func BacktestCSV(w io.Writer, results []*backtest.Result) error {
	c := csv.NewWriter(w)
	head := []string{"trace", "step_seconds", "season_seconds", "held_out_from", "held_out_to", "horizon_seconds", "model", "in_use", "oracle", "refused", "baseline",
		"n", "pinball_req_per_s", "pinball_ratio", "skill_ratio", "skill_p", "mase", "mase_scale_req_per_s", "smape_ratio", "inside_50_ratio", "inside_80_ratio", "inside_90_ratio"}
	for _, what := range []string{"pinball_req_per_s", "below_ratio"} {
		for _, l := range backtest.Levels {
			head = append(head, fmt.Sprintf("q%g_%s", l, what))
		}
	}
	rows := [][]string{head}
	for _, r := range backtest.Records(results) {
		row := []string{r.Trace, digits(r.StepSeconds), digits(r.SeasonSeconds), r.HeldFrom.Format(time.RFC3339), r.HeldTo.Format(time.RFC3339),
			digits(r.Horizon), r.Model, r.InUse, strconv.FormatBool(r.Oracle), r.Refused, r.Baseline}
		if s := r.RecordScores; s != nil {
			row = append(row, strconv.Itoa(s.N), digits(s.Pinball), digits(s.Relative), digits(s.Skill), digits(s.P), optional(s.MASE), optional(s.MASEScale),
				digits(s.SMAPE), digits(s.Inside50), digits(s.Inside80), digits(s.Inside90))
			for _, q := range s.ByQuantiles {
				row = append(row, digits(q.Pinball))
			}
			for _, q := range s.ByQuantiles {
				row = append(row, digits(q.Below))
			}
		}
		for len(row) < len(head) {
			row = append(row, "")
		}
		rows = append(rows, row)
	}
	if err := c.WriteAll(rows); err != nil {
		return fmt.Errorf("backtest as CSV: %w", err)
	}
	return nil
}

// digits prints nine significant ones, as all results have.
func digits(x float64) string { return strconv.FormatFloat(x, 'g', 9, 64) }

func optional(x *float64) string {
	if x == nil {
		return ""
	}
	return digits(*x)
}
