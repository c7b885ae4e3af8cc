package profiles

// TimeSliceSlowdown is the factor by which a batch takes longer on a share of
// a GPU, 0 < share ≤ 1: 1/share. Every share is held reserved, whether the
// others run or not, so the figure is conservative: a driver that slices time
// among busy contexts only would let a lone one run at full speed.
func TimeSliceSlowdown(share float64) float64 { return 1 / share }

// MIGSlowdown is the factor by which a batch takes longer on a MIG instance
// with so many of the GPU's compute slices: of/slices, linear.
//
// MLPerf Inference v1.1 (closed, NVIDIA) has the same tasks on whole GPUs and
// on one slice, which tests the rule. Saturated (Offline), one slice of seven
// of an A100 SXM4 80 GB runs 502.39 of 3614 BERT samples/s and 5316.2 of
// 39830.1 ResNet50 images/s, 7.19 and 7.49 times less against 7 of the rule
// (2.7 % and 6.6 % too fast); one slice of four of an A30 runs 502.532 of
// 1680.02 and 4965.89 of 18265, 3.34 and 3.68 against 4 (20 % and 8.8 % too
// slow). At batch 1 (SingleStream) a slice is far better than the rule: 4.1789
// against 1.466 ms and 0.6538 against 0.4628 ms on the A100, 2.85 and 1.41
// times, for one request does not fill a GPU. The rule is for loaded services.
func MIGSlowdown(slices, of int) float64 { return float64(of) / float64(slices) }
