package results

// Plus returns the two ledgers' requests together.
func (l Ledger) Plus(m Ledger) Ledger {
	return Ledger{
		Arrivals: l.Arrivals + m.Arrivals,
		Served:   l.Served + m.Served,
		Dropped:  l.Dropped + m.Dropped,
		TimedOut: l.TimedOut + m.TimedOut,
		InFlight: l.InFlight + m.InFlight,
	}
}

// Missing is the number of arrivals that no other line accounts for: zero, or
// a broken invariant.
func (l Ledger) Missing() int64 {
	return l.Arrivals - l.Served - l.Dropped - l.TimedOut - l.InFlight
}
