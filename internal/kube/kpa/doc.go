// Package kpa is Knative's pod autoscaler on the virtual clock.
//
// The arithmetic of a tick is scaler.go, after pkg/autoscaler/scaling/autoscaler.go
// of Knative Serving: a value averaged over the stable window and over the panic
// window, each divided by the target; panic while the short one asks for
// panic-threshold times the ready pods, in which nothing is scaled down; bounds on
// the rate of change. Bounds and the way to zero are after
// pkg/reconciler/autoscaling/kpa/scaler.go. Its settings are read from the Service
// that is applied to a cluster and from the keys of the ConfigMap
// config-autoscaler.
//
// Knative's metrics come from a proxy in each pod, once a second. Here they are
// telemetry's, so both windows are blurred by telemetry's own, and late by its
// lag: for a panic window that deserves the name set
// telemetry: {scrapeInterval: 1s, window: 2s, lag: 0s}.
package kpa
