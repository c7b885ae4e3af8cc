// Package powerfit turns readings of a GPU's watts by batch into a curve. It
// fits several families, chooses one by the error at batches that were held
// out, and says how sure the curve and its predictions are. docs/power.md tells
// which families there are and what the intervals mean.
package powerfit
