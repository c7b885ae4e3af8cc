package stats

import "testing"

// FewerFlips samples so many sign vectors until the test ends: simulations of
// whole experiments would take minutes otherwise.
func FewerFlips(t *testing.T, n int) {
	was := monteCarloFlips
	monteCarloFlips = n
	t.Cleanup(func() { monteCarloFlips = was })
}
