package workload

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kwatt-sim/kwatt/internal/rng"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// splitOf is a minute of Poisson arrivals in n parts.
func splitOf(t rapid.TB, n int, rate float64) *Split {
	t.Helper()
	a, err := NewArrivals(&Curve{Step: time.Second, Duration: time.Minute, Rates: slices.Repeat([]float64{rate}, 60)}, Process{Name: "Poisson"}, rng.New(1).Stream("arrivals", "ranker"))
	if err != nil {
		t.Fatal(err)
	}
	return NewSplit(a, n, rng.New(1).Stream("regions", "ranker"))
}

// readAll reads a part up to an instant, in pieces of size.
func readAll(p *Part, size int, until vtime.Time) []int64 {
	var out []int64
	for buf := make([]int64, size); ; {
		n := p.Fill(buf, until)
		if out = append(out, buf[:n]...); n < size {
			return out
		}
	}
}

// Whatever the shares, their changes and the sizes in which parts are read, the
// parts together are the arrivals of the source, each in order, none twice.
func TestPartsAreTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 4).Draw(t, "parts")
		s, whole := splitOf(t, n, 300), splitOf(t, 1, 300)
		var got []int64
		for second := 1; second <= 60; second++ {
			if rapid.Bool().Draw(t, "new shares") {
				shares := make([]float64, n)
				for i := range shares {
					shares[i] = float64(rapid.IntRange(0, 3).Draw(t, "share"))
				}
				shares[rapid.IntRange(0, n-1).Draw(t, "at least")]++
				if err := s.SetShares(shares); err != nil {
					t.Fatal(err)
				}
			}
			until := vtime.At(time.Duration(second) * time.Second)
			for i := range n {
				part := readAll(s.Part(i), rapid.IntRange(1, 700).Draw(t, "size"), until)
				if !slices.IsSorted(part) || len(part) > 0 && part[len(part)-1] >= int64(until) {
					t.Fatalf("part %d is out of order or beyond %v", i, until)
				}
				got = append(got, part...)
			}
		}
		slices.Sort(got)
		if want := readAll(whole.Part(0), 512, vtime.At(time.Minute)); !slices.Equal(got, want) || s.Dealt() != int64(len(want)) {
			t.Fatalf("%d arrivals in %d parts, %d dealt, want the %d of the source", len(got), n, s.Dealt(), len(want))
		}
	})
}

// Shares are what each part gets, and the same requests change hands under any
// policy: who had a request with a smaller share has it with a larger one.
func TestSharesAreNested(t *testing.T) {
	read := func(shares ...float64) [2][]int64 {
		s := splitOf(t, 2, 1000)
		if err := s.SetShares(shares); err != nil {
			t.Fatal(err)
		}
		return [2][]int64{readAll(s.Part(0), 512, vtime.At(time.Minute)), readAll(s.Part(1), 512, vtime.At(time.Minute))}
	}
	few, many := read(1, 3), read(3, 1)
	if share := float64(len(few[0])) / 60_000; share < 0.24 || share > 0.26 {
		t.Errorf("a share of a quarter is %v", share)
	}
	for _, x := range few[0] {
		if _, ok := slices.BinarySearch(many[0], x); !ok {
			t.Fatalf("the request of %d ns leaves the part whose share grows", x)
		}
	}
	if all := read(1, 0); len(all[1]) != 0 {
		t.Errorf("a share of 0 gets %d requests", len(all[1]))
	}
}

// What has been read is forgotten: between two instants up to which all have read,
// a split holds no more than what arrives between them.
func TestSplitsForget(t *testing.T) {
	s := splitOf(t, 2, 1000)
	for second := 1; second <= 60; second++ {
		until := vtime.At(time.Duration(second) * time.Second)
		for i := range 2 {
			readAll(s.Part(i), 100, until)
		}
		for i, l := range s.waiting {
			if len(l.arrivals) > 0 || cap(l.arrivals) > 4000 {
				t.Fatalf("after %d s part %d holds %d arrivals in room for %d", second, i, len(l.arrivals), cap(l.arrivals))
			}
		}
	}
}

func TestSharesThatAreNone(t *testing.T) {
	s := splitOf(t, 2, 1)
	for _, bad := range [][]float64{{1}, {0, 0}, {-1, 2}, {1, 0, 0}} {
		if err := s.SetShares(bad); err == nil {
			t.Errorf("shares %v are taken", bad)
		}
	}
}
