// Package keda is KEDA's ScaledObject on the virtual clock.
//
// KEDA does two things with a ScaledObject. It makes a HorizontalPodAutoscaler of
// it, with an External metric for each trigger, that scales between one replica
// and the most; here that is package hpa, so upstream's own arithmetic. And a
// loop of its own, every pollingInterval, looks whether a trigger is active and
// scales to zero (or idleReplicaCount) and back; that is scaler.go, after
// pkg/scaling/executor/scale_scaledobjects.go of KEDA 2 and the documentation of
// the ScaledObject specification, which the tests quote.
//
// Triggers read what the simulation has: cron the scenario's clock, prometheus
// the metric catalogue of package hpa by the query's name, cpu the pods' use.
// docs/policies.md says which queries are understood and what is refused.
package keda
