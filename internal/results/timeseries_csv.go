package results

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
)

// writeCSV streams the points of all runs, a row each. An empty cell means
// that the column does not apply, or for a latency that nothing was served.
func writeCSV(w io.Writer, runs []*Run) error {
	out := csv.NewWriter(w)
	if err := out.Write(csvHeader()); err != nil {
		return err
	}
	row := make([]string, 0, len(keyColumns)+len(columns))
	for _, r := range runs {
		seed := strconv.FormatUint(r.Seed, 10)
		for i := range r.Points {
			p := &r.Points[i]
			if !isFinite(p.T) {
				return rowError(r, p.T, timeColumn, p.T)
			}
			row = append(row[:0], r.Policy, seed, formatFloat(p.T), p.Service)
			for _, c := range columns {
				x := *c.field(p)
				switch {
				case x == nil:
					row = append(row, "")
				case isFinite(*x):
					row = append(row, formatFloat(*x))
				default:
					return rowError(r, p.T, c.name, *x)
				}
			}
			if err := out.Write(row); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}

func csvHeader() []string {
	header := slices.Clone(keyColumns)
	for _, c := range columns {
		header = append(header, c.name)
	}
	return header
}

// readCSV is the inverse of writeCSV, up to rounding.
func readCSV(r io.Reader) (map[RunKey][]Point, error) {
	in := csv.NewReader(r)
	in.ReuseRecord = true
	header, err := in.Read()
	if err != nil {
		return nil, fmt.Errorf("read the header: %w", err)
	}
	if !slices.Equal(header, csvHeader()) {
		return nil, errors.New("line 1: the columns are not those of this version of kwatt")
	}
	out := map[RunKey][]Point{}
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err // names its line
		}
		key, p, err := parseRow(row)
		if err != nil {
			line, _ := in.FieldPos(0)
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		out[key] = append(out[key], p)
	}
}

func parseRow(row []string) (key RunKey, p Point, err error) {
	key.Policy, p.Service = row[0], row[3]
	if key.Seed, err = strconv.ParseUint(row[1], 10, 64); err != nil {
		return key, p, fmt.Errorf("%s: %w", seedColumn, err)
	}
	if p.T, err = strconv.ParseFloat(row[2], 64); err != nil {
		return key, p, fmt.Errorf("%s: %w", timeColumn, err)
	}
	for i, c := range columns {
		cell := row[len(keyColumns)+i]
		if cell == "" {
			continue
		}
		x, err := strconv.ParseFloat(cell, 64)
		if err != nil {
			return key, p, fmt.Errorf("%s: %w", c.name, err)
		}
		*c.field(&p) = &x
	}
	return key, p, nil
}
