// Package forecast scales ahead of demand: it forecasts the arrival rate over
// the time a new replica takes to become ready and provides for a quantile.
//
// It keeps the service's rate in steps, starting from the history before the
// scenario's window, and lets a model of package internal/forecast follow it;
// the reason of each decision names what is in use. Every tick
//
//	demand   = the highest of the quantile forecasts from now to now + horizon
//	           (on the line between the centres of steps) and, with the safety
//	           net, the rate observed now
//	replicas = the fewest that serve demand, each within the SLO and
//	           maxUtilisation (package queueing), pools filled in the
//	           scenario's order
//
// The safety net is the reactive rule: a forecast that misses a flash sale then
// falls back to it, never below what a reactive scaler without headroom would
// ask for. A rate is booked where its telemetry window has its centre, so a
// forecast reaches over the telemetry's lag as well as the cold start. A step
// without telemetry is a gap in the series. The parameters are fitted anew every
// refit, and hourly until a season is known; in between the model takes each
// step in at the cost of a few multiplications.
//
// PerfectForesight has no series: it looks up the scenario's rate, which an
// oracle alone is given.
//
// Limits: one season is modelled; a week needs season: 168h and two weeks of
// history.
package forecast
