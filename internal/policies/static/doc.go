// Package static is the baseline that does not scale: a fixed number of
// replicas, sized by hand, usually for the peak.
package static
