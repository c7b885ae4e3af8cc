// Package plan searches the points and policies of a sweep for the configuration
// that costs, draws or emits least of those that keep their SLOs, and the peak at
// which a fleet breaks them.
//
// The search has three stages. Screening simulates every candidate over the window's
// busiest part alone and drops those that lose the whole window's SLO there. The
// race runs the others over the whole window on the same seeds, and after each look
// drops what is known to break an SLO or to be worse than a candidate known to keep
// them. Confirmation runs what won on seeds that the race has not seen; its
// figures alone are what the winner is reported with, as the race's are those of
// the luckiest of many.
package plan
