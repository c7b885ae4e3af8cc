package hpa

import (
	"errors"
	"math"
)

// Calculator turns a metric into a replica count. It is the seam at which the
// upstream ReplicaCalculator can take the place of Formula. Values are in
// thousandths, as upstream; an error means that the metric cannot be used now.
type Calculator interface {
	// PodsMetric compares the mean over pods with target.
	PodsMetric(current int32, target int64, t Tolerances, pods []PodSample) (replicas int32, usage int64, err error)
	// Value compares a metric of the whole with target; the replicas that are
	// ready share it.
	Value(current int32, target, usage int64, t Tolerances, ready int) int32
	// PerPod divides a metric of the whole among the pods there are.
	PerPod(pods int32, target, usage int64, t Tolerances) int32
}

// PodSample is a pod as the controller sees it.
type PodSample struct {
	Pending bool // not ready yet
	Found   bool // whether the metrics API has a value
	Value   int64
}

// Tolerances are the parts of the target by which the metric may be below or
// above it without a change.
type Tolerances struct{ Down, Up float64 }

func (t Tolerances) within(ratio float64) bool { return 1-t.Down <= ratio && ratio <= 1+t.Up }

// Formula is the replica formula of Kubernetes v1.36, ReplicaCalculator's
// calcPlainMetricReplicas, getUsageRatioReplicaCount and
// GetExternalPerPodMetricReplicas.
type Formula struct{}

var errNoMetrics = errors.New("did not receive metrics for targeted pods (pods might be unready)")

// PodsMetric implements Calculator.
//
// The usage ratio is the mean over pods with a metric, whole thousandths, over
// the target. With all pods ready and known the answer is ⌈ratio·ready⌉. Else
// the ratio is taken again with the unknown pods put in cautiously: on the way
// down they use the target, on the way up, as the pending ones, nothing. If
// that turns the direction, nothing changes.
func (Formula) PodsMetric(current int32, target int64, t Tolerances, pods []PodSample) (int32, int64, error) {
	if len(pods) == 0 {
		return 0, 0, errors.New("no pods returned by selector while calculating replica count")
	}
	ready, pending, missing, sum := 0, 0, 0, int64(0)
	for _, p := range pods {
		switch {
		case p.Pending:
			pending++
		case !p.Found:
			missing++
		default:
			ready++
			sum += p.Value
		}
	}
	if ready == 0 {
		return 0, 0, errNoMetrics
	}
	ratio, usage := usageRatio(sum, ready, target)
	upWithPending := pending > 0 && ratio > 1
	if !upWithPending && missing == 0 {
		if t.within(ratio) {
			return current, usage, nil
		}
		return ceil(ratio * float64(ready)), usage, nil
	}
	counted := ready
	switch {
	case ratio < 1:
		counted += missing
		sum += int64(missing) * target
	case ratio > 1:
		counted += missing
	}
	if upWithPending {
		counted += pending
	}
	return again(current, ratio, sum, counted, target, t), usage, nil
}

// again is the second look, with counted pods that use sum in all.
func again(current int32, first float64, sum int64, counted int, target int64, t Tolerances) int32 {
	ratio, _ := usageRatio(sum, counted, target)
	if t.within(ratio) || first < 1 && ratio > 1 || first > 1 && ratio < 1 {
		return current
	}
	n := ceil(ratio * float64(counted))
	if ratio < 1 && n > current || ratio > 1 && n < current {
		return current
	}
	return n
}

// Value implements Calculator: ⌈ratio·ready⌉.
func (Formula) Value(current int32, target, usage int64, t Tolerances, ready int) int32 {
	ratio := float64(usage) / float64(target)
	if t.within(ratio) {
		return current
	}
	return ceil(ratio * float64(ready))
}

// PerPod implements Calculator: ⌈usage/target⌉ unless the mean over the pods
// is within tolerance.
func (Formula) PerPod(pods int32, target, usage int64, t Tolerances) int32 {
	if t.within(float64(usage) / (float64(target) * float64(pods))) {
		return pods
	}
	return ceil(float64(usage) / float64(target))
}

// usageRatio is the mean, cut to whole thousandths as upstream, over target.
func usageRatio(sum int64, n int, target int64) (float64, int64) {
	usage := sum / int64(n)
	return float64(usage) / float64(target), usage
}

// ceil rounds up and stays within an int32.
func ceil(x float64) int32 { return int32(min(math.Ceil(x), math.MaxInt32)) }
