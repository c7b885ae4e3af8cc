package results

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"

	"github.com/parquet-go/parquet-go"
)

// Column is one of a Table: text, whole numbers, or figures with a unit.
type Column struct {
	Name string
	Kind Kind
	Unit string // "" where it has none
}

// Kind is what the cells of a column hold.
type Kind int8

// The kinds, and the Go type of their cells.
const (
	TextColumn   Kind = iota // string
	WholeColumn              // uint64
	FigureColumn             // float64, or nil where there is none
)

// Table is rows of cells, of their columns' kinds.
type Table struct {
	Name    string
	Columns []Column
	Rows    [][]any
}

// Files are the table as NAME.csv and NAME.parquet, which hold the same.
func (t *Table) Files() []File {
	return []File{{t.Name + ".csv", t.csv}, {t.Name + ".parquet", t.parquet}}
}

// check refuses a figure that cannot be written.
func (t *Table) check() error {
	for i, row := range t.Rows {
		for k, cell := range row {
			if x, ok := cell.(float64); ok && !isFinite(x) {
				return fmt.Errorf("table %s row %d: %s is %v: want a finite number", t.Name, i+1, t.Columns[k].Name, x)
			}
		}
	}
	return nil
}

// csv writes the table with its figures in nine digits; an empty cell is none.
func (t *Table) csv(w io.Writer) error {
	if err := t.check(); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	var cells []string
	for _, c := range t.Columns {
		cells = append(cells, c.Name)
	}
	if err := out.Write(cells); err != nil {
		return err
	}
	for _, row := range t.Rows {
		cells = cells[:0]
		for _, cell := range row {
			switch x := cell.(type) {
			case string:
				cells = append(cells, x)
			case uint64:
				cells = append(cells, strconv.FormatUint(x, 10))
			case float64:
				cells = append(cells, formatFloat(x))
			default:
				cells = append(cells, "")
			}
		}
		if err := out.Write(cells); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// parquet writes it with the unit of each column in the file's metadata, as
// "unit.<column>". Nothing in the file depends on the time or the host.
func (t *Table) parquet(w io.Writer) error {
	if err := t.check(); err != nil {
		return err
	}
	group := parquet.Group{}
	var order []string
	options := []parquet.WriterOption{parquet.Compression(&parquet.Zstd), parquet.CreatedBy("kwatt", fmt.Sprint(SchemaVersion), "")}
	for _, c := range t.Columns {
		order = append(order, c.Name)
		switch c.Kind {
		case TextColumn:
			group[c.Name] = parquet.Encoded(parquet.String(), &parquet.RLEDictionary)
		case WholeColumn:
			group[c.Name] = parquet.Uint(64)
		case FigureColumn:
			group[c.Name] = parquet.Optional(parquet.Leaf(parquet.DoubleType))
		}
		if c.Unit != "" {
			options = append(options, parquet.KeyValueMetadata("unit."+c.Name, c.Unit))
		}
	}
	schema := parquet.NewSchema(t.Name, orderedGroup{group, order})
	out := parquet.NewGenericWriter[any](w, append(options, schema)...)
	for _, row := range t.Rows {
		if _, err := out.WriteRows([]parquet.Row{tableRow(row)}); err != nil {
			return err
		}
	}
	return out.Close()
}

func tableRow(row []any) parquet.Row {
	values := make(parquet.Row, len(row))
	for i, cell := range row {
		switch x := cell.(type) {
		case string:
			values[i] = parquet.ByteArrayValue([]byte(x)).Level(0, 0, i)
		case uint64:
			values[i] = parquet.Int64Value(int64(x)).Level(0, 0, i)
		case float64:
			values[i] = parquet.DoubleValue(Round(x)).Level(0, 1, i)
		default:
			values[i] = parquet.NullValue().Level(0, 0, i)
		}
	}
	return values
}
