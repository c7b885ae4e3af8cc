package cli

import (
	"bytes"
	"fmt"
	"math"
	"os"

	"github.com/kwatt-sim/kwatt/internal/powerfile"
	"github.com/kwatt-sim/kwatt/internal/powerfit"
	"github.com/kwatt-sim/kwatt/internal/powermodel"
	"github.com/kwatt-sim/kwatt/internal/report"
)

// writeDrawing writes a plot; no path is no plot.
func writeDrawing(path string, p report.PowerPlot) error {
	if path == "" {
		return nil
	}
	var b bytes.Buffer
	if err := p.WriteSVG(&b); err != nil {
		return err
	}
	if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
		return fmt.Errorf("write the plot: %w", err)
	}
	return nil
}

// boardPlot draws a board's curve, its figures with 95 % of their uncertainty,
// its idle states and its cap.
func boardPlot(g powermodel.GPU) report.PowerPlot {
	p := report.PowerPlot{Title: g.Title + ", watts by batch", Levels: []report.PowerLevel{
		{Name: "bare", Watts: g.Bare.Value}, {Name: "context", Watts: g.Context.Value}, {Name: "cap", Watts: g.CapWatts},
	}}
	for b := 1; b <= max(64, g.Busy[len(g.Busy)-1].Batch); b++ {
		p.Curve = append(p.Curve, report.PowerPoint{Batch: float64(b), Watts: g.At(b).Value, Low: math.NaN(), High: math.NaN()})
	}
	for _, b := range g.Busy {
		half := 1.96 * b.Watts.Uncertainty() * b.Watts.Value
		p.Points = append(p.Points, report.PowerPoint{Batch: float64(b.Batch), Watts: b.Watts.Value, Low: b.Watts.Value - half, High: b.Watts.Value + half})
	}
	return p
}

// fitPlot draws a fit: the curve with the band for one more reading, the
// readings, and the errors of the fit and of predictions at held-out batches.
func fitPlot(r *powerfile.Readings, fit *powerfit.Result) report.PowerPlot {
	f := fit.Chosen
	p := report.PowerPlot{Title: fmt.Sprintf("%s: %s curve", r.File, f.Family)}
	if r.Bare != nil {
		p.Levels = append(p.Levels, report.PowerLevel{Name: "bare", Watts: r.Bare.Watts})
	}
	if r.Data.Context > 0 {
		p.Levels = append(p.Levels, report.PowerLevel{Name: "context", Watts: r.Data.Context})
	}
	if r.CapWatts != nil {
		p.Levels = append(p.Levels, report.PowerLevel{Name: "cap", Watts: *r.CapWatts})
	}
	first, last := f.Residuals[0].Batch, f.Residuals[len(f.Residuals)-1].Batch
	const steps = 120
	for i := range steps + 1 {
		b := first * math.Pow(last/first, float64(i)/steps)
		at, _ := f.Predict(b)
		p.Curve = append(p.Curve, report.PowerPoint{Batch: b, Watts: at.Value, Low: at.Low, High: at.High})
	}
	for _, q := range r.Data.Points {
		point := report.PowerPoint{Batch: q.Batch, Watts: q.Watts, Low: math.NaN(), High: math.NaN()}
		if q.SE > 0 {
			point.Low, point.High = q.Watts-1.96*q.SE, q.Watts+1.96*q.SE
		}
		p.Points = append(p.Points, point)
	}
	fitted, held := report.PowerResiduals{Legend: "fitted less read"}, report.PowerResiduals{Legend: "predicted without this batch, less read"}
	for _, x := range f.Residuals {
		fitted.Points = append(fitted.Points, report.PowerPoint{Batch: x.Batch, Watts: x.Fitted - x.Watts, Low: math.NaN(), High: math.NaN()})
		if !math.IsNaN(x.HeldOut) {
			held.Points = append(held.Points, report.PowerPoint{Batch: x.Batch, Watts: x.HeldOut - x.Watts, Low: math.NaN(), High: math.NaN()})
		}
	}
	p.Residuals = []report.PowerResiduals{fitted, held}
	return p
}
