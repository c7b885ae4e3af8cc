package calibrate

import "time"

// Preset is a plan by name, for those who do not care for the details.
type Preset struct {
	Grid   Grid
	Timing Timing
}

// defaultCriterion is what steady means unless somebody says otherwise. The
// bounds are tighter than two boards of one model differ (some 10 %).
func defaultCriterion(window, timeout time.Duration) Criterion {
	return Criterion{Window: window, Timeout: timeout, PowerTrend: 0.02, PowerError: 0.01, TemperatureTrend: 2, ClockTrend: 0.02}
}

func defaultTiming(measure, window, timeout time.Duration) Timing {
	return Timing{
		Poll: 50 * time.Millisecond, IdlePoll: 250 * time.Millisecond, StepPoll: 5 * time.Millisecond,
		Skip: 3 * time.Second, Measure: measure, Steady: defaultCriterion(window, timeout),
	}
}

// Saturating is the batch-like size that fills the GPU once, unless the user
// says otherwise: where TensorRT BERT-base passes 90 % of its best throughput on
// A30 and A100 (docs/power.md).
const Saturating = 32

// Quick is minutes: for a first look, and to see that all works.
func Quick() Preset {
	return Preset{
		Grid{Kernels: []Kernel{Memory, Tensor}, Duties: []float64{0.5, 1}, Batches: []int{1, 8, 32}, Saturating: Saturating},
		defaultTiming(10*time.Second, 8*time.Second, 40*time.Second),
	}
}

// Standard is what a catalogue entry takes.
func Standard() Preset {
	return Preset{
		Grid{Kernels: Kernels, Duties: []float64{0.5, 1}, Batches: []int{1, 4, 8, 16, 32}, Saturating: Saturating, Again: true},
		defaultTiming(20*time.Second, 20*time.Second, 2*time.Minute),
	}
}

// Full is an hour and more.
func Full() Preset {
	return Preset{
		Grid{Kernels: Kernels, Duties: []float64{0.1, 0.25, 0.5, 0.75, 1}, Batches: []int{1, 2, 4, 8, 16, 32, 64}, Saturating: Saturating, Again: true},
		defaultTiming(30*time.Second, 30*time.Second, 3*time.Minute),
	}
}
