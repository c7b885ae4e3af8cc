// Package lstm forecasts with a small recurrent network: one LSTM layer of a few
// units and a linear head, trained once over several traces and then run along
// any series without being fitted again. It adds itself to package forecast as
// the method LSTM.
//
// # What the network sees and says
//
// Each step it sees (lens.go) the rate's level, its change, how it stands
// against the season before, how that season went on over the next twelve steps,
// and whether the value or the season is missing. Levels are logarithms against
// a trailing mean, so a service of ten times the rate looks the same, and
// nothing looks ahead. For each of the next twelve steps it says the median
// change of the level and a spread to either side, trained by the pinball loss
// at 0.1, 0.5 and 0.9.
//
// A quantile is the median plus a number of spreads: the same quantile of the
// scores so far, a score being how many spreads a value lay from its median.
// This is split conformal prediction with normalised scores (Lei et al., 2018;
// the constant that is added to each spread is Papadopoulos'). Quantiles cannot
// cross. While there are fewer than a hundred scores, those of the training's
// validation take their place. Beyond twelve steps the forecast goes on as the
// season before did.
//
// # Training
//
// Adam with decoupled weight decay, windows of 96 steps, backpropagation through
// all of a window, noise on the inputs, gradients cut to norm 1. The last fifth
// of each series chooses the epoch. Everything is drawn from named streams and
// added in one order, so a seed gives the same bytes for any number of
// processors.
//
// # Why no library
//
// github.com/gomlx/gomlx v0.26.0 with its pure-Go backend was tried for training.
// Its LSTM layer cannot be trained there: the gradient of a slice needs the
// operation Pad, which that backend does not have. The same layer written from
// matrix products trains, but the backend's default executor stood still on two
// cores, and its sequential one took 80 ms of one core for a step over 32
// windows of 48 steps with 24 units, where the loops here take 12. They need a
// few lines more and no dependency; the cell is held to figures of that
// library's own test, and every gradient to finite differences.
package lstm
