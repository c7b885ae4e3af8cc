package workload

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// requests sums the trace's requests from one instant to another.
func requests(t *testing.T, tr *Trace, from, to string) float64 {
	t.Helper()
	sum := 0.0
	for i, r := range tr.Rates {
		at := tr.Start.Add(time.Duration(i) * tr.Bin)
		if !at.Before(instant(t, from)) && at.Before(instant(t, to)) {
			sum += r * tr.Bin.Seconds()
		}
	}
	return sum
}

func instant(t *testing.T, s string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func builtin(t testing.TB, name string) *Trace {
	t.Helper()
	tr, err := Builtin(name)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// TestBuiltinTotals compares the tables with the totals that their sources give.
func TestBuiltinTotals(t *testing.T) {
	for _, c := range []struct {
		trace, from, to string
		want            float64
		why             string
	}{
		{"taobao-2017", "2017-12-01T00:00:00+08:00", "2017-12-02T00:00:00+08:00", 10_859_436, "published hours of the day"},
		{"taobao-2017", "2017-12-02T00:00:00+08:00", "2017-12-03T00:00:00+08:00", 13_777_869, "published hours of the day"},
		{"taobao-2017", "2017-12-03T00:00:00+08:00", "2017-12-04T00:00:00+08:00", 13_662_159, "published hours of the day"},
		{"taobao-2017", "2017-11-25T00:00:00+08:00", "2017-12-04T00:00:00+08:00", 100_095_229, "published totals by hour of day"},
		{"worldcup98-peak", "1998-07-07T21:41:00Z", "1998-07-07T21:42:00Z", 229_426, "busiest minute of the logs, 3,823.8 req/s"},
		{"worldcup98-peak", "1998-07-07T00:00:00Z", "1998-07-08T00:00:00Z", 42_806_305, "minutes of the day"},
		{"worldcup98-final", "1998-07-07T00:00:00Z", "1998-07-08T00:00:00Z", 42_806_305, "the same day in the other table"},
		{"worldcup98-final", "1998-07-12T00:00:00Z", "1998-07-13T00:00:00Z", 14_908_559, "minutes of the day of the final"},
		{"uci-retail-christmas", "2011-12-05T00:00:00Z", "2011-12-06T00:00:00Z", 5_331, "invoice lines of the busiest day"},
		{"uci-retail-christmas", "2011-11-01T00:00:00Z", "2011-12-01T00:00:00Z", 84_711, "invoice lines of November"},
		{"servegen-m-mid", "1970-01-09T00:00:00Z", "1970-01-09T00:20:00Z", (2408.6483 + 2380.3567) * 600, "first two bins of day 9"},
	} {
		got := requests(t, builtin(t, c.trace), c.from, c.to)
		if math.Abs(got-c.want) > 1e-9*c.want {
			t.Errorf("%s from %s to %s: %.3f requests, want %.0f (%s)", c.trace, c.from, c.to, got, c.want, c.why)
		}
	}
}

func TestBuiltinsAreWhole(t *testing.T) {
	type shape struct {
		Bins                          int
		Bin                           time.Duration
		Published, Estimated, Missing int
	}
	want := map[string]shape{
		"servegen-m-mid":       {720, 10 * time.Minute, 684, 0, 36},
		"taobao-2017":          {216, time.Hour, 72, 144, 0},
		"uci-retail-christmas": {38 * 24, time.Hour, 38 * 24, 0, 0},
		"worldcup98-final":     {8 * 288, 5 * time.Minute, 8 * 288, 0, 0},
		"worldcup98-peak":      {2 * 1440, time.Minute, 2 * 1440, 0, 0},
	}
	got := map[string]shape{}
	previous := ""
	for _, tr := range Builtins() {
		s := tr.Summary()
		got[tr.Name] = shape{len(tr.Rates), tr.Bin, s.Published, s.Estimated, s.Missing}
		if tr.Title == "" || tr.Source == "" || tr.License == "" || len(tr.Notes) == 0 {
			t.Errorf("%s: title, source, licence or notes are missing", tr.Name)
		}
		if tr.Name <= previous {
			t.Errorf("%s comes after %s", tr.Name, previous)
		}
		previous = tr.Name
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	files, err := builtinFiles.ReadDir("builtin")
	if err != nil || len(files) != len(want)+1 {
		t.Errorf("%d embedded files (%v), want the tables and a notice", len(files), err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Size() > 40_000 {
			t.Errorf("%s: %v bytes (%v), want 40 kB at most", f.Name(), info.Size(), err)
		}
	}
}

func TestServeGenHoles(t *testing.T) {
	tr := builtin(t, "servegen-m-mid")
	// Day 10 of the source starts at bin 144 here.
	want := []Gap{{144 + 90, 144 + 102}, {144 + 114, 144 + 138}}
	if diff := cmp.Diff(want, tr.Gaps()); diff != "" {
		t.Error(diff)
	}
}

func TestBuiltinUnknown(t *testing.T) {
	_, err := Builtin("taobao")
	want := `no builtin trace "taobao"; there are servegen-m-mid, taobao-2017, uci-retail-christmas, worldcup98-final, worldcup98-peak`
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if !strings.Contains(WorldCup98Notice(), "Hewlett-Packard Company") {
		t.Error("the WorldCup98 notice does not name its owner")
	}
}

// rawTraces holds the tables that the builtin ones were cut from, where somebody
// has them; everything that a clone needs is checked above.
const rawTraces = "../../../shared/data/traces"

// TestBuiltinAgainstRaw recounts bins from the tables they were cut from.
func TestBuiltinAgainstRaw(t *testing.T) {
	for _, c := range []struct {
		trace, file string
		column      int
		perBin      int // raw rows in a bin
		first       string
		factor      float64 // from the sum of the raw rows to req/s
	}{
		{"taobao-2017", "taobao_userbehavior_216h.csv", 2, 1, "2017-11-25", 1. / 3600},
		{"worldcup98-final", "worldcup98_permin.csv", 1, 5, "1998-07-06T00:00Z", 1. / 300},
		{"worldcup98-peak", "worldcup98_permin.csv", 1, 1, "1998-07-06T00:00Z", 1. / 60},
		{"uci-retail-christmas", "uci_online_retail_hourly.csv", 1, 1, "2011-11-01T00:00", 1. / 3600},
		{"servegen-m-mid", "servegen_alibaba_10min_rps.csv", 2, 1, fmt.Sprint(8 * 86400), 1},
	} {
		f, err := os.Open(filepath.Join(rawTraces, c.file))
		if err != nil {
			t.Logf("no raw table for %s, so nothing to recount: %v", c.trace, err)
			continue
		}
		defer f.Close()
		rows, err := csv.NewReader(f).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for rows[0][0] != c.first {
			rows = rows[1:]
		}
		for i, got := range builtin(t, c.trace).Rates {
			want := 0.0
			for _, row := range rows[i*c.perBin : (i+1)*c.perBin] {
				var v float64
				if _, err := fmt.Sscan(row[c.column], &v); err != nil {
					t.Fatal(err)
				}
				want += v * c.factor
			}
			if math.IsNaN(got) && want < 30 {
				continue // a hole, as the table's note says
			}
			if !(math.Abs(got-want) <= 1e-12*want) {
				t.Fatalf("%s bin %d: %v req/s, want %v", c.trace, i, got, want)
			}
		}
	}
}

// TestAzureAgainstRaw reads the published logs where somebody has them; their
// row counts are those of the data set.
func TestAzureAgainstRaw(t *testing.T) {
	for file, want := range map[string]int{"AzureLLMInferenceTrace_code.csv": 8819, "AzureLLMInferenceTrace_conv.csv": 19366} {
		f, err := os.Open(filepath.Join(rawTraces, file))
		if err != nil {
			t.Logf("no %s to read: %v", file, err)
			continue
		}
		defer f.Close()
		tr, err := ReadCSV(f, file, ReadOptions{Format: AzureLLM})
		if err != nil {
			t.Fatal(err)
		}
		if len(tr.Arrivals) != want || math.Abs(tr.Summary().Requests-float64(want)) > 1e-6 {
			t.Errorf("%s: %d arrivals and %v requests in bins, want %d", file, len(tr.Arrivals), tr.Summary().Requests, want)
		}
	}
}

// TestDocs keeps the tables of docs/traces.md true.
func TestDocs(t *testing.T) {
	doc, err := os.ReadFile("../../docs/traces.md")
	if err != nil {
		t.Fatal(err)
	}
	const layout = "2006-01-02 15:04 -07:00"
	for _, tr := range Builtins() {
		s := tr.Summary()
		for _, row := range []string{
			fmt.Sprintf("| %s | %s | %.0f days | %.0f min | %d / %d / %d | %.5g | %.5g (%s) |", tr.Name, tr.Start.Format(layout), tr.Duration().Hours()/24, tr.Bin.Minutes(),
				s.Published, s.Estimated, s.Missing, s.Mean, s.Peak, s.PeakAt.Format(layout)),
			fmt.Sprintf("| %s | %s | %s |", tr.Name, strings.ReplaceAll(tr.Source, "*", `\*`), tr.License),
		} {
			if !strings.Contains(string(doc), "\n"+row+"\n") {
				t.Errorf("docs/traces.md lacks the row\n%s", row)
			}
		}
	}
}
