package engine

import (
	"fmt"
	"math"
	"slices"

	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/policies/routing"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/serving"
	"github.com/kwatt-sim/kwatt/internal/units"
	"github.com/kwatt-sim/kwatt/internal/vtime"
	"github.com/kwatt-sim/kwatt/internal/workload"
)

// routed is a service in several regions: its customers, and the router that
// deals them out.
type routed struct {
	cfg      *Routed
	w        *world
	router   *routing.Router
	split    *workload.Split
	told     []float64 // the shares that the ledger tells
	readyMax int       // replicas of all regions at one instant
}

// addRouted makes the sources of the services that run in several regions. The
// customers are the service's, whatever the regions and the policy.
func (w *world) addRouted() error {
	for i := range w.cfg.Routed {
		c := &w.cfg.Routed[i]
		r := &routed{cfg: c, w: w}
		opening, err := r.open()
		if err != nil {
			return fmt.Errorf("service %s: %w", c.Name, err)
		}
		w.routed = append(w.routed, r)
		w.noteRouting(r, opening, routing.Observation{})
	}
	return nil
}

func (r *routed) open() (routing.Decision, error) {
	first := &r.w.cfg.Services[r.cfg.Parts[0].Service]
	arrivals, err := workload.NewArrivals(first.Curve, first.Process, r.w.random.Stream("arrivals", r.cfg.Name))
	if err != nil {
		return routing.Decision{}, err
	}
	r.split = workload.NewSplit(arrivals, len(r.cfg.Parts), r.w.random.Stream("regions", r.cfg.Name))
	router, opening, err := r.cfg.NewRouter()
	if err != nil {
		return opening, err
	}
	r.router = router
	return opening, r.split.SetShares(opening.Shares)
}

// source is where the requests of a service come from.
func (w *world) source(service int) (serving.Source, error) {
	for _, r := range w.routed {
		for i, p := range r.cfg.Parts {
			if p.Service == service {
				return r.split.Part(i), nil
			}
		}
	}
	c := &w.cfg.Services[service]
	return workload.NewArrivals(c.Curve, c.Process, w.random.Stream("arrivals", c.Name))
}

// route lets a router act on what telemetry shows.
func (w *world) route(r *routed) {
	o := routing.Observation{Now: w.queue.Now(), Valid: true}
	for _, part := range r.cfg.Parts {
		seen := w.observe(w.services[part.Service])
		o.Valid = o.Valid && seen.Valid
		o.At = seen.At
		o.Demand += seen.ArrivalRate
		view := routing.View{Ready: make([]int, len(part.Pools)), Intensity: w.cfg.Grids[part.Pools[0]].IntensityAt(o.Now)}
		for _, p := range w.cluster.Pods(part.Service) {
			if p.Phase == cluster.Ready {
				view.Ready[slices.Index(part.Pools, p.Node.Pool)]++
			}
		}
		o.Regions = append(o.Regions, view)
	}
	d := r.router.Decide(o)
	if err := r.split.SetShares(d.Shares); err != nil {
		panic(fmt.Sprintf("the router of %s: %v", r.cfg.Name, err))
	}
	if d.Decided {
		w.noteRouting(r, d, o)
	}
}

// toldChange is by how much a share must have changed to be written down: with the
// demand each changes a little at every decision.
const toldChange = 0.01

// noteRouting writes a router's decision down, when a share has changed by a
// hundredth since it was last written down.
func (w *world) noteRouting(r *routed, d routing.Decision, o routing.Observation) {
	changed := r.told == nil
	for i, share := range d.Shares {
		changed = changed || math.Abs(share-r.told[i]) >= toldChange
	}
	if !changed {
		return
	}
	x := &decisions.Routing{Demand: d.Demand, Unit: d.Unit}
	if o.Valid {
		x.Seen = some(o.At.Seconds())
	}
	for i, part := range r.cfg.Parts {
		region := decisions.RegionShare{Region: part.Region, Share: d.Shares[i]}
		if r.told != nil {
			region.Before = some(r.told[i])
		}
		if d.Limits != nil {
			region.Limit = some(d.Limits[i])
			if !math.IsInf(d.Costs[i], 0) {
				region.Cost = some(d.Costs[i])
			}
		}
		x.Regions = append(x.Regions, region)
	}
	w.note(decisions.Entry{Service: r.cfg.Name, Kind: decisions.Route, Reason: d.Reason, Routing: x})
	r.told = slices.Clone(d.Shares)
}

// ready counts the replicas that serve in all regions.
func (r *routed) ready() int {
	n := 0
	for _, part := range r.cfg.Parts {
		n += r.w.services[part.Service].fleet.Ready()
	}
	return n
}

// check returns that requests were lost or doubled between the regions, or "".
func (r *routed) check() string {
	arrived := int64(0)
	for _, part := range r.cfg.Parts {
		arrived += r.w.services[part.Service].total.Arrived
	}
	if arrived == r.split.Dealt() {
		return ""
	}
	return fmt.Sprintf("requests of %s are not conserved: %d arrived, its regions got %d", r.cfg.Name, r.split.Dealt(), arrived)
}

// routedMetrics are the figures of a service over all its regions.
func (w *world) routedMetrics(r *routed) metrics.Values {
	v := metrics.Values{}
	all := serving.Stats{}
	var parts []*service
	for _, part := range r.cfg.Parts {
		s := w.services[part.Service]
		all.Add(&s.total)
		parts = append(parts, s)
	}
	w.addServices(v, parts)
	requestMetrics(v, &all)
	if w.services[r.cfg.Parts[0].Service].cfg.Serving.SLO > 0 {
		attainment(v, &all)
	}
	v["replicas_max"] = float64(r.readyMax)
	return v
}

// regionBin remembers where a region stood when the present bin began.
type regionBin struct{ facility, grams float64 }

// regionPoints are the rows of the regions, whose service is "@" and their name.
func (w *world) regionPoints(now vtime.Time, seconds float64) []results.Point {
	if w.bin.regions == nil {
		w.bin.regions = make([]regionBin, len(w.cfg.Regions))
	}
	var out []results.Point
	for i, region := range w.cfg.Regions {
		var at regionBin
		for _, pool := range region.Pools {
			at.facility += float64(w.meter.byPool[pool] * w.cfg.pueOf(pool))
			at.grams += w.meter.gramsByPool[pool]
		}
		before := w.bin.regions[i]
		w.bin.regions[i] = at
		p := w.nodesPoint(now, func(n *cluster.Node) bool { return slices.Contains(region.Pools, n.Pool) })
		p.Service = "@" + region.Name
		p.FacilityWatts = some((at.facility - before.facility) / seconds)
		p.CO2eRate = some((at.grams - before.grams) / (seconds / 3600))
		if kWh := units.KWh(at.facility - before.facility); kWh > 0 {
			p.CarbonIntensity = some((at.grams - before.grams) / kWh)
		}
		out = append(out, p)
	}
	return out
}
