package carbonheader

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
)

// digits are the significant ones of a header's value: more would be noise.
const digits = 4

// Value writes grams as a plain decimal, as the draft's example does: 0.0000456.
func Value(grams float64) string {
	if grams <= 0 {
		return "0"
	}
	decimals := max(digits-1-int(math.Floor(math.Log10(grams))), 0)
	return strconv.FormatFloat(grams, 'f', decimals, 64)
}

// WriteCSV writes a line a row; a figure that is not there is an empty cell.
func WriteCSV(w io.Writer, rows []Row) error {
	out := csv.NewWriter(w)
	if err := out.Write([]string{"from_seconds", "utc", "local", "service", "region", "requests", "co2e_grams", "grams_per_request", "value"}); err != nil {
		return err
	}
	number := func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
	for _, r := range rows {
		per := ""
		if r.PerRequest != nil {
			per = number(*r.PerRequest)
		}
		if err := out.Write([]string{number(r.From), r.UTC, r.Local, r.Service, r.Region, strconv.FormatFloat(r.Requests, 'f', 0, 64), number(r.Grams), per, r.Value}); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// WriteJSON writes a list of rows.
func WriteJSON(w io.Writer, rows []Row) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(struct {
		Header string `json:"header"`
		Unit   string `json:"unit"`
		Rows   []Row  `json:"rows"`
	}{Header, "g CO2e per request", rows})
}

// WriteHeaders writes the header of each row behind its instant and its service;
// rows without requests are left out, for they have none.
func WriteHeaders(w io.Writer, rows []Row) error {
	for _, r := range rows {
		if r.Value == "" {
			continue
		}
		at, name := r.UTC, r.Service
		if at == "" {
			at = strconv.FormatFloat(r.From, 'f', 0, 64) + "s"
		}
		if r.Region != "" {
			name += "@" + r.Region
		}
		if _, err := fmt.Fprintf(w, "%s %s %s: %s\n", at, name, Header, r.Value); err != nil {
			return err
		}
	}
	return nil
}
