package sweep

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Axis is one dimension of a sweep: paths of a scenario that change together, and
// the rows of values that they take.
type Axis struct {
	Paths []string
	Rows  [][]string // a value for each path
}

// ParseAxis reads path=value,value,... A comma in brackets, braces or quotes is
// part of its value: {replicas: 2, max: 3}.
func ParseAxis(text string) (Axis, error) {
	path, list, ok := strings.Cut(text, "=")
	if !ok || path == "" || strings.TrimSpace(list) == "" {
		return Axis{}, fmt.Errorf("%q is not path=value,value,..., for example spec.services[ranker].batching.maxBatch=1,2,4", text)
	}
	a := Axis{Paths: []string{path}}
	values, err := splitValues(list)
	if err != nil {
		return Axis{}, fmt.Errorf("values of %s: %w", path, err)
	}
	for _, v := range values {
		if v == "" {
			return Axis{}, fmt.Errorf("values of %s: one is empty; write \"\" for an empty text", path)
		}
		a.Rows = append(a.Rows, []string{v})
	}
	return a, a.check()
}

// splitValues cuts at the commas outside of brackets, braces and quotes.
func splitValues(list string) ([]string, error) {
	var (
		values []string
		open   []rune // closing brackets and quotes still to come
		from   int
	)
	closing := map[rune]rune{'[': ']', '{': '}', '"': '"', '\'': '\''}
	for i, r := range list {
		inQuote := len(open) > 0 && (open[len(open)-1] == '"' || open[len(open)-1] == '\'')
		switch {
		case len(open) > 0 && r == open[len(open)-1]:
			open = open[:len(open)-1]
		case inQuote:
		case closing[r] != 0:
			open = append(open, closing[r])
		case r == ',' && len(open) == 0:
			values = append(values, strings.TrimSpace(list[from:i]))
			from = i + 1
		}
	}
	if len(open) > 0 {
		return nil, fmt.Errorf("%s is not closed by %c", list, open[len(open)-1])
	}
	return append(values, strings.TrimSpace(list[from:])), nil
}

// ReadPoints reads a list of points: CSV whose header names the paths and whose
// rows are the values.
func ReadPoints(r io.Reader) (Axis, error) {
	in := csv.NewReader(r)
	in.TrimLeadingSpace = true
	in.Comment = '#'
	rows, err := in.ReadAll() // its errors name the line
	switch {
	case err != nil:
		return Axis{}, err
	case len(rows) < 2:
		return Axis{}, errors.New("want a header of paths and at least one row of values")
	}
	a := Axis{Paths: rows[0], Rows: rows[1:]}
	for i, row := range a.Rows {
		if at := slices.Index(row, ""); at >= 0 {
			return Axis{}, fmt.Errorf("row %d has no value of %s", i+1, a.Paths[at])
		}
	}
	return a, a.check()
}

// CheckPath refuses a path that points of one sweep cannot differ in.
func CheckPath(p string) error {
	switch {
	case !strings.HasPrefix(p, "spec."):
		return fmt.Errorf("path %q: want one below spec, such as spec.services[ranker].batching.maxBatch", p)
	case p == "spec.seeds" || strings.HasPrefix(p, "spec.seeds."):
		return fmt.Errorf("path %s: all points share their seeds, so that they meet the same customers; choose them with --seeds", p)
	case p == "spec.cost.currency":
		return fmt.Errorf("path %s: costs in two currencies do not compare", p)
	}
	return nil
}

// check refuses what a sweep cannot vary, and rows that stand twice.
func (a Axis) check() error {
	for i, p := range a.Paths {
		if err := CheckPath(p); err != nil {
			return err
		}
		if slices.Contains(a.Paths[:i], p) {
			return fmt.Errorf("path %s stands twice", p)
		}
	}
	for i, row := range a.Rows {
		if slices.ContainsFunc(a.Rows[:i], func(other []string) bool { return slices.Equal(row, other) }) {
			return fmt.Errorf("%s=%s stands twice", strings.Join(a.Paths, ","), strings.Join(row, ","))
		}
	}
	return nil
}

// product returns the paths of all axes and the points of their product, the last
// axis the fastest.
func product(axes []Axis) (paths []string, points [][]string, err error) {
	points = [][]string{nil}
	for _, a := range axes {
		for _, p := range a.Paths {
			if slices.Contains(paths, p) {
				return nil, nil, fmt.Errorf("path %s stands in two axes", p)
			}
		}
		paths = append(paths, a.Paths...)
		if len(points)*len(a.Rows) > MaxPoints {
			return nil, nil, fmt.Errorf("more than %d points", MaxPoints)
		}
		var next [][]string
		for _, point := range points {
			for _, row := range a.Rows {
				next = append(next, slices.Concat(point, row))
			}
		}
		points = next
	}
	return paths, points, nil
}
