package hpa

import (
	"fmt"
	"testing"
	"time"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// BenchmarkDecide is one decision on twenty pods, with a behavior.
func BenchmarkDecide(b *testing.B) {
	pods := "{type: Pods, pods: {metric: {name: requests_per_second}, target: {type: AverageValue, averageValue: 400}}}"
	cpu := "{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 60}}}"
	external := "{type: External, external: {metric: {name: service_requests_per_second}, target: {type: AverageValue, averageValue: 400}}}"
	for _, c := range []struct{ name, metrics string }{{"pods", pods}, {"cpu", cpu}, {"external", external}, {"all three", pods + ", " + cpu + ", " + external}} {
		b.Run(c.name, func(b *testing.B) {
			s := newTest(b, "{minReplicas: 2, maxReplicas: 40, metrics: ["+c.metrics+"], behavior: {scaleDown: {stabilizationWindowSeconds: 300}}}")
			o := policies.Observation{Valid: true, Window: time.Minute, Desired: 20}
			for i := range 20 {
				o.Pods = append(o.Pods, policies.Pod{Name: fmt.Sprint("ranker-", i), Running: true, Ready: true, HasMetrics: true, Metrics: policies.PodMetrics{CPUCores: 0.6}})
			}
			b.ReportAllocs()
			for b.Loop() {
				o.Now = o.Now.Add(15 * time.Second)
				o.At = o.Now.Add(-10 * time.Second)
				for i := range o.Pods {
					o.Pods[i].Metrics.RequestRate = 300 + float64(o.Now/vtime.At(time.Second)%200)
				}
				o.ArrivalRate = 20 * o.Pods[0].Metrics.RequestRate
				o.Desired = s.Decide(o).Replicas
			}
		})
	}
}
