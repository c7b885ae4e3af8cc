// Package controlplane runs a real Kubernetes control plane on this machine:
// etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kwok, each
// its own process on the loopback interface, started, watched and cleaned up by
// the launcher in this package.
//
// # One program
//
// The components live in the program that starts them: it re-executes itself
// per component. This package knows none of their code; package component
// links them and hands their main functions to [Dispatch], which every program
// that calls [Up] must call first.
//
// # A cluster's folder
//
// All that a cluster is lies in one folder (see [DirOf]):
//
//	lock              held by the launcher as long as it lives
//	state.json        processes, ports, version, exits
//	config.json       the Config it was started with
//	kubeconfig        of the administrator, self-contained
//	pki/              three authorities (cluster, etcd, front proxy) and their certificates
//	kubeconfigs/      of the components
//	etcd/  logs/      etcd's data; a log for each component
//
// # Who ends what
//
// A component ends with its launcher, whatever ends that: it holds the read end
// of a pipe whose other end is the launcher's. What survives all the same, a
// stopped process say, is found by its arguments, which name the folder, and
// killed by the next [Up] or [Cluster.Down]. A process is signalled through a
// descriptor that was checked to be it, never by a bare number.
package controlplane
