package profiles

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kwatt-sim/kwatt/internal/grade"
	"github.com/kwatt-sim/kwatt/internal/powermodel"
)

func mustLookup(t *testing.T, model, variant, gpu string) Profile {
	t.Helper()
	p, err := Lookup(model, variant, gpu)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestEveryProfileIsWellFormed(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range All() {
		id := p.Model + " " + p.Variant + " " + p.GPU
		if seen[id] {
			t.Errorf("%s is there twice", id)
		}
		seen[id] = true
		if Title(p.Model) == "" || p.Items < 1 {
			t.Errorf("%s: model has no title or items", id)
		}
		if _, err := powermodel.Lookup(p.GPU); err != nil {
			t.Errorf("%s: %v", id, err)
		}
		if p.Source == "" || p.Note == "" || p.Grade > grade.Last {
			t.Errorf("%s: source, note and grade must be set: %+v", id, p)
		}
		if len(p.Batch) < 2 || len(p.Batch) != len(p.Seconds) || !slices.IsSorted(p.Batch) {
			t.Errorf("%s: want at least two ascending points, have %v %v", id, p.Batch, p.Seconds)
		}
		for i, s := range p.Seconds {
			if !(s > 0) || s > 10 {
				t.Errorf("%s: %g s at batch %d", id, s, p.Batch[i])
			}
		}
	}
	for model := range models {
		if len(Variants(model)) == 0 {
			t.Errorf("%s has no profile", model)
		}
	}
}

// Every published point is reproduced to the bit, but for those that fall: they
// read the largest time up to there.
func TestPublishedPointsAreReproducedExactly(t *testing.T) {
	falling := 0
	for _, p := range All() {
		highest := 0.0
		for i, items := range p.Batch {
			if p.Seconds[i] < highest {
				falling++
			}
			highest = max(highest, p.Seconds[i])
			if items%p.Items != 0 {
				continue // no whole number of requests
			}
			if got := p.BatchSeconds(items / p.Items); got != highest {
				t.Errorf("%s %s %s at %d items: %g s, want %g s", p.Model, p.Variant, p.GPU, items, got, highest)
			}
		}
	}
	if falling == 0 || falling > 10 {
		t.Errorf("%d published points fall; docs/profiles.md speaks of a handful", falling)
	}
}

// One figure of each source, typed from the publication: ms of a batch.
func TestFiguresOfThePublications(t *testing.T) {
	for _, tc := range []struct {
		model, variant, gpu string
		batch               int
		ms                  float64
		grade               grade.Grade
	}{
		{"bert-base-ranker", "tensorrt-int8", "nvidia-t4", 8, 4.66, grade.A},
		{"bert-base-ranker", "tensorrt-fp16", "nvidia-a30", 32, 8.63, grade.A},
		{"bert-large-ranker", "tensorrt-int8", "nvidia-a100-sxm4-40gb", 64, 13.09, grade.B},
		{"bert-base-ranker-384", "tensorrt-fp16", "nvidia-t4", 128, 458.76, grade.A},
		{"bert-base-ranker", "fp32", "nvidia-t4", 8, 8e3 / 98.92, grade.A},
		{"bert-base-ranker", "fp32", "nvidia-t4", 16, 8e3/98.92 + 8*(8e3/98.92-1e3/54.28)/7, grade.B}, // on from 1 to 8
		{"dlrm", "fp16", "nvidia-a100-sxm4-80gb", 64, 32768e3 / 14796024, grade.A},
		{"dlrm", "tensorrt-fp16", "nvidia-t4", 1, 2.059, grade.A},
		{"wide-and-deep", "tensorrt-fp16", "nvidia-a30", 16, 3.37, grade.B},
		{"wide-and-deep", "fp32", "nvidia-v100", 1, 3.38 + (7.6-3.38)*1023/16383, grade.B},
		{"resnet50", "tensorrt-fp16", "nvidia-v100", 32, 15.664, grade.A},
		{"resnet50", "tensorrt-int8", "nvidia-l4", 8, 0.7988, grade.B},
	} {
		p := mustLookup(t, tc.model, tc.variant, tc.gpu)
		if got := p.BatchSeconds(tc.batch) * 1e3; math.Abs(got-tc.ms) > 1e-9 || p.GradeAt(tc.batch) != tc.grade {
			t.Errorf("%s %s %s batch %d: %g ms grade %v, want %g ms grade %v",
				tc.model, tc.variant, tc.gpu, tc.batch, got, p.GradeAt(tc.batch), tc.ms, tc.grade)
		}
	}
}

func TestBatchSecondsByHand(t *testing.T) {
	p := Profile{Items: 10, Batch: []int{20, 40, 80}, Seconds: []float64{1, 3, 2}}
	for batch, want := range map[int]float64{
		-1: 0, 0: 0, // nothing to do
		1: 1, 2: 1, // up to the first point
		3: 2, 4: 3, // between
		6: 3, 8: 3, // the fall at 80 is held at 3
		10: 3 + 20*2.0/60, // flat end: the line from the first point to the last
	} {
		if got := p.BatchSeconds(batch); math.Abs(got-want) > 1e-12 {
			t.Errorf("BatchSeconds(%d) = %g, want %g", batch, got, want)
		}
	}
	steep := Profile{Items: 1, Batch: []int{1, 2, 3}, Seconds: []float64{1, 1, 2}}
	if got := steep.BatchSeconds(5); got != 4 {
		t.Errorf("steep end: %g, want the last segment continued to 4", got)
	}
	int8 := mustLookup(t, "bert-base-ranker", "tensorrt-int8", "nvidia-t4")
	if got, want := int8.BatchSeconds(20), (9.37e-3+13.62e-3)/2; math.Abs(got-want) > 1e-12 {
		t.Errorf("T4 INT8 batch 20: %g s, want the mean of 16 and 24, %g s", got, want)
	}
}

func TestBatchSecondsNeverFallsAndGrowsWithoutBound(t *testing.T) {
	all := All()
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SampledFrom(all).Draw(t, "profile")
		small := rapid.IntRange(-1, 400).Draw(t, "batch")
		large := small + rapid.IntRange(0, 400).Draw(t, "more")
		if a, b := p.BatchSeconds(small), p.BatchSeconds(large); a > b {
			t.Fatalf("%s %s %s: %g s at %d, %g s at %d", p.Model, p.Variant, p.GPU, a, small, b, large)
		}
		end := p.Batch[len(p.Batch)-1] / p.Items
		if a, b := p.BatchSeconds(end), p.BatchSeconds(10*end); b < 2*a {
			t.Fatalf("%s %s %s: ten times the largest batch takes %g s, the largest %g s", p.Model, p.Variant, p.GPU, b, a)
		}
	})
}

