package workload

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var sameTrace = cmp.Options{cmpopts.EquateNaNs(), cmpopts.EquateEmpty()}

var nan = math.NaN()

func TestReadCSVFormats(t *testing.T) {
	utc := func(s string) time.Time { return instant(t, s).UTC() }
	for _, c := range []struct {
		name, file string
		o          ReadOptions
		want       Trace
	}{
		{"rate in req/s, RFC 3339 with zone", "t,qps\n2024-05-01T00:00:00+08:00,1.5\n2024-05-01T00:01:00+08:00,0\n", ReadOptions{},
			Trace{Start: time.Date(2024, 5, 1, 0, 0, 0, 0, time.FixedZone("", 8*3600)), Bin: time.Minute, Rates: []float64{1.5, 0}}},
		{"rate in req/min, no zone is UTC", "t,qpm\n2024-05-01 00:00:00,60\n2024-05-01 00:01:00,90\n", ReadOptions{Unit: "req/min"},
			Trace{Start: utc("2024-05-01T00:00:00Z"), Bin: time.Minute, Rates: []float64{1, 1.5}}},
		{"rate in req/h by header", "# unit: req/h\nt,q\n2024-05-01T00:00,3600\n2024-05-01T01:00,1800\n", ReadOptions{},
			Trace{Start: utc("2024-05-01T00:00:00Z"), Bin: time.Hour, Rates: []float64{1, 0.5}}},
		{"count, columns by name and in any order", "host,n,when\na,600,2024-05-01T00:00Z\nb,300,2024-05-01T00:10Z\n", ReadOptions{Format: Count, TimeColumn: "when", RateColumn: "n"},
			Trace{Start: utc("2024-05-01T00:00:00Z"), Bin: 10 * time.Minute, Rates: []float64{1, 0.5}}},
		{"seconds since 1970", "s,qps\n1714521600.5,1\n1714521601.5,2\n", ReadOptions{},
			Trace{Start: utc("2024-05-01T00:00:00.5Z"), Bin: time.Second, Rates: []float64{1, 2}}},
		{"seconds since the header's start", "# start: 2024-05-01T00:00:00Z\ns,qps\n0,1\n60,2\n", ReadOptions{},
			Trace{Start: utc("2024-05-01T00:00:00Z"), Bin: time.Minute, Rates: []float64{1, 2}}},
		{"gaps: absent row, empty cell, row that the header promises", "# start: 2024-05-01T00:00:00Z\ns,qps\n60,1\n120,\n180,0\n300,2\n", ReadOptions{},
			Trace{Start: utc("2024-05-01T00:00:00Z"), Bin: time.Minute, Rates: []float64{nan, 1, nan, 0, nan, 2}}},
		{"zero is missing when asked", "s,qps\n0,1\n1,0\n2,3\n", ReadOptions{ZeroIsMissing: true},
			Trace{Start: utc("1970-01-01T00:00:00Z"), Bin: time.Second, Rates: []float64{1, nan, 3}}},
		{"one row and a stated bin", "s,n\n0,20\n", ReadOptions{Format: Count, Bin: 10 * time.Second},
			Trace{Start: utc("1970-01-01T00:00:00Z"), Bin: 10 * time.Second, Rates: []float64{2}}},
		{"header, notes, quotes, mark, CRLF, blank lines and comments", "\ufeff# title: A: B\r\n# source: here\r\n# License: CC0\r\n# note: first\r\n# second\r\n\r\n\"time\" , qps,kind\r\n0,\"1\",published\r\n# a remark\r\n1,2,estimated\r\n2,,missing\r\n", ReadOptions{},
			Trace{Title: "A: B", Source: "here", License: "CC0", Notes: []string{"first", "second"}, Start: utc("1970-01-01T00:00:00Z"), Bin: time.Second,
				Rates: []float64{1, 2, nan}, Kinds: []Kind{Published, Estimated, Missing}}},
		{"a log of requests", "at,path\n2024-05-01T00:00:03Z,/a\n2024-05-01T00:00:03Z,/b\n2024-05-01T00:00:25.25Z,/c\n", ReadOptions{Format: Timestamps},
			Trace{Start: utc("2024-05-01T00:00:00Z"), Bin: 10 * time.Second, Rates: []float64{0.2, 0, 0.1}, Arrivals: []int64{3e9, 3e9, 25.25e9}}},
		{"Azure LLM", "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,4808,10\n2023-11-16 18:17:04.0319600,3180,8\n", ReadOptions{Format: AzureLLM, Bin: time.Second},
			Trace{Start: utc("2023-11-16T18:17:03Z"), Bin: time.Second, Rates: []float64{1, 1}, Arrivals: []int64{979960000, 1031960000}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ReadCSV(strings.NewReader(c.file), "f.csv", c.o)
			if err != nil {
				t.Fatal(err)
			}
			c.want.Name = "f.csv"
			if diff := cmp.Diff(&c.want, got, sameTrace); diff != "" {
				t.Error(diff)
			}
			if _, want := c.want.Start.Zone(); zone(got) != want {
				t.Errorf("zone offset %d s, want %d", zone(got), want)
			}
			roundTrip(t, got)
		})
	}
}

