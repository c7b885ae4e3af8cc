package profiles

import (
	"bytes"
	"embed"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/grade"
)

// The tables are the figures as published; what is derived from them is code.
//
//go:embed data/*.csv
var data embed.FS

// published reads data/published.csv: one line a profile, its points written
// "batch:value", values in ms a batch or in items per second.
func published() []Profile {
	sources := map[string]map[string]string{}
	for _, r := range table("sources.csv") {
		sources[r["source"]] = r
	}
	var all []Profile
	for _, r := range table("published.csv") {
		source, ok := sources[r["source"]]
		if !ok {
			panic(fmt.Sprintf("profiles: published.csv names unknown source %q", r["source"]))
		}
		p := Profile{
			Model: r["model"], Variant: r["variant"], GPU: r["gpu"], Items: models[r["model"]].items,
			Grade: mustGrade(source["grade"]), Source: source["citation"], Note: source["note"],
		}
		for point := range strings.FieldsSeq(r["points"]) {
			batch, value, _ := strings.Cut(point, ":")
			n := int(number(batch))
			p.Batch = append(p.Batch, n)
			p.Seconds = append(p.Seconds, seconds(n, number(value), r["unit"]))
		}
		all = append(all, p)
	}
	return all
}

// seconds converts a published value for a batch of n items.
func seconds(n int, value float64, unit string) float64 {
	switch unit {
	case "ms":
		return value / 1e3
	case "per_s":
		return float64(n) / value
	default:
		panic(fmt.Sprintf("profiles: published.csv has unknown unit %q", unit))
	}
}

// table reads an embedded CSV into rows by column name. The tables are part of
// the binary, so a malformed one is a broken build: it panics.
func table(name string) []map[string]string {
	raw, err := data.ReadFile("data/" + name)
	if err != nil {
		panic("profiles: " + err.Error())
	}
	records, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
	if err != nil {
		panic(fmt.Sprintf("profiles: read %s: %v", name, err))
	}
	var rows []map[string]string
	for _, record := range records[1:] {
		row := map[string]string{}
		for i, column := range records[0] {
			row[column] = record[i]
		}
		rows = append(rows, row)
	}
	return rows
}

func number(s string) float64 {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		panic("profiles: " + err.Error())
	}
	return v
}

func mustGrade(s string) grade.Grade {
	g, err := grade.Parse(s)
	if err != nil {
		panic("profiles: " + err.Error())
	}
	return g
}
