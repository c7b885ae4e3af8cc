// Package oracle is a bound for scalers: it knows the arrival rate and the grid
// that are to come, and plans the replicas of the whole window before it begins.
//
// The plan has a replica count for each step. It is the cheapest of all plans
// that serve the highest rate of every step, by dynamic programming over steps
// and counts. A step costs what its replicas draw at the plug
//
//	kWh = PUE · watts · step
//
// and a replica that is started costs what its cold start draws, with the boot
// of a node where it is the first on one. The sum is in
//
//	Energy   kWh of the facility
//	Carbon   g CO2e: kWh · intensity of the grid then, and the embodied part of
//	         the node-hours
//	Cost     money: node-hours, kWh · tariff, and the grams' price
//
// Replicas are asked for as early as the slowest start takes, and let go at
// once.
//
// # What it is a bound of
//
// It is the least of the model that plans are made with: rates as they are
// expected and not as they are drawn, replicas that fill nodes in one order, a
// replica loaded up to one part of its saturation. It is no proof that nothing
// does better: a policy that lets the SLO slip in some minutes, which the target
// of a whole window may allow, can need less. It serves requests as they come;
// nothing is put off to a cleaner hour.
package oracle
