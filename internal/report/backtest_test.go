package report

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/kwatt-sim/kwatt/internal/forecast"
	"github.com/kwatt-sim/kwatt/internal/forecast/backtest"
	"github.com/kwatt-sim/kwatt/internal/forecast/lstm"
	"github.com/kwatt-sim/kwatt/internal/golden"
	"github.com/kwatt-sim/kwatt/internal/tty"
	"github.com/kwatt-sim/kwatt/internal/workload"
)

// backtests are of a made trace with a gap and an estimated day, and of one whose
// last days the LSTM's weights know.
func backtests(t *testing.T) []*backtest.Result {
	t.Helper()
	made := &workload.Trace{Name: "made\x1b[31m", Start: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), Bin: time.Hour}
	for i := range 6 * 24 {
		y := 1000 + 600*math.Sin(2*math.Pi*float64(i)/24) + 100*math.Sin(1.7*float64(i))
		kind := workload.Published
		if i == 100 {
			y = math.NaN()
		}
		if i >= 5*24 {
			kind = workload.Estimated
		}
		made.Rates, made.Kinds = append(made.Rates, y), append(made.Kinds, kind)
	}
	peak, err := workload.Builtin("worldcup98-peak")
	if err != nil {
		t.Fatal(err)
	}
	var out []*backtest.Result
	for _, tr := range []*workload.Trace{made, peak} {
		s, err := backtest.NewSeries(tr, backtest.Cut{})
		if err != nil {
			t.Fatal(err)
		}
		o := backtest.Options{Horizons: []time.Duration{time.Hour, 3 * time.Hour}, Weights: lstm.Builtin()}
		for _, m := range forecast.Methods() {
			switch m.Name {
			case "SeasonalNaive":
				o.Baseline = m
				fallthrough
			case "Naive", "HoltWintersMultiplicative", "LSTM", "PerfectForesight":
				o.Methods = append(o.Methods, m)
			}
		}
		r, err := backtest.Run(context.Background(), s, o)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

func written(t *testing.T, write func(io.Writer, []*backtest.Result) error, r []*backtest.Result) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestBacktestText(t *testing.T) {
	r := backtests(t)
	text := written(t, func(w io.Writer, r []*backtest.Result) error { return BacktestText(w, r, Options{}) }, r)
	golden.Check(t, "testdata/backtest.txt", text)
	for line := range strings.Lines(string(text)) {
		if n := tty.Runes(strings.TrimSuffix(line, "\n")); n > 80 || strings.Contains(line, "\x1b") {
			t.Errorf("%d columns: %q", n, line)
		}
	}
	golden.Check(t, "testdata/backtest.md", written(t, BacktestMarkdown, r))
}

func TestBacktestForMachines(t *testing.T) {
	r := backtests(t)
	rows, err := csv.NewReader(bytes.NewReader(written(t, BacktestCSV, r))).ReadAll()
	if err != nil || len(rows) != 1+2*2*5 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	var records []map[string]any
	if err := json.Unmarshal(written(t, BacktestJSON, r), &records); err != nil || len(records) != len(rows)-1 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	for i, rec := range records {
		row := rows[i+1]
		if rec["model"] != row[column["model"]] {
			t.Fatalf("record %d is of %v, row of %s", i, rec["model"], row[column["model"]])
		}
		_, scored := rec["n"]
		if refused := rec["model"] == "LSTM" && rec["trace"] == "worldcup98-peak"; refused == scored || refused != (row[column["n"]] == "") || refused != (row[column["refused"]] != "") {
			t.Errorf("%v on %v: scored %t, row %v", rec["model"], rec["trace"], scored, row)
		}
		if scored {
			if q := rec["quantiles"].([]any)[7].(map[string]any); digits(q["below_ratio"].(float64)) != row[column["q0.99_below_ratio"]] {
				t.Errorf("below p99: %v in JSON, %s in CSV", q["below_ratio"], row[column["q0.99_below_ratio"]])
			}
		}
	}
}

func TestBacktestSVG(t *testing.T) {
	r := backtests(t)
	drawing := written(t, BacktestSVG, r)
	if !bytes.Equal(drawing, written(t, BacktestSVG, backtests(t))) {
		t.Error("two drawings of the same backtests differ")
	}
	var text strings.Builder
	for dec := xml.NewDecoder(bytes.NewReader(drawing)); ; {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if c, ok := token.(xml.CharData); ok {
			text.Write(c)
		}
	}
	for _, want := range []string{"medians 3h ahead", "worldcup98-peak", "LSTM", "HoltWintersMultiplicative", "mean pinball loss"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the drawing does not say %q", want)
		}
	}
	if bytes.Contains(drawing, []byte("NaN")) {
		t.Error("a coordinate is NaN")
	}
}