func zone(t *Trace) int {
	_, offset := t.Start.Zone()
	return offset
}

// roundTrip checks that a trace comes back from its canonical form as it was.
func roundTrip(t *testing.T, tr *Trace) {
	t.Helper()
	var b bytes.Buffer
	if err := WriteCSV(&b, tr); err != nil {
		t.Fatal(err)
	}
	back, err := ReadCSV(bytes.NewReader(b.Bytes()), tr.Name, ReadOptions{})
	if err != nil {
		t.Fatalf("%v\n%s", err, b.Bytes())
	}
	if diff := cmp.Diff(tr, back, sameTrace); diff != "" {
		t.Errorf("%s\n%s", diff, b.Bytes())
	}
	if zone(tr) != zone(back) {
		t.Errorf("zone offset %d s came back as %d", zone(tr), zone(back))
	}
}

func TestBuiltinsRoundTrip(t *testing.T) {
	for _, tr := range Builtins() {
		roundTrip(t, tr)
	}
}

func TestGaps(t *testing.T) {
	tr := &Trace{Rates: []float64{nan, nan, 1, nan, 0, nan}}
	if diff := cmp.Diff([]Gap{{0, 2}, {3, 4}, {5, 6}}, tr.Gaps()); diff != "" {
		t.Error(diff)
	}
}

func TestSummary(t *testing.T) {
	tr := &Trace{Start: instant(t, "2024-05-01T00:00:00Z"), Bin: time.Minute, Rates: []float64{nan, 1, 3, 0}, Kinds: []Kind{Missing, Estimated, Published, Published}}
	want := Summary{Requests: 240, Mean: 4. / 3, Peak: 3, PeakAt: instant(t, "2024-05-01T00:02:00Z"), Published: 2, Estimated: 1, Missing: 1, ZeroPublished: 1}
	if diff := cmp.Diff(want, tr.Summary()); diff != "" {
		t.Error(diff)
	}
}

