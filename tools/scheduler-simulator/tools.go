//go:build tools

// Package tools names kube-scheduler-simulator's debuggable scheduler, so that
// its version is pinned here.
package tools

import _ "sigs.k8s.io/kube-scheduler-simulator/simulator/cmd/scheduler"
