// Package hpa is the Kubernetes HorizontalPodAutoscaler (autoscaling/v2) on
// the virtual clock. What it decides follows the controller of Kubernetes
// v1.36 (pkg/controller/podautoscaler): the replica formula with tolerance and
// its treatment of unready pods and missing metrics (Formula), stabilization
// windows and scaling policies (window.go, rate.go), and the order of it all.
// Time is the simulation's, reconciliation every syncPeriod exactly.
//
// # Metrics
//
// A custom-metrics pipeline is taken to serve, as means over the scenario's
// telemetry window and in thousandths:
//
//	Pods             requests_per_second, inflight_requests, queued_requests,
//	                 DCGM_FI_DEV_GPU_UTIL (0..100)
//	External, Object service_requests_per_second, service_latency_p95_seconds
//
// Resource and ContainerResource metrics are refused: replicas have no CPU
// model. Selectors may name the label service, with the service's name.
//
// # Differences from a cluster
//
// A pod that is not ready is taken as pending (upstream: unready), also while
// it loads its model, when upstream takes a running pod without metrics as
// missing; the two differ on scale-down only, where upstream counts a missing
// pod at target and ignores a pending one. A latency is missing, not zero,
// while nothing completes. Scale to zero (minReplicas 0) is refused, as the
// API server does without its alpha feature gate.
package hpa
