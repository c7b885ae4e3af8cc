package vtime

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestEventsRunByTimeThenPriorityThenOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type key struct {
			at Time
			p  Priority
			n  int
		}
		var q Queue
		var want, got []key
		for n := range rapid.IntRange(0, 60).Draw(t, "events") {
			k := key{Time(rapid.Int64Range(0, 5).Draw(t, "at")), Priority(rapid.IntRange(0, 3).Draw(t, "priority")), n}
			want = append(want, k)
			q.At(k.at, k.p, func() {
				if q.Now() != k.at {
					t.Fatalf("event of %v runs at %v", k.at, q.Now())
				}
				got = append(got, k)
			})
		}
		slices.SortStableFunc(want, func(a, b key) int {
			if a.at != b.at {
				return int(a.at - b.at)
			}
			return int(a.p - b.p)
		})
		for q.Step() {
		}
		if !slices.Equal(want, got) {
			t.Fatalf("ran %v, want %v", got, want)
		}
	})
}

func TestPastEventsRunNow(t *testing.T) {
	var q Queue
	var ran []Time
	q.At(At(time.Second), PriorityDecide, func() {
		q.At(0, PriorityCluster, func() { ran = append(ran, q.Now()) })
	})
	for q.Step() {
	}
	if !slices.Equal(ran, []Time{At(time.Second)}) || q.Next() != Forever {
		t.Errorf("ran at %v, next %v", ran, q.Next())
	}
}

func TestTimeArithmetic(t *testing.T) {
	a := At(90 * time.Second)
	if a.Add(time.Minute).Sub(a) != time.Minute || a.Seconds() != 90 || a.String() != "1m30s" {
		t.Errorf("%v, %v s", a, a.Seconds())
	}
}