func TestINT8IsFasterThanFP16(t *testing.T) {
	compared := 0
	for _, p := range All() {
		fp16, err := Lookup(p.Model, "tensorrt-fp16", p.GPU)
		if p.Variant != "tensorrt-int8" || err != nil {
			continue
		}
		for batch := 1; batch <= 128; batch++ {
			if p.BatchSeconds(batch) >= fp16.BatchSeconds(batch) {
				t.Errorf("%s %s batch %d: INT8 %g s, FP16 %g s", p.Model, p.GPU, batch, p.BatchSeconds(batch), fp16.BatchSeconds(batch))
			}
		}
		compared++
	}
	if compared < 30 {
		t.Errorf("compared %d pairs only", compared)
	}
}

func TestLookupErrorsNameWhatThereIs(t *testing.T) {
	for _, tc := range []struct{ model, variant, gpu, want string }{
		{"bert", "fp32", "nvidia-t4", `unknown model profile "bert": want one of bert-base-ranker, bert-base-ranker-384, bert-large-ranker, bert-large-ranker-384, dlrm, resnet50, wide-and-deep`},
		{"bert-base-ranker", "int4", "nvidia-t4", `bert-base-ranker has no variant "int4": want one of fp16, fp32, tensorrt-fp16, tensorrt-int8, tf32`},
		{"dlrm", "tensorrt-fp16", "nvidia-b200", `dlrm tensorrt-fp16 has no figures for "nvidia-b200": it has figures for nvidia-a100-sxm4-80gb, nvidia-a30, nvidia-t4`},
	} {
		if _, err := Lookup(tc.model, tc.variant, tc.gpu); err == nil || err.Error() != tc.want {
			t.Errorf("Lookup(%s, %s, %s) = %v, want %s", tc.model, tc.variant, tc.gpu, err, tc.want)
		}
	}
}

