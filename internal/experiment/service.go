package experiment

import (
	"math"

	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/powermodel"
	"github.com/kwatt-sim/kwatt/internal/profiles"
	"github.com/kwatt-sim/kwatt/internal/scenario"
	"github.com/kwatt-sim/kwatt/internal/serving"
)

// poolService is a service on one pool's GPUs, as each part of kwatt sees it.
type poolService struct {
	engine  engine.PoolService
	need    cluster.Need
	seconds []float64 // mean batch times as policies see them, index 0 unused
	cv      float64   // of batch times around their mean
}

// share is what a replica takes of a GPU.
type share struct {
	part     float64 // of the device's room
	load     float64 // of the device's power and time while it is busy
	slowdown float64 // of batch times against a whole device
	mig      bool
}

func shareOf(g scenario.GPUShare, gpu powermodel.GPU) (share, error) {
	if g.MIG != "" {
		slice, err := gpu.Slice(g.MIG)
		if err != nil {
			return share{}, err
		}
		return share{
			part: 1 / float64(slice.PerGPU), load: float64(slice.Slices) / float64(gpu.MIGSlices),
			slowdown: profiles.MIGSlowdown(slice.Slices, gpu.MIGSlices), mig: true,
		}, nil
	}
	part := 1.0
	if g.Share != nil {
		// A whole GPU divided by a whole number: 0.3333 is a third, so that as
		// many replicas fit as policies count on.
		part = 1 / math.Round(1 / *g.Share)
	}
	return share{part: part, load: part, slowdown: profiles.TimeSliceSlowdown(part)}, nil
}

// onPool works out a service's figures on a GPU model. A GPU that cannot run
// it is no error: the scheduler refuses it, with the reason.
func onPool(s *scenario.Service, gpu powermodel.GPU) poolService {
	sh, err := shareOf(s.GPU, gpu)
	if err != nil {
		return poolService{need: cluster.Need{Refused: cluster.NoMIGProfile}}
	}
	seconds, dist, cv, ok := batchSeconds(s, gpu)
	if !ok {
		return poolService{need: cluster.Need{Refused: cluster.NoProfile}}
	}
	ns := make([]float64, len(seconds))
	for b := range seconds {
		seconds[b] *= sh.slowdown * gpu.Slowdown(b).Value
		ns[b] = seconds[b] * 1e9
	}
	contended := s.Model.ServiceTime == nil
	out := poolService{seconds: seconds, cv: cv, need: cluster.Need{Part: sh.part, MIG: sh.mig}}
	e := &out.engine
	e.Times = serving.NewServiceTime(ns, dist, cv, contended)
	e.Load = sh.load
	e.Full = e.Times.Saturation(s.Batching.MaxBatch)
	if !contended {
		e.Full *= float64(s.Batching.Instances)
	}
	for b := range seconds {
		p := gpu.At(b)
		e.BusyWatts = append(e.BusyWatts, p.Value)
		e.Grades = append(e.Grades, p.Grade)
		e.Rel = append(e.Rel, p.Uncertainty())
	}
	out.need.Watts = sh.load * (e.BusyWatts[s.Batching.MaxBatch] - gpu.Context.Value)
	return out
}

// limitedBoard is a board under a limit that may be set in the run.
type limitedBoard struct {
	policies.Limit
	gpu powermodel.GPU
}

// limitsBelow are the limits below what is in force on a board: power caps, then SM
// clocks, each ascending.
func limitsBelow(gpu powermodel.GPU) (out []limitedBoard) {
	for _, g := range gpu.Caps() {
		if g.CapWatts < gpu.CapWatts {
			out = append(out, limitedBoard{policies.Limit{Kind: policies.PowerCap, Value: g.CapWatts}, g})
		}
	}
	for _, g := range gpu.Clocks() {
		out = append(out, limitedBoard{policies.Limit{Kind: policies.SMClock, Value: g.Limit().ClockMHz}, g})
	}
	return out
}

// modelLimits are the limits as a policy sees them.
func modelLimits(s *scenario.Service, gpu powermodel.GPU) (out []policies.Limited) {
	for _, l := range limitsBelow(gpu) {
		on := onPool(s, l.gpu)
		out = append(out, policies.Limited{Limit: l.Limit, BatchSeconds: on.seconds, BusyWatts: on.engine.BusyWatts})
	}
	return out
}

// engineLimits are the limits as the engine sees them.
func engineLimits(s *scenario.Service, gpu powermodel.GPU) (out []engine.LimitService) {
	for _, l := range limitsBelow(gpu) {
		on := onPool(s, l.gpu).engine
		out = append(out, engine.LimitService{Limit: l.Limit, Times: on.Times, BusyWatts: on.BusyWatts, Grades: on.Grades, Rel: on.Rel, Full: on.Full})
	}
	return out
}

// batchSeconds returns the mean time of each batch up to MaxBatch on a whole
// device (index 0 unused) and the law around it.
func batchSeconds(s *scenario.Service, gpu powermodel.GPU) (seconds []float64, dist serving.Distribution, cv float64, ok bool) {
	at := s.Model.ServiceTime.MeanSeconds
	dist = map[string]serving.Distribution{"Exponential": serving.Exponential, "LogNormal": serving.LogNormal}[s.Model.Law()]
	if st := s.Model.ServiceTime; st == nil {
		p, err := profiles.Lookup(s.Model.Profile, s.Model.Variant, gpu.Name)
		if err != nil {
			return nil, 0, 0, false
		}
		at, cv = p.BatchSeconds, s.Model.Noise
	} else if st.CV != nil {
		cv = *st.CV
	}
	if dist == serving.Exponential {
		cv = 1
	}
	seconds = make([]float64, s.Batching.MaxBatch+1)
	for b := 1; b <= s.Batching.MaxBatch; b++ {
		seconds[b] = at(b)
	}
	return seconds, dist, cv, true
}
