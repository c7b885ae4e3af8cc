// Package routing decides which part of a service's requests goes to which
// region. It is a policy like the scalers: it sees what telemetry shows, returns
// shares and holds no pointer into the world.
//
// But for Weighted, whose shares are fixed, a router puts the regions in an order
// of cost and fills them: each takes what its ready replicas serve within the
// SLO, network included, and the next takes what is over. What fits nowhere is
// spread in proportion to what the regions can take. So an order costs no
// latency promise, and a region whose network alone breaks the SLO gets nothing.
//
// A region grows because the router fills it by a headroom beyond its ready
// replicas: its own scaler sees more than they should carry, adds some, and the
// router then has more to fill. A region without a ready replica gets nothing as
// long as another has one: to take part it needs a floor of one replica.
package routing
