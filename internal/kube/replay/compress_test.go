package replay

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

func TestSpeeds(t *testing.T) {
	for _, speed := range ExactSpeeds {
		if w, err := CheckSpeed(speed, false); w != "" || err != nil {
			t.Errorf("speed %d: %q, %v", speed, w, err)
		}
	}
	for speed, want := range map[int]string{0: "want one of", -3: "want one of", 10: "whole seconds", 301: "want one of"} {
		if _, err := CheckSpeed(speed, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("speed %d: %v, want %q", speed, err, want)
		}
	}
	if w, err := CheckSpeed(10, true); err != nil || w != "speed 10 is not exact: a period of 15 s becomes 20s" {
		t.Errorf("speed 10: %q, %v", w, err)
	}
	if w, err := CheckSpeed(60, true); err != nil || w != "speed 60 is not exact: a period of 15 s becomes 1m0s" {
		t.Errorf("speed 60: %q, %v", w, err)
	}
}

func TestCompress(t *testing.T) {
	window := func(n int32) *int32 { return &n }
	spec := func() autoscalingv2.HorizontalPodAutoscalerSpec {
		return autoscalingv2.HorizontalPodAutoscalerSpec{Behavior: &autoscalingv2.HorizontalPodAutoscalerBehavior{
			ScaleUp: &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: window(0),
				Policies: []autoscalingv2.HPAScalingPolicy{{PeriodSeconds: 15}, {PeriodSeconds: 60}}},
			ScaleDown: &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: window(300)},
		}}
	}
	s := spec()
	if d := cmp.Diff([]string(nil), compress(&s, 15)); d != "" {
		t.Error(d)
	}
	if b := s.Behavior; *b.ScaleUp.StabilizationWindowSeconds != 0 || b.ScaleUp.Policies[0].PeriodSeconds != 1 ||
		b.ScaleUp.Policies[1].PeriodSeconds != 4 || *b.ScaleDown.StabilizationWindowSeconds != 20 {
		t.Errorf("compressed to %+v", s.Behavior)
	}
	s = spec()
	want := []string{"behavior.scaleUp.policies[0].periodSeconds of 15 s becomes 20 s"}
	if d := cmp.Diff(want, compress(&s, 10)); d != "" {
		t.Error(d)
	}
	if inexact := compress(&autoscalingv2.HorizontalPodAutoscalerSpec{}, 7); inexact != nil {
		t.Errorf("without behavior: %q", inexact)
	}
}
