package hpa

import (
	"math"
	"testing"
)

// pods builds samples: a number is a ready pod's value in thousandths.
func pods(values ...any) []PodSample {
	var out []PodSample
	for _, v := range values {
		switch v := v.(type) {
		case int:
			out = append(out, PodSample{Found: true, Value: int64(v)})
		case string:
			out = append(out, PodSample{Pending: v == "pending"})
		}
	}
	return out
}

func repeat(n, value int) []any {
	out := make([]any, n)
	for i := range out {
		out[i] = value
	}
	return out
}

// TestPodsMetric: the target is 100, written 100000 thousandths.
func TestPodsMetric(t *testing.T) {
	tenth := Tolerances{0.1, 0.1}
	for _, c := range []struct {
		name    string
		current int32
		pods    []PodSample
		tol     Tolerances
		want    int32
		usage   int64
	}{
		{"at target", 3, pods(100_000, 100_000, 100_000), tenth, 3, 100_000},
		{"upper edge of the tolerance", 10, pods(repeat(10, 110_000)...), tenth, 10, 110_000},
		{"just above it", 10, pods(repeat(10, 110_001)...), tenth, 12, 110_001}, // ⌈1.10001·10⌉
		{"lower edge of the tolerance", 10, pods(repeat(10, 90_000)...), tenth, 10, 90_000},
		{"just below it", 10, pods(repeat(10, 89_999)...), tenth, 9, 89_999}, // ⌈8.9999⌉
		{"up", 3, pods(150_000, 200_000, 250_000), tenth, 6, 200_000},
		{"down", 5, pods(repeat(5, 25_000)...), tenth, 2, 25_000}, // ⌈1.25⌉
		{"the mean is cut to whole thousandths", 3, pods(1, 1, 0), Tolerances{}, 0, 0},
		{"only ready pods count, whatever is desired", 8, pods(200_000, 200_000), tenth, 4, 200_000},
		{"no load", 4, pods(0, 0, 0, 0), tenth, 0, 0},
		// 2 × 150 over 3 pods is 1.0: back within the tolerance.
		{"a pending pod dampens the way up", 3, pods(150_000, 150_000, "pending"), tenth, 3, 150_000},
		// 2 × 300 over 3 pods is 2.0: 6.
		{"a pending pod counts 0 on the way up", 3, pods(300_000, 300_000, "pending"), tenth, 6, 300_000},
		// 115 above, but over 2 pods 0.575 below: the direction turns.
		{"a pending pod cannot turn the direction", 2, pods(115_000, "pending"), tenth, 2, 115_000},
		{"a pending pod is left out on the way down", 3, pods(50_000, 50_000, "pending"), tenth, 1, 50_000},
		{"a missing pod counts 0 on the way up", 3, pods(300_000, 300_000, "missing"), tenth, 6, 300_000},
		// (50 + 50 + 100)/3 = 66.7 %: ⌈2.0⌉ = 2 after the cut to thousandths.
		{"a missing pod uses the target on the way down", 3, pods(50_000, 50_000, "missing"), tenth, 2, 50_000},
		// (80 + 100 + 100)/3 = 93.3 %.
		{"missing pods bring it within the tolerance", 3, pods(80_000, "missing", "missing"), tenth, 3, 80_000},
		// Up: (250 + 0 + 0)/3 = 83 %: the direction turns.
		{"missing and pending together", 3, pods(250_000, "missing", "pending"), tenth, 3, 250_000},
		// (400 + 0)/2 = 2: ⌈4⌉ is fewer than the 5 desired, which is no scaling up.
		{"a count against the direction", 5, pods(400_000, "missing"), tenth, 5, 400_000},
		{"exactly at target with a missing pod", 2, pods(100_000, "missing"), Tolerances{}, 2, 100_000},
		{"a tolerance of its own upwards", 10, pods(repeat(10, 105_000)...), Tolerances{Down: 0.1, Up: 0.01}, 11, 105_000},
		{"a tolerance of its own downwards", 10, pods(repeat(10, 70_000)...), Tolerances{Down: 0.3, Up: 0.1}, 10, 70_000},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, usage, err := Formula{}.PodsMetric(c.current, 100_000, c.tol, c.pods)
			if err != nil || n != c.want || usage != c.usage {
				t.Errorf("%d at %d (%v), want %d at %d", n, usage, err, c.want, c.usage)
			}
		})
	}
}

func TestPodsMetricWithoutData(t *testing.T) {
	for _, p := range [][]PodSample{nil, pods("pending", "pending"), pods("missing")} {
		if n, _, err := (Formula{}).PodsMetric(3, 100, Tolerances{}, p); err == nil {
			t.Errorf("%v: %d replicas", p, n)
		}
	}
}

func TestServiceFormulas(t *testing.T) {
	tenth := Tolerances{0.1, 0.1}
	for _, c := range []struct {
		name      string
		got, want int32
	}{
		{"value within tolerance", Formula{}.Value(7, 200, 220, tenth, 5), 7},
		{"value above: ready pods share it", Formula{}.Value(7, 200, 300, tenth, 5), 8},
		{"value below", Formula{}.Value(7, 200, 50, tenth, 5), 2},
		{"value out of range", Formula{}.Value(7, 1, math.MaxInt64, tenth, 5), math.MaxInt32},
		{"per pod within tolerance", Formula{}.PerPod(4, 100_000, 430_000, tenth), 4},
		{"per pod above", Formula{}.PerPod(4, 100_000, 441_000, tenth), 5},
		{"per pod below", Formula{}.PerPod(4, 100_000, 250_000, tenth), 3},
		{"per pod without pods", Formula{}.PerPod(0, 100_000, 250_000, tenth), 3},
		{"per pod without load", Formula{}.PerPod(4, 100_000, 0, tenth), 0},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d, want %d", c.name, c.got, c.want)
		}
	}
}
