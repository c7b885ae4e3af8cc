package backtest

import (
	"math"
	"strconv"
	"time"
)

// Record is a score with all that tells it from others, flat, for machines.
type Record struct {
	Trace         string    `json:"trace"`
	StepSeconds   float64   `json:"step_seconds"`
	SeasonSeconds float64   `json:"season_seconds"`
	HeldFrom      time.Time `json:"held_out_from"`
	HeldTo        time.Time `json:"held_out_to"`
	Horizon       float64   `json:"horizon_seconds"`
	Model         string    `json:"model"`
	InUse         string    `json:"in_use"`
	Oracle        bool      `json:"oracle"`
	Refused       string    `json:"refused,omitempty"` // why there are no scores
	Baseline      string    `json:"baseline"`          // of the skill
	*RecordScores           // nil when refused
}

// RecordScores are the figures of a Record; Score says what they are. A figure
// that there is none of (MASE without a scale) is null.
type RecordScores struct {
	N           int        `json:"n"`
	Pinball     float64    `json:"pinball_req_per_s"`
	Relative    float64    `json:"pinball_ratio"`
	Skill       float64    `json:"skill_ratio"`
	P           float64    `json:"skill_p"`
	MASE        *float64   `json:"mase"`
	MASEScale   *float64   `json:"mase_scale_req_per_s"`
	SMAPE       float64    `json:"smape_ratio"`
	Inside50    float64    `json:"inside_50_ratio"`
	Inside80    float64    `json:"inside_80_ratio"`
	Inside90    float64    `json:"inside_90_ratio"`
	ByQuantiles []Quantile `json:"quantiles"`
}

// Quantile is what a Score has at one level.
type Quantile struct {
	Level   float64 `json:"level"`
	Pinball float64 `json:"pinball_req_per_s"`
	Below   float64 `json:"below_ratio"`
}

// Records lists the scores of results, by trace, horizon and model.
func Records(results []*Result) []Record {
	var out []Record
	for _, r := range results {
		s := r.Series
		for i, steps := range r.Steps {
			for _, e := range r.Entries {
				rec := Record{
					Trace: s.Trace.Name, StepSeconds: s.Step.Seconds(), SeasonSeconds: s.Season.Seconds(),
					HeldFrom: s.HeldStart(), HeldTo: s.HeldEnd(), Horizon: r.Horizon(steps).Seconds(),
					Model: e.Method, InUse: e.InUse, Oracle: e.Oracle, Refused: e.Refused, Baseline: r.Baseline,
				}
				if e.Refused == "" {
					rec.RecordScores = e.Scores[i].record(r.Scale)
				}
				out = append(out, rec)
			}
		}
	}
	return out
}

func (s Score) record(scale float64) *RecordScores {
	r := &RecordScores{
		N: s.N, Pinball: nine(s.MeanPinball), Relative: nine(s.Relative), Skill: nine(s.Skill), P: nine(s.P), MASE: known(s.MASE), MASEScale: known(scale),
		SMAPE: nine(s.SMAPE), Inside50: nine(s.Inside50), Inside80: nine(s.Inside80), Inside90: nine(s.Inside90),
	}
	for k, l := range Levels {
		r.ByQuantiles = append(r.ByQuantiles, Quantile{l, nine(s.Pinball[k]), nine(s.Below[k])})
	}
	return r
}

func known(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	x = nine(x)
	return &x
}

// nine rounds to nine significant digits, as all results are.
func nine(x float64) float64 {
	y, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 9, 64), 64)
	if err != nil {
		return x // it is no number
	}
	return y
}
