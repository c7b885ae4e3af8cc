package poweraccuracy

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/powerfit"
)

// page is a Markdown document in the making.
type page struct{ strings.Builder }

func (p *page) text(format string, args ...any) { fmt.Fprintf(p, format+"\n\n", args...) }

// table writes rows of cells; the first column is text, the others figures.
func (p *page) table(header []string, rows [][]string) {
	p.WriteString("| " + strings.Join(header, " | ") + " |\n|---|" + strings.Repeat("---:|", len(header)-1) + "\n")
	for _, r := range rows {
		p.WriteString("| " + strings.Join(r, " | ") + " |\n")
	}
	p.WriteByte('\n')
}

func pct(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	return fmt.Sprintf("%.1f %%", 100*v)
}

func signed(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	return strings.Replace(fmt.Sprintf("%+.1f %%", 100*v), "-", "−", 1)
}

func (e Errors) cells() []string { return []string{pct(e.MAPE), signed(e.Bias), signed(e.Worst)} }

const head = `<!-- Generated: go test ./internal/poweraccuracy -run Docs -update -->
# How far the power model is off

kwatt's watts held against measurements that nobody of the project made. The figures are small tables carried in ` + "`internal/poweraccuracy/data`" + `, each with its
source; ` + "`sim power validate`" + ` prints this page from them. Errors are predicted over measured, less 1: MAPE is the mean of their magnitudes, *bias* their mean,
*worst* the one furthest from 0. What is predicted has never seen what it is compared with, unless it says so.

`

// Markdown is docs/power-accuracy.md.
func (a *Accuracy) Markdown() string {
	p := &page{}
	p.WriteString(head)
	a.summary(p)
	a.batches(p)
	a.models(p)
	a.loads(p)
	a.wall(p)
	a.ramps(p)
	a.caps(p)
	p.text("## Sources")
	for _, name := range []string{"mlenergy", "nlr_load", "nlr_rate", "mlperf_wall", "h200_ramps", "h200_caps", "zeus_caps"} {
		fmt.Fprintf(p, "- `%s.csv`: %s\n", name, a.sources[name])
	}
	p.WriteString("\nMLPerf results are quoted from the submissions named; what is made of them here, per GPU above all, is our derivation and no MLCommons metric.\n")
	return p.String()
}

// summary is one line a comparison, hits and misses alike.
func (a *Accuracy) summary(p *page) {
	rows := [][]string{
		append([]string{"watts of a batch held out, own curve, H100"}, a.HeldOutBatches("H100").cells()...),
		append([]string{"the same, B200"}, a.HeldOutBatches("B200").cells()...),
		append([]string{"watts of a language model held out, curve of the others, H100"}, a.HeldOutModels("H100").cells()...),
		append([]string{"the same, B200"}, a.HeldOutModels("B200").cells()...),
		append([]string{"catalogue against the language models it was not made from, H100"}, a.CatalogueModels("H100").cells()...),
		append([]string{"the same, B200"}, a.CatalogueModels("B200").cells()...),
		append([]string{"node of four H100 at a fixed request rate"}, a.FixedRates().cells()...),
		append([]string{"wall power of MLPerf nodes at a known power limit"}, a.WallErrors(true).cells()...),
		append([]string{"the same without the host's share"}, a.WallErrors(false).cells()...),
		append([]string{"energy of idle → load → idle, H200 node, power limit known"}, a.RampErrors(func(r Ramp) float64 { return r.PredictedMJ }, true).cells()...),
		append([]string{"the same, power limit not told"}, a.RampErrors(func(r Ramp) float64 { return r.FreeMJ }, false).cells()...),
		append([]string{"slowdown under a cap, training job held out"}, slowdowns(a.CapJobs).cells()...),
		append([]string{"slowdown under a cap, board held out"}, slowdowns(a.CapBoards).cells()...),
		append([]string{"slowdown under a cap, inference on H200"}, a.InferenceErrors().cells()...),
	}
	p.text("## In short")
	p.table([]string{"", "MAPE", "bias", "worst"}, rows)
	p.text("What to make of it:")
	for _, line := range []string{
		"A curve fitted to the very model and board is good to one or two per cent between its batches, on an H100. Another model on the same board is off by ten, on a B200 by twenty: fit your own (`sim power fit`).",
		"The B200's catalogue curve is that of its hungriest model and too high for the others. Watts of a B200 do not even rise with the batch for small models, which are bound by the host; a curve that never falls cannot follow them.",
		"Knowing the power limit matters more than anything else: MLPerf's nodes are capped, and without being told the model has their GPUs at full draw.",
		"A cap slows real inference down by more than the training sweeps say: recommender serving by up to a fifth, language models by a tenth.",
		"Spreading idle to peak watts over the load, as tools without a curve do, has a node at 1 req/s at a quarter of what it draws.",
	} {
		p.WriteString("- " + line + "\n")
	}
	p.WriteByte('\n')
}