func TestReadCSVErrors(t *testing.T) {
	log := ReadOptions{Format: Timestamps}
	for _, c := range []struct {
		file string
		o    ReadOptions
		want string
	}{
		{"", ReadOptions{}, "f.csv: file is empty; want a line of column names and rows below it"},
		{"# title: x\n\n", ReadOptions{}, "f.csv: file is empty; want a line of column names and rows below it"},
		{"0,1\n1,2\n", ReadOptions{}, "f.csv:1:1: the first line holds figures; want a line of column names above it"},
		{"t,q\n", ReadOptions{}, "f.csv: 0 rows; want at least two, to know how wide a bin is"},
		{"t,q\n0,1\n", ReadOptions{}, "f.csv: 1 rows; want at least two, to know how wide a bin is"},
		{"t\n", log, "f.csv: no rows; want one per request"},
		{"t;q\n0;1\n", ReadOptions{}, "f.csv:1: one column (t;q); want a time and a rate with a comma between them"},
		{"t,q\n0,1\n1,2\n", ReadOptions{RateColumn: "qps"}, `f.csv:1: no column "qps"; the file has t, q`},
		{"t,q\n0,1\n1,2\n", ReadOptions{TimeColumn: "time"}, `f.csv:1: no column "time"; the file has t, q`},
		{"t,q\n0,1\n1,2\n", ReadOptions{TimeColumn: "t", RateColumn: "t"}, `f.csv:1: column "t" cannot be both time and rate`},
		{"TIMESTAMP,n\n", ReadOptions{Format: AzureLLM}, `f.csv:1: no column "ContextTokens"; the file has TIMESTAMP, n`},
		{"t,q\n5,1\n4,2\n", ReadOptions{}, "f.csv:3:1: time 4 is before the row above (5); sort the file by time"},
		{"t\n5\n4\n", log, "f.csv:3:1: time 4 is before the row above (5); sort the file by time"},
		{"t,q\n5,1\n5,2\n", ReadOptions{}, "f.csv:3:1: time 5 is there twice; keep one row per bin, or read a log of requests with format Timestamps"},
		{"# start: 2024-05-01T00:00:00Z\nt,q\n-1,1\n5,2\n", ReadOptions{}, "f.csv:3:1: time -1 is before the start that the header states (2024-05-01T00:00:00Z)"},
		{"t,q\n0,1\n60,2\n\n130,3\n", ReadOptions{}, "f.csv:5: row is 2m10s after the start, which is no multiple of the bin of 1m0s; bins must be even (a header line \"# bin: 10m\" states their width)"},
		{"t,q\n0,1\n1,NaN\n", ReadOptions{}, `f.csv:3:3: column "q": NaN is not a rate; leave the cell empty where it is missing`},
		{"t,q\n0,1\n1,+Inf\n", ReadOptions{}, `f.csv:3:3: column "q": +Inf is not a rate; leave the cell empty where it is missing`},
		{"t,q\n0,1\n1,-3\n", ReadOptions{}, `f.csv:3:3: column "q": rate -3 is negative`},
		{"t,q\n0,1\n1,fast\n", ReadOptions{}, `f.csv:3:3: column "q": "fast" is not a number`},
		{"t,q\n0,1\n1,2e13\n", ReadOptions{}, `f.csv:3:3: column "q": 2e13 is more than 1e+12 req/s; is the unit right?`},
		{"t,q\n0,1\n0.000000001,900000\n", ReadOptions{Format: Count}, "f.csv:3: 900000 requests in 1ns is more than 1e+12 req/s; is the bin right?"},
		{"t,q\n0,\n1,\n", ReadOptions{}, "f.csv: every bin is missing"},
		{"t,q\nnoon,1\n", ReadOptions{}, `f.csv:2:1: column "t": "noon" is not a time; want one like 2017-12-02T20:00:00+08:00, 2017-12-02 20:00:00 (UTC) or seconds as a number`},
		{"t,q\n0,1\n2024-05-01T00:00:00Z,1\n", ReadOptions{}, `f.csv:3:1: column "t": "2024-05-01T00:00:00Z" is not a number of seconds`},
		{"t,q\n1714521600000,1\n", ReadOptions{}, `f.csv:2:1: column "t": time "1714521600000" lies outside the years 1900 to 2189; are they milliseconds?`},
		{"t,q\n1024-05-01T00:00:00Z,1\n", ReadOptions{}, `f.csv:2:1: column "t": time "1024-05-01T00:00:00Z" lies outside the years 1900 to 2189`},
		{"t,q\n0,1,2\n", ReadOptions{}, "f.csv:2: 3 cells, but the file has 2 columns (t, q)"},
		{"t,q\n0,\"1\n", ReadOptions{}, "f.csv:2:3: quote is not closed on its line"},
		{"t,q\n0,\"1\"2\n", ReadOptions{}, "f.csv:2:3: text after a quoted cell; want a comma"},
		{"t,q,kind\n0,1,guessed\n", ReadOptions{}, `f.csv:2:5: kind "guessed" is not published, estimated or missing; name the column something else if it means another thing`},
		{"t,q,kind\n0,1,missing\n", ReadOptions{}, "f.csv:2:5: a missing bin has a rate; leave the rate empty"},
		{"# bin: wide\nt,q\n", ReadOptions{}, `f.csv:1: bin "wide" is not a duration like 10s, 5m or 1h, of a year at most`},
		{"# start: now\nt,q\n", ReadOptions{}, `f.csv:1: start: "now" is not a time; want one like 2017-12-02T20:00:00+08:00, 2017-12-02 20:00:00 (UTC) or seconds as a number`},
		{"# start: 1024-05-01 00:00\nt,q\n", ReadOptions{}, "f.csv:1: start 1024-05-01 00:00 lies outside the years 1900 to 2189"},
		{"# format: Counts\nt,q\n", ReadOptions{}, `f.csv: unknown format "Counts"; want Rate, Count, Timestamps or AzureLLM`},
		{"# format: Count\nt,q\n", ReadOptions{Format: Rate}, "f.csv: the file says its format is Count, not Rate"},
		{"t,q\n", ReadOptions{Unit: "rps"}, `f.csv: unknown unit "rps"; want req/s, req/min or req/h`},
		{"t,q\n", ReadOptions{Unit: "req/bin"}, "f.csv: unit req/bin goes with format Count, not with Rate"},
		{"t,q\n", ReadOptions{Unit: "req/s", Format: Count}, `f.csv: unit "req/s" goes with format Rate, not with Count`},
		{"t,q\n", ReadOptions{Bin: -1}, "f.csv: bin -1ns is not between 0 and 8784h0m0s"},
		{"t,q\n0,1\n1,1\n100000000,1\n", ReadOptions{}, "f.csv: 100000001 bins of 1s; at most 16777216 can be read: is a time wrong, or can bins be wider?"},
		{"t\n0\n1000000000\n", log, "f.csv: 100000001 bins of 10s; at most 16777216 can be read: is a time wrong, or can bins be wider?"},
		{"t,q\n0,1\n100000000,1\n", ReadOptions{}, "f.csv: rows are 27777h46m40s apart; a bin is a year at most: is a time wrong?"},
		{"t,q\n0," + strings.Repeat("1", maxLineBytes) + "\n", ReadOptions{}, "f.csv:2: line is longer than 1 MiB; is this a CSV file?"},
	} {
		_, err := ReadCSV(strings.NewReader(c.file), "f.csv", c.o)
		var fault *ReadError
		if !errors.As(err, &fault) {
			t.Errorf("%.40q: error %v, want a ReadError %s", c.file, err, c.want)
		} else if err.Error() != c.want {
			t.Errorf("%.40q\n got %v\nwant %s", c.file, err, c.want)
		}
	}
}

