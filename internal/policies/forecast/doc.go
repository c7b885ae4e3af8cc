// Package forecast scales ahead of demand: it forecasts the arrival rate over
// the time a new replica takes to become ready and provides for a quantile.
//
// It keeps the service's rate in steps, starting from the history before the
// scenario's window. Model HoltWinters is package internal/forecast: with two
// seasons or more a damped trend and a season, with less a damped trend, with
// next to nothing the last rate; the reason of each decision names what is in
// use. Every tick
//
//	demand   = the highest of the quantile forecasts from now to now + horizon
//	           (on the line between the centres of steps) and the rate
//	           observed now
//	replicas = the fewest that serve demand, each within the SLO and
//	           maxUtilisation (package queueing), pools filled in the
//	           scenario's order
//
// The observed rate is a floor: a forecast that misses a flash sale then falls
// back to reacting, never below what a reactive scaler without headroom would
// ask for. A step without telemetry is a gap in the series. The parameters
// are fitted anew every refit, and hourly until a season is known; in between
// the model takes each step in at the cost of a few multiplications.
//
// Limits: the observed rate is a mean over the telemetry window, so a step is
// late by half of it and the lag. One season is modelled; a week needs
// season: 168h and two weeks of history.
package forecast
