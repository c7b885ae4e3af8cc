// Package hpatest runs the upstream HorizontalController in small clusters that
// chance draws, and records what it saw and did at each reconcile.
//
// The controller is upstream's, unchanged: its queue, its informers on a fake
// API server, its own client of the three metrics APIs, its scale interface. It
// runs inside testing/synctest, where an hour of its clock passes in
// milliseconds. Compare feeds a scaler what was recorded. It must come to the
// same replicas, conditions, metric values and errors, at every reconcile.
//
// Nothing here knows the code under test. The cluster keeps what its pods do and
// the instants of their lives. API objects are made from those, as the kubelet,
// prometheus-adapter and metrics-server make them, and so are observations.
//
// Between two reconciles the cluster changes a millisecond before the later
// one, and the informers are given time to notice. So the tests leave out one
// race of a cluster: a pod that changes in the very instant of a reconcile,
// which upstream sees or does not.
package hpatest
