// Package hpa is the Kubernetes HorizontalPodAutoscaler on the virtual clock.
//
// Upstream code of Kubernetes v1.36 reads the manifest (strict decoding,
// defaults, the API server's validation, with its messages) and turns metrics
// into replicas (podautoscaler.ReplicaCalculator, with its treatment of unready
// pods, missing metrics and the CPU initialization period). What upstream does
// with the wall clock and does not export, the stabilization windows and the
// scaling policies, stands in stabilize.go, and the order of it all in
// scaler.go. The package's tests hold both to the upstream
// HorizontalController, decision by decision.
//
// # Metrics
//
// A pipeline is taken to serve the metrics of PodMetrics, ServiceMetrics and
// the resources cpu and nvidia.com/gpu, as means over the scenario's telemetry
// window, in thousandths, late by scrape interval and lag. metrics-server
// serves cpu only: nvidia.com/gpu as a resource needs an adapter that serves
// metrics.k8s.io for it.
//
// # Differences from a cluster
//
// Reconciliation comes every syncPeriod exactly. Metrics are those above,
// and selectors can name the label service only. A service-wide latency is
// missing, not zero, while nothing completes. Scale to zero (minReplicas 0) is
// refused, as the API server does without its alpha feature gate.
package hpa
