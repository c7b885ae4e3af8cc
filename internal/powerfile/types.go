// Package powerfile is the power model of a GPU as a file: what `sim power fit`
// writes and what a scenario's node pool takes in the place of the catalogue's
// figures. It also reads what a model is fitted to: a power profile of `sim
// calibrate`, or a CSV of batches and watts.
package powerfile

// APIVersion and Kind head every model.
const (
	APIVersion = "kwatt.dev/v1alpha1"
	Kind       = "PowerModel"
)

// Model is what a model of GPU draws, and its host.
type Model struct {
	// APIVersion is kwatt.dev/v1alpha1.
	APIVersion string `yaml:"apiVersion" kwatt:"required,enum=kwatt.dev/v1alpha1"`
	// Kind is PowerModel.
	Kind string `yaml:"kind" kwatt:"required,enum=PowerModel"`
	// Metadata names the model.
	Metadata Metadata `yaml:"metadata" kwatt:"required"`
	// Spec is the figures.
	Spec Spec `yaml:"spec" kwatt:"required"`
}

// Metadata names a model.
type Metadata struct {
	// Name of the model: lower-case letters, digits and dashes.
	Name string `yaml:"name" kwatt:"required,name"`
	// Description is a line for people.
	Description string `yaml:"description,omitempty"`
}

// Spec is the figures. What it leaves out is the catalogue's of the same GPU; of
// a GPU that the catalogue lacks nothing but the sweeps can be left out.
type Spec struct {
	// GPU is the name under which scenarios know the board, and that of the
	// catalogue's board whose figures it replaces.
	GPU string `yaml:"gpu" kwatt:"required,name"`
	// Title of the board for people.
	Title string `yaml:"title,omitempty"`
	// Source of the figures that do not name their own.
	Source Source `yaml:"source" kwatt:"required"`
	// CapWatts is the board's own power limit.
	CapWatts *float64 `yaml:"capWatts,omitempty" kwatt:"exclusiveMin=0,max=100000"`
	// Bare is the board powered, without a context of anybody.
	Bare *Watts `yaml:"bare,omitempty"`
	// Context is the board with a model loaded and no kernel running.
	Context *Watts `yaml:"context,omitempty"`
	// Busy is the board that runs batches back to back, by ascending batch;
	// piecewise linear in log2 of the batch between them, flat outside.
	Busy []BusyWatts `yaml:"busy,omitempty"`
	// Host is the node without its boards.
	Host *Host `yaml:"host,omitempty"`
	// Embodied is the carbon of making board and host.
	Embodied *Embodied `yaml:"embodied,omitempty"`
	// CapSweep is how a power cap slows a batch down, by ascending ratio, the last
	// 1 with slowdown 1. The published law when it is left out.
	CapSweep []CapPoint `yaml:"capSweep,omitempty"`
	// ClockSweep is how a locked SM clock changes time and draw, by ascending clock.
	ClockSweep []ClockPoint `yaml:"clockSweep,omitempty"`
	// Fit tells where the busy watts came from, when they were fitted.
	Fit *Fit `yaml:"fit,omitempty"`
}

// Source is where a figure is from.
type Source struct {
	// Text names the source.
	Text string `yaml:"text" kwatt:"required"`
	// Date of it: year and month, 2026-01.
	Date string `yaml:"date,omitempty"`
	// Grade: A measured for this very state, B measured but indirect, C anecdotal,
	// X assumed.
	Grade string `yaml:"grade" kwatt:"required,enum=A|B|C|X"`
}

// Origin is what a figure says of itself where it differs from spec.source.
type Origin struct {
	// Uncertainty is one standard deviation over the value; that of the grade when unset.
	Uncertainty *float64 `yaml:"uncertainty,omitempty" kwatt:"exclusiveMin=0,max=5"`
	// Source of the figure.
	Source string `yaml:"source,omitempty"`
	// Date of the source: year and month.
	Date string `yaml:"date,omitempty"`
	// Grade of the figure.
	Grade string `yaml:"grade,omitempty" kwatt:"enum=A|B|C|X"`
}

