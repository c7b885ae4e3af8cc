package workload

import (
	"math"
	"time"
)

// readBins reads rows that are bins, and lays them on an even grid.
func (rd *reader) readBins() (*Trace, error) {
	var (
		times []int64
		rates []float64
		kinds []Kind
		at    []int32 // lines, to name an uneven row
	)
	for {
		row, err := rd.nextRow()
		if err != nil {
			return nil, err
		}
		if row == nil {
			break
		}
		t, err := rd.readTime(row)
		if err != nil {
			return nil, err
		}
		rate, err := rd.readRate(row)
		if err != nil {
			return nil, err
		}
		kind, err := rd.readKind(row, rate)
		if err != nil {
			return nil, err
		}
		times, rates, kinds, at = append(times, t), append(rates, rate), append(kinds, kind), append(at, int32(rd.number))
	}
	if len(times) == 0 || len(times) == 1 && rd.bin == 0 {
		return nil, rd.whole("%d rows; want at least two, to know how wide a bin is", len(times))
	}
	if err := rd.layGrid(times, rates, kinds, at); err != nil {
		return nil, err
	}
	return rd.trace, nil
}

// layGrid fills the trace's bins; those without a row are missing.
func (rd *reader) layGrid(times []int64, rates []float64, kinds []Kind, at []int32) error {
	tr := rd.trace
	tr.Start = time.Unix(0, times[0]).In(rd.time.zone)
	if rd.start != nil {
		tr.Start = *rd.start
	}
	tr.Bin = rd.bin
	if tr.Bin == 0 {
		tr.Bin = shortestStep(times)
	}
	if tr.Bin > maxBin {
		return rd.whole("rows are %v apart; a bin is a year at most: is a time wrong?", tr.Bin)
	}
	origin := tr.Start.UnixNano()
	n := (times[len(times)-1]-origin)/int64(tr.Bin) + 1
	if n > maxBins {
		return rd.whole("%d bins of %v; at most %d can be read: is a time wrong, or can bins be wider?", n, tr.Bin, maxBins)
	}
	tr.Rates = make([]float64, n)
	for i := range tr.Rates {
		tr.Rates[i] = math.NaN()
	}
	known := 0
	for i, t := range times {
		rd.number = int(at[i]) // for errors
		if (t-origin)%int64(tr.Bin) != 0 {
			return rd.fault(0, "row is %v after the start, which is no multiple of the bin of %v; bins must be even (a header line \"# bin: 10m\" states their width)",
				time.Duration(t-origin), tr.Bin)
		}
		rate, err := rd.perBin(rates[i])
		if err != nil {
			return err
		}
		if bin := (t - origin) / int64(tr.Bin); !math.IsNaN(rate) {
			tr.Rates[bin] = rate
			known++
			rd.setKind(int(bin), kinds[i])
		}
	}
	if known == 0 {
		return rd.whole("every bin is missing")
	}
	for i := range tr.Kinds {
		if math.IsNaN(tr.Rates[i]) {
			tr.Kinds[i] = Missing
		}
	}
	return nil
}

// perBin turns a count into a rate, now that the bin's width is known.
func (rd *reader) perBin(v float64) (float64, error) {
	if rd.format != Count {
		return v, nil
	}
	rate := v / rd.trace.Bin.Seconds()
	if rate > maxRate {
		return 0, rd.fault(0, "%g requests in %v is more than %g req/s; is the bin right?", v, rd.trace.Bin, maxRate)
	}
	return rate, nil
}

// setKind notes a bin that is estimated; a trace of published bins needs no kinds.
func (rd *reader) setKind(bin int, k Kind) {
	if k != Estimated {
		return
	}
	if rd.trace.Kinds == nil {
		rd.trace.Kinds = make([]Kind, len(rd.trace.Rates))
	}
	rd.trace.Kinds[bin] = k
}

func shortestStep(times []int64) time.Duration {
	step := times[1] - times[0]
	for i := 2; i < len(times); i++ {
		step = min(step, times[i]-times[i-1])
	}
	return time.Duration(step)
}

// readLog reads rows that are requests, and counts them into bins. Bins lie on
// multiples of their width, so that they start at full minutes and hours.
func (rd *reader) readLog() (*Trace, error) {
	tr := rd.trace
	tr.Bin = rd.bin
	for {
		row, err := rd.nextRow()
		if err != nil {
			return nil, err
		}
		if row == nil {
			break
		}
		t, err := rd.readTime(row)
		if err != nil {
			return nil, err
		}
		if tr.Arrivals == nil {
			tr.Start = time.Unix(0, floorTo(t, int64(tr.Bin))).In(rd.time.zone)
			if rd.start != nil {
				tr.Start = *rd.start
			}
		}
		tr.Arrivals = append(tr.Arrivals, t-tr.Start.UnixNano())
	}
	if len(tr.Arrivals) == 0 {
		return nil, rd.whole("no rows; want one per request")
	}
	return tr, rd.countArrivals()
}

func (rd *reader) countArrivals() error {
	tr := rd.trace
	n := tr.Arrivals[len(tr.Arrivals)-1]/int64(tr.Bin) + 1
	if n > maxBins {
		return rd.whole("%d bins of %v; at most %d can be read: is a time wrong, or can bins be wider?", n, tr.Bin, maxBins)
	}
	tr.Rates = make([]float64, n)
	for _, a := range tr.Arrivals {
		tr.Rates[a/int64(tr.Bin)]++
	}
	seconds := tr.Bin.Seconds()
	for i, count := range tr.Rates {
		tr.Rates[i] = count / seconds
	}
	return nil
}

func floorTo(t, width int64) int64 {
	rest := t % width
	if rest < 0 {
		rest += width
	}
	return t - rest
}
