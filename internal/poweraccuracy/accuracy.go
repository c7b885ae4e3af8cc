package poweraccuracy

// Accuracy is every comparison of the page.
type Accuracy struct {
	Curves    []Curve
	Spreads   []Spread
	LoadTests []NodeLoad
	Rates     []NodeLoad
	Wall      []WallRun
	Ramps     []Ramp
	CapJobs   []HeldOutCaps // a training job held out
	CapBoards []HeldOutCaps // a board held out
	Inference []CappedInference

	sources map[string]string
}

// Compute makes every comparison from the carried tables.
func Compute() (*Accuracy, error) {
	tables := map[string]sheet{}
	a := &Accuracy{sources: map[string]string{}}
	for _, name := range []string{"mlenergy", "nlr_load", "nlr_rate", "mlperf_wall", "h200_ramps", "h200_caps", "zeus_caps"} {
		tables[name] = open(name + ".csv")
		a.sources[name] = tables[name].Source
	}
	var err error
	if a.Curves, err = curves(tables["mlenergy"]); err != nil {
		return nil, err
	}
	a.Spreads = spreads(a.Curves)
	a.LoadTests, a.Rates = nodeLoads(tables["nlr_load"], tables["nlr_rate"])
	a.Wall = wallRuns(tables["mlperf_wall"])
	a.Ramps = ramps(tables["h200_ramps"], tables["mlperf_wall"])
	runs := zeusRuns(tables["zeus_caps"])
	a.CapJobs = heldOutCaps(runs, func(c Capped) string { return c.Job })
	a.CapBoards = heldOutCaps(runs, func(c Capped) string { return c.Board })
	if a.Inference, err = cappedInference(tables["h200_caps"]); err != nil {
		return nil, err
	}
	return a, nil
}