func (a *Accuracy) batches(p *page) {
	p.text("## Batches held out: which curve")
	p.text("Each model's watts by batch are fitted without one batch in turn, and that batch is predicted. Means over the batches between the ends of a model's sweep, MAPE; the chosen curve is the one " +
		"with the least root mean square error.")
	var rows [][]string
	for _, c := range a.Curves {
		row := []string{c.Board + ", " + c.Model, fmt.Sprint(c.Batches), c.Chosen}
		for _, f := range []string{powerfit.Monotone, powerfit.Logistic, powerfit.Sqrt, powerfit.Linear, powerfit.Cubic} {
			cell := "–"
			if s := c.Families[f]; s.N > 0 {
				cell = pct(s.MAPE)
			}
			row = append(row, cell)
		}
		rows = append(rows, row)
	}
	p.table([]string{"", "batches", "chosen", "monotone", "logistic", "sqrt", "linear", "cubic"}, rows)
	p.text("Linear, sqrt and cubic start from the idle context and reach their peak at the largest batch, as tools do that know those two figures alone. They are off by an eighth at best and by three quarters at worst: a GPU at batch 8 is not idle.")
}

func (a *Accuracy) models(p *page) {
	p.text("## Models held out, and the catalogue")
	p.text("How far models are apart on one board at one batch, as the standard deviation over the mean:")
	var rows [][]string
	for _, s := range a.Spreads {
		rows = append(rows, []string{fmt.Sprintf("%s, batch %d", s.Board, s.Batch), fmt.Sprint(s.Models), pct(s.Deviation)})
	}
	p.table([]string{"", "models", "deviation"}, rows)
	p.text("*Others* is the logistic curve fitted to all other models of the board; *catalogue* the curve of the catalogue; *covered* how many readings lie within 95 %% of the catalogue's stated uncertainty.")
	rows = nil
	covered, readings := map[string]int{}, map[string]int{}
	for _, c := range a.Curves {
		name := c.Board + ", " + c.Model
		if c.own() {
			name += " (the catalogue's own)"
		} else {
			covered[c.Board] += c.Covered
			readings[c.Board] += c.Catalogue.N
		}
		row := append([]string{name}, c.Others.cells()...)
		row = append(row, c.Catalogue.cells()...)
		rows = append(rows, append(row, fmt.Sprintf("%d of %d", c.Covered, c.Catalogue.N)))
	}
	p.table([]string{"", "others: MAPE", "bias", "worst", "catalogue: MAPE", "bias", "worst", "covered"}, rows)
	p.text("Of the readings of models that the catalogue was not made from, %d of %d on the H100 and %d of %d on the B200 lie within its 95 %%.",
		covered["H100"], readings["H100"], covered["B200"], readings["B200"])
	p.text("The H100's uncertainty is that of its grade; the B200's was set wider because of this very table.")
}

func (a *Accuracy) loads(p *page) {
	p.text("## Request rate → node watts")
	p.text("Llama-3-70B on four H100, at fixed request rates. The requests in flight are the rate times the time in the system (Little's law), taken from the load tests of the same source; the prediction is four times the " +
		"catalogue's P_busy at that batch. It knows neither this model nor tensor parallelism, and the measured watts also hold two CPUs. *Linear* is four boards between idle context and cap, by the rate over the largest " +
		"throughput.")
	var rows [][]string
	for _, n := range a.Rates {
		if slices.Contains([]float64{1, 2, 5, 10, 15, 20, 25, 30, 40, 60, 100}, n.Rate) {
			rows = append(rows, []string{
				fmt.Sprintf("%s, %.0f req/s", n.Prompts, n.Rate), fmt.Sprintf("%.0f", n.InFlight), fmt.Sprintf("%.0f", n.Measured),
				fmt.Sprintf("%.0f", n.Boards), signed(n.Boards/n.Measured - 1), fmt.Sprintf("%.0f", n.Linear), signed(n.Linear/n.Measured - 1),
			})
		}
	}
	p.table([]string{"", "in flight", "measured W", "predicted W", "off", "linear W", "off"}, rows)
	var tests Errors
	for _, n := range a.LoadTests {
		tests.add(n.Boards, n.Measured)
	}
	p.text("The shape holds from three per cent of the largest throughput to three times of it. In the load tests themselves, whose watts are means over whole runs, warm-up and tail included, the prediction is %s too high (MAPE %s).",
		pct(tests.Bias), pct(tests.MAPE))
}

