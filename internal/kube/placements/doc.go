// Package placements writes down what the plugins of a running kube-scheduler
// say in its scheduling cycles, and reads it back.
//
// [Record] stands between the scheduler and its profiles' frameworks. It asks no
// plugin but once more for raw scores, which frameworks keep to themselves, and
// changes no answer. What it writes of a cycle is complete before the scheduler
// tells the API server of it: whoever hears of a binding or a refusal finds the
// entry in the file (see [Book]).
package placements
