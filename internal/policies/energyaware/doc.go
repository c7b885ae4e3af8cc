// Package energyaware scales to the smallest predicted power that keeps the
// SLO.
//
// Each tick it takes the observed arrival rate times (1 + headroom) and looks
// over all replica counts that can serve it with the predicted latency
// quantile within the SLO (package queueing) and with a load of at most
// maxUtilisation. For each count the replicas fill the pools in the order of
// watts per replica, and the power is
//
//	Σ pools  nodes·base + their GPUs·bare
//	         + (1 + host)·(GPUs in use·(context - bare) + replicas · share · Σ_b u_b (busy_b - context))
//
// with host what a node adds to each watt of its GPUs above bare, and u_b the predicted share of time that a replica runs a batch of b. The
// smallest power wins; at equal power the fewer replicas.
//
// With powerCap or smClock the search goes over the boards' power caps or SM clocks
// too (limited.go).
//
// Limits: it sees the past through telemetry, so a rise faster than headroom
// covers within window, lag and cold start breaks the SLO. It decides how
// many replicas, not where: the scheduler profile EnergyAware places them in
// the order assumed here, others need not. Queues that built up are not
// counted; the headroom drains them.
package energyaware