func TestReadCSVPassesOnIOErrors(t *testing.T) {
	broken := errors.New("disk on fire")
	_, err := ReadCSV(io.MultiReader(strings.NewReader("t,q\n0,1\n"), iotest.ErrReader(broken)), "f.csv", ReadOptions{})
	if want := "read trace f.csv after line 2: disk on fire"; !errors.Is(err, broken) || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestRowLimit(t *testing.T) {
	rd := &reader{lines: newLines(strings.NewReader(""), "f.csv"), columns: []string{"t"}, format: Timestamps, rows: maxRows, lastTime: math.MinInt64}
	rd.time.origin = time.Unix(0, 0)
	_, err := rd.readTime([]field{{"1", 1}})
	if want := "f.csv:0: more than 50000000 rows; cut the file or count it into bins"; err == nil || !strings.HasSuffix(err.Error(), want[len("f.csv:0: "):]) {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestWriteCSVPassesOnErrors(t *testing.T) {
	err := WriteCSV(failingWriter{}, builtin(t, "worldcup98-final"))
	if want := "write trace worldcup98-final: full"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errors.New("full") }

// FuzzReadCSV: no file panics the reader, and what it accepts comes back from
// the canonical form as it was.
func FuzzReadCSV(f *testing.F) {
	for _, s := range []string{
		"t,qps\n2024-05-01T00:00:00+08:00,1.5\n2024-05-01T00:01:00+08:00,0\n",
		"# title: a\n# start: 1998-07-06T00:00:00Z\n# bin: 5m\n# unit: req/bin\n# format: Count\nseconds,count\n300,4\n900,\n1200,7\n",
		"time,rate,kind\n2024-05-01 00:00:00.5,1,published\n2024-05-01 00:00:01.5,2,estimated\n2024-05-01 00:00:02.5,,missing\n",
		"# format: Timestamps\nt\n-3\n-2.5\n1e1\n",
		"\"a\",\"b\"\n\"0\" , 1\n 1,\"2\"\n",
	} {
		f.Add(s, "", int64(0), false)
	}
	f.Add("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,4808,10\n", "AzureLLM", int64(1e9), false)
	f.Add("t,n\n0,1\n60,0\n", "Count", int64(60e9), true)
	f.Fuzz(func(t *testing.T, file, format string, bin int64, zeroIsMissing bool) {
		tr, err := ReadCSV(strings.NewReader(file), "f.csv", ReadOptions{Format: Format(format), Bin: time.Duration(bin), ZeroIsMissing: zeroIsMissing})
		if err != nil {
			return
		}
		for i, r := range tr.Rates {
			if r < 0 || math.IsInf(r, 0) || r > maxRate {
				t.Fatalf("bin %d has a rate of %v", i, r)
			}
		}
		if tr.Duration() <= 0 || tr.End().Before(tr.Start) {
			t.Fatalf("trace spans %v from %v to %v", tr.Duration(), tr.Start, tr.End())
		}
		if len(tr.Rates) < 10_000 { // longer ones are all gap, and slow to write
			roundTrip(t, tr)
		}
	})
}