// Watts is a draw.
type Watts struct {
	// Watts is the mean draw in the state.
	Watts float64 `yaml:"watts" kwatt:"required,exclusiveMin=0,max=100000"`
	// Origin is where it is from.
	Origin `yaml:",inline"`
}

// BusyWatts is the draw at one batch.
type BusyWatts struct {
	// Batch is the number of requests in a batch.
	Batch int `yaml:"batch" kwatt:"required,min=1"`
	// Watts is the draw.
	Watts `yaml:",inline"`
}

// Host is the node without its boards.
type Host struct {
	// Base is the draw of the host while its boards are bare, as a share for one board.
	Base *Watts `yaml:"base,omitempty"`
	// PerWatt is what the wall reading rises by beyond each watt that the boards
	// draw above bare.
	PerWatt *Number `yaml:"perWatt,omitempty"`
}

// Number is a figure without a unit, or with that of its field.
type Number struct {
	// Value of the figure.
	Value float64 `yaml:"value" kwatt:"required,exclusiveMin=0,max=100000"`
	// Origin is where it is from.
	Origin `yaml:",inline"`
}

// Embodied is kg CO2e of making the hardware.
type Embodied struct {
	// Board is that of one board, in kg.
	Board *Number `yaml:"board,omitempty"`
	// Host is that of the host, in kg, as a share for one board.
	Host *Number `yaml:"host,omitempty"`
}

// CapPoint is a board held down by a power cap.
type CapPoint struct {
	// Ratio is (cap − context) / (busy − context), both in watts.
	Ratio float64 `yaml:"ratio" kwatt:"required,exclusiveMin=0,max=1"`
	// Slowdown is the time of a batch over its uncapped time.
	Slowdown float64 `yaml:"slowdown" kwatt:"required,min=1,max=100"`
	// Origin is where it is from.
	Origin `yaml:",inline"`
}

// ClockPoint is a board with its SM clock locked.
type ClockPoint struct {
	// MHz is the locked clock.
	MHz float64 `yaml:"mhz" kwatt:"required,exclusiveMin=0,max=100000"`
	// Slowdown is the time of a batch over that at the board's own clocks.
	Slowdown float64 `yaml:"slowdown" kwatt:"required,min=1,max=100"`
	// Dynamic is the draw above the context over that at the board's own clocks.
	Dynamic float64 `yaml:"dynamic" kwatt:"required,exclusiveMin=0,max=1"`
	// Origin is where it is from.
	Origin `yaml:",inline"`
}

// Fit tells how busy watts were fitted.
type Fit struct {
	// Curve that was chosen: monotone, logistic, linear, sqrt or cubic.
	Curve string `yaml:"curve" kwatt:"required,enum=monotone|logistic|linear|sqrt|cubic"`
	// Parameters of it by name, each with its 95 % interval.
	Parameters []Parameter `yaml:"parameters" kwatt:"required,minItems=1"`
	// Batches is the number of different batches that were read.
	Batches int `yaml:"batches" kwatt:"required,min=1"`
	// HeldOut is the error at batches that the curve was not shown; unset when
	// there were too few to hold one out.
	HeldOut *HeldOut `yaml:"heldOut,omitempty"`
	// Readings is the file that was fitted.
	Readings string `yaml:"readings,omitempty"`
}

// Parameter is a number of the curve.
type Parameter struct {
	// Name of it.
	Name string `yaml:"name" kwatt:"required"`
	// Value of it.
	Value float64 `yaml:"value" kwatt:"required"`
	// Low end of its interval.
	Low *float64 `yaml:"low,omitempty"`
	// High end of its interval.
	High *float64 `yaml:"high,omitempty"`
	// Unit of it.
	Unit string `yaml:"unit,omitempty"`
}

// HeldOut is the error at batches that were left out of the fit.
type HeldOut struct {
	// Batches that were held out.
	Batches int `yaml:"batches" kwatt:"required,min=1"`
	// RMSE is the root mean square error in W.
	RMSE float64 `yaml:"rmse" kwatt:"required,min=0"`
	// MAPE is the mean of the relative errors' magnitudes.
	MAPE float64 `yaml:"mape" kwatt:"required,min=0"`
}