func TestSlowdowns(t *testing.T) {
	for share, want := range map[float64]float64{1: 1, 0.5: 2, 0.25: 4} {
		if got := TimeSliceSlowdown(share); got != want {
			t.Errorf("TimeSliceSlowdown(%g) = %g, want %g", share, got, want)
		}
	}
	if got := MIGSlowdown(2, 4); got != 2 {
		t.Errorf("MIGSlowdown(2, 4) = %g, want 2", got)
	}
}

// The error that MIGSlowdown states: Offline of a whole GPU over one slice,
// MLPerf Inference v1.1, closed, NVIDIA.
func TestMIGSlowdownAgainstMLPerf(t *testing.T) {
	for _, tc := range []struct {
		name         string
		whole, slice float64
		of           int
		errorPercent string
	}{
		{"A100 BERT", 3614, 502.39, 7, "2.7"},
		{"A100 ResNet50", 39830.1, 5316.2, 7, "6.6"},
		{"A30 BERT", 1680.02, 502.532, 4, "-20"},
		{"A30 ResNet50", 18265, 4965.89, 4, "-8.8"},
	} {
		off := 100 * (1 - MIGSlowdown(1, tc.of)/(tc.whole/tc.slice))
		if want := number(tc.errorPercent); math.Abs(off-want) > 0.5 {
			t.Errorf("%s: the rule is off by %.2f %%, its comment says %s %%", tc.name, off, tc.errorPercent)
		}
	}
}

func TestDerivedLinesAreGradedX(t *testing.T) {
	a10 := mustLookup(t, "bert-base-ranker", "tensorrt-int8", "nvidia-a10")
	if a10.Grade != grade.X || !strings.Contains(a10.Note, "0.514 + 0.1883·batch ms") {
		t.Errorf("A10: grade %v, note %q", a10.Grade, a10.Note)
	}
	if got, want := a10.BatchSeconds(10), 2.397e-3; math.Abs(got-want) > 1e-6 {
		t.Errorf("A10 batch 10: %g s, want 0.514 + 1.883 ms", got)
	}
}

// The rule for GPUs without a table, held against GPUs with one.
func TestBERTRuleAgainstPublishedTables(t *testing.T) {
	for gpu, tc := range map[string]struct{ rate, mean, worst float64 }{
		"nvidia-a30":            {1686, 0.045, 0.14},
		"nvidia-a100-sxm4-40gb": {3538, 0.065, 0.185},
	} {
		var sum, worst float64
		n := 0
		for _, p := range All() {
			if p.GPU != gpu || !isTensorRTBERT(p) {
				continue
			}
			line := ruleBERT(mustLookup(t, p.Model, p.Variant, "nvidia-t4"), mustLookup(t, p.Model, p.Variant, "nvidia-a30"), tc.rate)
			for i, b := range p.Batch {
				off := math.Abs((line.alpha+line.beta*float64(b))/p.Seconds[i] - 1)
				sum, worst, n = sum+off, max(worst, off), n+1
			}
		}
		if n != 80 || sum/float64(n) > tc.mean || worst > tc.worst {
			t.Errorf("%s: mean error %.3f, worst %.3f over %d points; stated %.3f, %.3f over 80", gpu, sum/float64(n), worst, n, tc.mean, tc.worst)
		}
	}
}

// By hand: T4 8 images in MultiStream 2.1406 ms, then 56 at 1/6121.33 s.
func TestMLPerfResNet50ByHand(t *testing.T) {
	p := mustLookup(t, "resnet50", "tensorrt-int8", "nvidia-t4")
	if want := []int{1, 8, 64}; !slices.Equal(p.Batch, want) || p.Grade != grade.B {
		t.Fatalf("points at %v grade %v, want %v grade B", p.Batch, p.Grade, want)
	}
	for i, want := range []float64{0.8124e-3, 2.1406e-3, 2.1406e-3 + 56/6121.33} {
		if math.Abs(p.Seconds[i]-want) > 1e-12 {
			t.Errorf("batch %d: %g s, want %g s", p.Batch[i], p.Seconds[i], want)
		}
	}
	l40s := mustLookup(t, "resnet50", "tensorrt-int8", "nvidia-l40s") // rate of two GPUs
	if got, want := l40s.Seconds[2], 0.4996e-3+56*2/86304.6; math.Abs(got-want) > 1e-12 {
		t.Errorf("L40S: %g s, want %g s", got, want)
	}
}
