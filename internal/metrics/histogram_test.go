package metrics

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestBucketsTileTheLine(t *testing.T) {
	next := int64(0)
	for i := range numBuckets {
		low, high := bounds(i)
		if low != next || high <= low {
			t.Fatalf("bucket %d is [%d, %d), want it to start at %d", i, low, high, next)
		}
		if bucket(low) != i || bucket(high-1) != i {
			t.Fatalf("bucket(%d)=%d bucket(%d)=%d, want %d", low, bucket(low), high-1, bucket(high-1), i)
		}
		next = high
	}
	if got := bucket(math.MaxInt64); got != numBuckets-1 {
		t.Errorf("bucket(MaxInt64) = %d, want the last, %d", got, numBuckets-1)
	}
}

// The slow twin sorts the values and picks the ⌈q·n⌉-th.
func TestQuantileAgainstSorting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Int64Range(0, 1<<40), 1, 300).Draw(t, "ns")
		q := rapid.Float64Range(0.001, 0.999).Draw(t, "q")
		var h Histogram
		for _, v := range values {
			h.Record(v)
		}
		slices.Sort(values)
		want := float64(values[max(int(math.Ceil(q*float64(len(values)))), 1)-1]) / 1e9
		got, ok := h.QuantileSeconds(q)
		if !ok || math.Abs(got-want) > want/512+1e-9 {
			t.Fatalf("q=%v: got %v, want %v within 1/512", q, got, want)
		}
	})
}

func TestMergeEqualsRecordingAll(t *testing.T) {
	var a, b, all Histogram
	for i := range int64(1000) {
		v := i * i * 977
		if i%3 == 0 {
			a.Record(v)
		} else {
			b.Record(v)
		}
		all.Record(v)
	}
	a.Add(&b)
	if a != all {
		t.Error("adding two histograms differs from recording into one")
	}
	a.Reset()
	if _, ok := a.QuantileSeconds(0.5); ok || a.N() != 0 {
		t.Error("a reset histogram still has data")
	}
}

func TestCatalogueIsSound(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range Catalogue() {
		if seen[m.Name] || m.Help == "" || m.Unit == "" {
			t.Errorf("metric %+v is doubled or lacks help or unit", m)
		}
		seen[m.Name] = true
		if got, err := Find(m.Name); err != nil || got != m {
			t.Errorf("Find(%s) = %+v, %v", m.Name, got, err)
		}
	}
	if _, err := Find("latency_p94_seconds"); err == nil {
		t.Error("an unknown metric was found")
	}
}

// A year of a busy service that answers slowly adds up to more nanoseconds than
// an int64 holds.
func TestMeanOfMoreThan584YearsOfLatency(t *testing.T) {
	var year, day Histogram
	day.Record(10e9)
	for range 40 { // 2^40 requests of 10 s
		twice := day
		day.Add(&twice)
	}
	for range 3 {
		year.Add(&day)
	}
	if mean, ok := year.MeanSeconds(); !ok || math.Abs(mean-10) > 1e-9 {
		t.Errorf("mean %v s of %d requests, want 10 s", mean, year.N())
	}
}
