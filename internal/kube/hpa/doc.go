// Package hpa is the Kubernetes HorizontalPodAutoscaler on the virtual clock.
//
// Upstream code of Kubernetes v1.36 reads the manifest (strict decoding,
// defaults, the API server's validation, with its messages) and turns metrics
// into replicas (podautoscaler.ReplicaCalculator, with its treatment of unready
// pods, missing metrics and the CPU initialization period). What upstream does
// with the wall clock and does not export, the stabilization windows and the
// scaling policies, stands in stabilize.go, the order of it all in scaler.go,
// and which metric asks the calculator what in calculate.go.
//
// The package's tests hold it to the upstream HorizontalController, decision by
// decision (package hpatest), and show that they notice when a line of it is
// wrong. docs/hpa.md says what that proof covers, which metrics there are, and
// what differs from a cluster.
package hpa
