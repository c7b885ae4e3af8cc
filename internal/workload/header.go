package workload

import (
	"slices"
	"strings"
	"time"
)

// readHeader reads the comments before the columns and the line of columns, and
// decides from them and from the options how to read the rows.
func (rd *reader) readHeader() error {
	for {
		more, err := rd.next()
		if err != nil {
			return err
		}
		if !more {
			return rd.whole("file is empty; want a line of column names and rows below it")
		}
		text, ok := rd.comment()
		if !ok {
			break
		}
		if err := rd.readMeta(text); err != nil {
			return err
		}
	}
	if err := rd.settle(); err != nil {
		return err
	}
	return rd.readColumns()
}

// readMeta reads one "key: value" line; any other comment is a note.
func (rd *reader) readMeta(text string) error {
	text = oneLine(text)
	key, value, _ := strings.Cut(text, ":")
	value = strings.TrimSpace(value)
	switch strings.ToLower(strings.TrimSpace(key)) {
	case "title":
		rd.trace.Title = value
	case "source":
		rd.trace.Source = value
	case "licence", "license":
		rd.trace.License = value
	case "start":
		t, _, err := parseTimestamp(value)
		if err != nil {
			return rd.fault(0, "start: %v", err)
		}
		if !inRange(t) {
			return rd.fault(0, "start %s %s", value, yearsMsg)
		}
		rd.start = &t
	case "bin":
		d, err := time.ParseDuration(value)
		if err != nil || d <= 0 || d > maxBin {
			return rd.fault(0, "bin %q is not a duration like 10s, 5m or 1h, of a year at most", value)
		}
		rd.bin = d
	case "unit":
		rd.unit = value
	case "format":
		rd.format = Format(value)
	case "note":
		text = value
		fallthrough
	default:
		if text != "" {
			rd.trace.Notes = append(rd.trace.Notes, text)
		}
	}
	return nil
}

// settle lets the options fill in or override what the header says.
func (rd *reader) settle() error {
	o := rd.options
	switch {
	case rd.format == "":
		rd.format = o.Format
	case o.Format != "" && o.Format != rd.format:
		return rd.whole("the file says its format is %s, not %s", rd.format, o.Format)
	}
	if rd.format == "" {
		rd.format = Rate
		rd.assumed = rd.unit == "" && o.Unit == ""
	}
	if !slices.Contains([]Format{Rate, Count, Timestamps, AzureLLM}, rd.format) {
		return rd.whole("unknown format %q; want Rate, Count, Timestamps or AzureLLM", rd.format)
	}
	if o.Unit != "" {
		rd.unit = o.Unit
	}
	switch {
	case o.Bin < 0 || o.Bin > maxBin:
		return rd.whole("bin %v is not between 0 and %v", o.Bin, maxBin)
	case o.Bin > 0:
		rd.bin = o.Bin
	case rd.bin == 0 && rd.format.logged():
		rd.bin = DefaultLogBin
	}
	rd.time.origin = time.Unix(0, 0).UTC()
	if rd.start != nil {
		rd.time.origin = *rd.start
	}
	return rd.settleUnit()
}

// settleUnit finds how the file's figures become req/s.
func (rd *reader) settleUnit() error {
	rd.perSecond = 1
	switch {
	case rd.format != Rate:
		if rd.unit != "" && (rd.format != Count || rd.unit != "req/bin") {
			return rd.whole("unit %q goes with format Rate, not with %s", rd.unit, rd.format)
		}
	case rd.unit == "":
		rd.unit = "req/s"
	case rd.unit == "req/bin":
		return rd.whole("unit req/bin goes with format Count, not with Rate")
	case unitSeconds[rd.unit] == 0:
		return rd.whole("unknown unit %q; want req/s, req/min or req/h", rd.unit)
	default:
		rd.perSecond = unitSeconds[rd.unit]
	}
	return nil
}

// countNames are what people call a column of counts; read as a rate they would
// be wrong by the width of a bin.
var countNames = []string{"count", "counts", "requests", "request_count", "num_requests", "hits", "invocations", "orders"}

// readColumns finds the columns by name in the line that names them.
func (rd *reader) readColumns() error {
	row, err := rd.row()
	if err != nil {
		return err
	}
	for _, f := range row {
		rd.columns = append(rd.columns, f.text)
	}
	if rd.format == AzureLLM {
		for _, name := range []string{"TIMESTAMP", "ContextTokens", "GeneratedTokens"} {
			if !slices.Contains(rd.columns, name) {
				return rd.missingColumn(name)
			}
		}
		if rd.options.TimeColumn == "" {
			rd.options.TimeColumn = "TIMESTAMP"
		}
	} else if (&timeColumn{origin: earliest}).recognise(row[0].text) == nil {
		return rd.fault(row[0].column, "the first line holds figures; want a line of column names above it")
	}
	if rd.timeCol, err = rd.column(rd.options.TimeColumn, 0); err != nil {
		return err
	}
	rd.rateCol, rd.kindCol = -1, -1
	if rd.format.logged() {
		return nil
	}
	after := rd.timeCol + 1
	if after == len(rd.columns) && after > 1 {
		after = 0 // the time comes last
	}
	if rd.options.RateColumn == "" && after == len(rd.columns) {
		return rd.fault(0, "one column (%s); want a time and a rate with a comma between them", rd.columnNames())
	}
	if rd.rateCol, err = rd.column(rd.options.RateColumn, after); err != nil {
		return err
	}
	if rd.rateCol == rd.timeCol {
		return rd.fault(0, "column %q cannot be both time and rate", rd.columns[rd.timeCol])
	}
	if name := rd.columns[rd.rateCol]; rd.assumed && slices.Contains(countNames, strings.ToLower(name)) {
		return rd.fault(0, "column %q looks like a count per bin; say format Count, or format Rate if it is a rate", name)
	}
	if i := slices.Index(rd.columns, "kind"); i != rd.timeCol && i != rd.rateCol {
		rd.kindCol = i
	}
	return nil
}

// column returns the index of a named column, or byDefault without a name.
func (rd *reader) column(name string, byDefault int) (int, error) {
	if name == "" {
		return byDefault, nil
	}
	i := slices.Index(rd.columns, name)
	if i < 0 {
		return 0, rd.missingColumn(name)
	}
	return i, nil
}

func (rd *reader) missingColumn(name string) error {
	return rd.fault(0, "no column %q; the file has %s", name, rd.columnNames())
}
