package powerfile

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/powerfit"
	"github.com/kwatt-sim/kwatt/internal/schema"
)

// fromCSV reads batch,watts[,std] below a header that names them, in any order;
// other columns are left alone, and so are lines that begin with #.
func fromCSV(data []byte, file string) (*Readings, error) {
	var errs schema.Errors
	fail := func(line, col int, message, hint string) {
		errs = append(errs, schema.Error{Position: schema.Position{File: file, Line: line, Col: max(col, 1)}, Message: message, Hint: hint})
	}
	in := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	in.Comment, in.TrimLeadingSpace = '#', true
	header, err := in.Read()
	if errors.Is(err, io.EOF) {
		fail(1, 1, "holds nothing", "want a header batch,watts or batch,watts,std and a line for each reading")
		return nil, errs
	}
	columns := map[string]int{}
	for i, name := range header {
		columns[strings.ToLower(strings.TrimSpace(name))] = i
	}
	batchColumn, hasBatch := columns["batch"]
	wattsColumn, hasWatts := columns["watts"]
	stdColumn, hasStd := columns["std"]
	if err == nil && (!hasBatch || !hasWatts) {
		line, _ := in.FieldPos(0)
		fail(line, 1, fmt.Sprintf("the header is %q", strings.Join(header, ",")), "want columns batch and watts, and std if there is one")
		return nil, errs
	}
	r := &Readings{File: file, Source: Source{Text: file, Grade: "B"}}
	for err == nil {
		var row []string
		if row, err = in.Read(); err != nil {
			break
		}
		number := func(column int, least float64, what string) float64 {
			line, col := in.FieldPos(column)
			v, parseErr := strconv.ParseFloat(strings.TrimSpace(row[column]), 64)
			if parseErr != nil || !(v >= least) || math.IsInf(v, 0) {
				fail(line, col, fmt.Sprintf("column %s: %q is not a number of at least %g", what, row[column], least), "")
			}
			return v
		}
		p := powerfit.Point{Batch: number(batchColumn, 1, "batch"), Watts: number(wattsColumn, 1e-3, "watts")}
		if hasStd && strings.TrimSpace(row[stdColumn]) != "" {
			p.SE = number(stdColumn, 0, "std")
		}
		r.Data.Points = append(r.Data.Points, p)
	}
	var bad *csv.ParseError
	if errors.As(err, &bad) {
		fail(bad.Line, bad.Column, bad.Err.Error(), "")
	}
	if len(errs) == 0 && len(r.Data.Points) == 0 {
		fail(1, 1, "has a header and no readings", "")
	}
	if err := errs.Err(); err != nil {
		return nil, err
	}
	return r, nil
}
