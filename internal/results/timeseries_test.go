package results

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
)

func TestCSVText(t *testing.T) {
	var b bytes.Buffer
	if err := writeCSV(&b, []*Run{testRun("hpa", 7, 2)}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(b.String(), "\n")
	for i, want := range map[int]string{
		0: "policy,seed,t_seconds,service,arrival_requests_per_second,",
		1: "hpa,7,0,ranker,0,,,,,0.0333333333,,0,,,,,,,,,,,",
		3: "hpa,7,60,ranker,188.495559,,,,,0.0333333333,,0,,,,,,,,,,,",
		4: "hpa,7,60,,,,,,,,,,,,,4,,,,,142857.143,,",
	} {
		if !strings.HasPrefix(lines[i], want) {
			t.Errorf("line %d is %q, want %q", i, lines[i], want)
		}
	}
}

// The Parquet file holds the table of the CSV, and its bytes do not depend on
// when it is written. More rows than a row group are written.
func TestParquetIsTheCSV(t *testing.T) {
	runs := []*Run{testRun("static", 1, parquetRowGroup/2+100), testRun("hpa", 1<<63, 3)}
	var first, second, text bytes.Buffer
	for _, b := range []*bytes.Buffer{&first, &second} {
		if err := writeParquet(b, runs); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("two writes of the same runs differ")
	}
	if err := writeCSV(&text, runs); err != nil {
		t.Fatal(err)
	}
	want, err := readCSV(&text)
	if err != nil {
		t.Fatal(err)
	}
	f, err := parquet.OpenFile(bytes.NewReader(first.Bytes()), int64(first.Len()))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range f.Schema().Columns() {
		names = append(names, c[0])
	}
	if d := cmp.Diff(csvHeader(), names); d != "" {
		t.Errorf("columns: %s", d)
	}
	for _, c := range columns {
		if unit, _ := f.Lookup("unit." + c.name); unit != c.unit {
			t.Errorf("unit of %s is %q in the metadata, want %q", c.name, unit, c.unit)
		}
	}
	if len(f.RowGroups()) != 2 {
		t.Errorf("%d row groups, want 2", len(f.RowGroups()))
	}
	if d := cmp.Diff(want, parquetPoints(t, f)); d != "" {
		t.Errorf("rows: %s", d)
	}
}

func parquetPoints(t *testing.T, f *parquet.File) map[RunKey][]Point {
	t.Helper()
	out := map[RunKey][]Point{}
	for _, g := range f.RowGroups() {
		rows := g.Rows()
		defer rows.Close()
		buffer := make([]parquet.Row, 1000)
		for {
			n, err := rows.ReadRows(buffer)
			for _, row := range buffer[:n] {
				p := Point{T: row[2].Double(), Service: row[3].String()}
				for i, c := range columns {
					if v := row[len(keyColumns)+i]; !v.IsNull() {
						*c.field(&p) = ptr(v.Double())
					}
				}
				key := RunKey{row[0].String(), row[1].Uint64()}
				out[key] = append(out[key], p)
			}
			if n == 0 {
				if err == nil {
					t.Fatal("no rows and no error")
				}
				break
			}
		}
	}
	return out
}

func TestColumnsCoverPoint(t *testing.T) {
	var p Point
	seen := map[**float64]bool{}
	for _, c := range columns {
		seen[c.field(&p)] = true
	}
	// Point has T, Service and one pointer for each column.
	if fields := reflect.TypeFor[Point]().NumField() - 2; len(seen) != fields || len(columns) != fields {
		t.Errorf("%d columns reach %d fields, want %d", len(columns), len(seen), fields)
	}
}
