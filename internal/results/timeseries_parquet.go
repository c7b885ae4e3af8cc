package results

import (
	"fmt"
	"io"
	"slices"

	"github.com/parquet-go/parquet-go"
)

// parquetRowGroup is the number of rows that are held in memory at a time.
const parquetRowGroup = 1 << 16

// orderedGroup is a parquet.Group whose columns keep the order of the CSV
// instead of the alphabet's.
type orderedGroup struct {
	parquet.Group
	order []string
}

// Fields lists the columns in order.
func (g orderedGroup) Fields() []parquet.Field {
	fields := slices.Clone(g.Group.Fields())
	slices.SortFunc(fields, func(a, b parquet.Field) int {
		return slices.Index(g.order, a.Name()) - slices.Index(g.order, b.Name())
	})
	return fields
}

func parquetSchema() *parquet.Schema {
	text := parquet.Encoded(parquet.String(), &parquet.RLEDictionary)
	group := parquet.Group{
		policyColumn:  text,
		seedColumn:    parquet.Uint(64),
		timeColumn:    parquet.Leaf(parquet.DoubleType),
		serviceColumn: text,
	}
	for _, c := range columns {
		group[c.name] = parquet.Optional(parquet.Leaf(parquet.DoubleType))
	}
	return parquet.NewSchema("timeseries", orderedGroup{group, csvHeader()})
}

// writeParquet streams the same table as writeCSV. The unit of each column is
// in the file's key-value metadata, as "unit.<column>". Nothing in the file
// depends on the time, the host or the number of threads.
func writeParquet(w io.Writer, runs []*Run) error {
	options := []parquet.WriterOption{
		parquetSchema(),
		parquet.Compression(&parquet.Zstd),
		parquet.MaxRowsPerRowGroup(parquetRowGroup),
		parquet.CreatedBy("kwatt", fmt.Sprint(SchemaVersion), ""),
		parquet.KeyValueMetadata("unit."+timeColumn, "s"),
	}
	for _, c := range columns {
		options = append(options, parquet.KeyValueMetadata("unit."+c.name, c.unit))
	}
	out := parquet.NewGenericWriter[any](w, options...)
	batch := make([]parquet.Row, 0, 256)
	flush := func() error {
		_, err := out.WriteRows(batch)
		batch = batch[:0]
		return err
	}
	for _, r := range runs {
		for i := range r.Points {
			if len(batch) == cap(batch) {
				if err := flush(); err != nil {
					return err
				}
			}
			batch = batch[:len(batch)+1]
			row := &batch[len(batch)-1]
			var err error
			if *row, err = appendParquetRow((*row)[:0], r, &r.Points[i]); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	return out.Close()
}

func appendParquetRow(row parquet.Row, r *Run, p *Point) (parquet.Row, error) {
	if !isFinite(p.T) {
		return nil, rowError(r, p.T, timeColumn, p.T)
	}
	row = append(row,
		parquet.ByteArrayValue([]byte(r.Policy)).Level(0, 0, 0),
		parquet.Int64Value(int64(r.Seed)).Level(0, 0, 1),
		parquet.DoubleValue(Round(p.T)).Level(0, 0, 2),
		parquet.ByteArrayValue([]byte(p.Service)).Level(0, 0, 3),
	)
	for i, c := range columns {
		at := len(keyColumns) + i
		x := *c.field(p)
		switch {
		case x == nil:
			row = append(row, parquet.NullValue().Level(0, 0, at))
		case isFinite(*x):
			row = append(row, parquet.DoubleValue(Round(*x)).Level(0, 1, at))
		default:
			return nil, rowError(r, p.T, c.name, *x)
		}
	}
	return row, nil
}
