package poweraccuracy

import (
	"bytes"
	"embed"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
)

//go:embed data/*.csv
var files embed.FS

// sheet is a carried table with the comment that says where it is from.
type sheet struct {
	Source string
	rows   []map[string]string
}

// open reads a carried table. The tables are part of the program: a fault in
// one is a bug, and a test reads them all.
func open(name string) sheet {
	data, err := files.ReadFile("data/" + name)
	if err != nil {
		panic(fmt.Sprintf("poweraccuracy: %v", err))
	}
	var s sheet
	var source []string
	for line := range bytes.Lines(data) {
		if text, ok := strings.CutPrefix(string(line), "# "); ok {
			source = append(source, strings.TrimSpace(text))
		}
	}
	s.Source = strings.Join(source, " ")
	in := csv.NewReader(bytes.NewReader(data))
	in.Comment = '#'
	records, err := in.ReadAll()
	if err != nil {
		panic(fmt.Sprintf("poweraccuracy: %s: %v", name, err))
	}
	for _, r := range records[1:] {
		row := map[string]string{}
		for i, column := range records[0] {
			row[column] = r[i]
		}
		s.rows = append(s.rows, row)
	}
	return s
}

// number reads a cell; an empty one is 0.
func number(row map[string]string, column string) float64 {
	text, ok := row[column]
	if !ok {
		panic("poweraccuracy: no column " + column)
	}
	if text == "" {
		return 0
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		panic(fmt.Sprintf("poweraccuracy: column %s: %v", column, err))
	}
	return v
}

// groups returns the values of a column in the order of their first rows.
func (s sheet) groups(columns ...string) [][]map[string]string {
	var out [][]map[string]string
	at := map[string]int{}
	for _, r := range s.rows {
		key := ""
		for _, c := range columns {
			key += r[c] + "\x00"
		}
		i, ok := at[key]
		if !ok {
			i = len(out)
			at[key] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], r)
	}
	return out
}
