package replay

import (
	"fmt"
	"math"
	"slices"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

// ExactSpeeds are the speeds at which Kubernetes' own periods stay exact: a
// HorizontalPodAutoscaler counts its windows in whole seconds, and its defaults
// are multiples of 15 s.
var ExactSpeeds = []int{1, 3, 5, 15}

// maxSpeed is where a second of the wall is as long as the HPA's default
// stabilization window.
const maxSpeed = 300

// CheckSpeed refuses speeds at which the replay would not be what it says,
// unless inexact is set, and returns what it then gets wrong.
func CheckSpeed(speed int, inexact bool) (warning string, err error) {
	switch {
	case slices.Contains(ExactSpeeds, speed):
		return "", nil
	case speed < 1 || speed > maxSpeed:
		return "", fmt.Errorf("speed %d: want one of %v, or with --inexact any from 1 to %d", speed, ExactSpeeds, maxSpeed)
	case !inexact:
		return "", fmt.Errorf("speed %d: the windows and periods of a HorizontalPodAutoscaler are whole seconds, so only the speeds %v keep them exact; --inexact goes on with the rounded ones", speed, ExactSpeeds)
	}
	rounded := time.Duration(float64(time.Second) * math.Max(math.Round(15/float64(speed)), 1) * float64(speed))
	return fmt.Sprintf("speed %d is not exact: a period of 15 s becomes %v", speed, rounded), nil
}

// compress divides the windows and periods of an HPA by the speed. Those that
// are not whole seconds afterwards are rounded, to at least a second, and named.
func compress(spec *autoscalingv2.HorizontalPodAutoscalerSpec, speed int) (inexact []string) {
	if spec.Behavior == nil {
		return nil
	}
	divide := func(path string, seconds *int32, least int32) {
		was := *seconds
		*seconds = max(int32(math.Round(float64(was)/float64(speed))), least)
		if *seconds*int32(speed) != was {
			inexact = append(inexact, fmt.Sprintf("%s of %d s becomes %d s", path, was, *seconds*int32(speed)))
		}
	}
	for _, way := range []struct {
		path  string
		rules *autoscalingv2.HPAScalingRules
	}{{"behavior.scaleUp", spec.Behavior.ScaleUp}, {"behavior.scaleDown", spec.Behavior.ScaleDown}} {
		if way.rules == nil {
			continue
		}
		if w := way.rules.StabilizationWindowSeconds; w != nil {
			divide(way.path+".stabilizationWindowSeconds", w, 0)
		}
		for i := range way.rules.Policies {
			divide(fmt.Sprintf("%s.policies[%d].periodSeconds", way.path, i), &way.rules.Policies[i].PeriodSeconds, 1)
		}
	}
	return inexact
}
