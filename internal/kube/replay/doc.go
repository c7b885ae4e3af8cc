// Package replay runs a scenario on a real control plane: an API server, the
// controllers of Deployments and HorizontalPodAutoscalers, kube-scheduler, and
// KWOK in the place of kubelets.
//
// What is measured is the same world as in a simulation (package engine): the
// same requests, replicas, watts and grams. Only the pods and nodes are an API
// server's, and time is the wall's, compressed by a factor: virtual time is
// (wall − start) × speed. The engine works on one goroutine. What happens
// outside, told by watches and by calls of the metrics API, waits in an inbox
// and joins the engine's events at the instant it came; what the engine wants
// of the API server is done by others, in order for each object.
//
// # Who does what
//
//	pods of a service     a Deployment; its ReplicaSet creates and deletes them
//	placement             kube-scheduler with the policy's configuration
//	hpa                   a HorizontalPodAutoscaler and kube-controller-manager
//	other scalers         the policy's own code, through the scale subresource
//	metrics               an aggregated API server with the telemetry model's values
//	cold start            KWOK stages at instants that the startup stream draws
//	drain                 a finalizer that goes with the last answered request
//	nodes                 Node objects that the node policy creates, cordons and
//	                      deletes; evictions through the eviction subresource
package replay