func (a *Accuracy) wall(p *page) {
	p.text("## Wall power at a known power limit")
	p.text("MLPerf nodes whose boards run at a power limit that the submission's configuration states. *Boards alone* is the idle reading and the boards' limits above bare; *with the host* adds the host's share of that, " +
		"as the runs of other models on the same node have it.")
	var rows [][]string
	for _, w := range a.Wall {
		rows = append(rows, []string{
			fmt.Sprintf("%s, %s %s %s", w.GPU, w.Round, w.Model, w.Scenario), fmt.Sprintf("%.0f", w.Limit), fmt.Sprintf("%.0f", w.Measured),
			signed(w.Plain/w.Measured - 1), signed(w.WithHost/w.Measured - 1),
		})
	}
	p.table([]string{"", "limit W", "measured W", "boards alone", "with the host"}, rows)
	p.text("The H100 PCIe node has runs of one model alone, so nothing can be held out.")
}

func (a *Accuracy) ramps(p *page) {
	p.text("## Idle → load → idle")
	p.text("Wall power of a node of eight H200 at one second, from before the model is loaded to after it is gone. The states of the prediction are bare, context and busy at full batches, for as long as the trace is in each. " +
		"The host's share is that of other models' runs; its base is the lowest reading of this node, which the mean of its idle seconds exceeds by 2-5 %%. Where the power limit is not known the prediction has the boards at their own.")
	var rows [][]string
	for _, r := range a.Ramps {
		limit := "–"
		if r.Limit > 0 {
			limit = fmt.Sprintf("%.0f", r.Limit)
		}
		row := []string{r.Model + " " + r.Scenario, limit, fmt.Sprintf("%.0f", r.Seconds[0]+r.Seconds[1]+r.Seconds[2])}
		for i := range r.Measured {
			row = append(row, fmt.Sprintf("%.0f (%.0f)", r.Predicted[i], r.Measured[i]))
		}
		rows = append(rows, append(row, fmt.Sprintf("%.2f", r.MJ), signed(r.PredictedMJ/r.MJ-1), signed(r.RangingMJ/r.MJ-1)))
	}
	p.table([]string{"", "limit W", "s", "bare W (measured)", "context W", "load W", "MJ", "off", "off, load as in the run before"}, rows)
	p.text("The last column takes the load's watts from the run that precedes each, so that it tests the two idle states and the ramps alone. SDXL's *context* also holds minutes in which its host prepares the model.")
}

func (a *Accuracy) caps(p *page) {
	p.text("## Power caps")
	p.text("The law of slowdown by ratio, fitted without one training job, or without one board, and held against it. *Watts* is min(uncapped draw, cap), which is fitted to nothing.")
	var rows [][]string
	for _, h := range slices.Concat(a.CapJobs, a.CapBoards) {
		row := append([]string{h.Name, fmt.Sprint(h.Slowdown.N)}, h.Slowdown.cells()...)
		rows = append(rows, append(row, h.Watts.cells()...))
	}
	p.table([]string{"held out", "runs", "slowdown: MAPE", "bias", "worst", "watts: MAPE", "bias", "worst"}, rows)
	p.text("The V100's sweeps end where the A40's get steep, so the A40 without its own is the hardest. Jobs whose draw swings are held down by caps above their mean, which min() does not see.")
	p.text("The catalogue's law against inference on eight H200, throughput without a limit over throughput with it; *Server* also has to keep a latency:")
	rows = nil
	for _, c := range a.Inference {
		rows = append(rows, []string{
			c.Model + " " + c.Scenario, fmt.Sprintf("%.0f", c.Limit), fmt.Sprintf("%.2f", c.Measured), fmt.Sprintf("%.2f", c.Predicted), signed(c.Predicted/c.Measured - 1),
		})
	}
	p.table([]string{"", "limit W", "measured", "predicted", "off"}, rows)
}
