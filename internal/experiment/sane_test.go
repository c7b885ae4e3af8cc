package experiment

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/results"
)

// insane returns what cannot be about a run, or "".
func insane(c *engine.Config, r *results.Run) string {
	for _, m := range append(serviceValues(r), r.Metrics) {
		for name, v := range m {
			if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
				return fmt.Sprintf("%s is %v", name, v)
			}
		}
		if what := impossible(m); what != "" {
			return what
		}
	}
	for _, f := range []func(*engine.Config, *results.Run) string{wrongLedger, wrongEnergy, wrongTimes, wrongSeries, wrongDecisions} {
		if what := f(c, r); what != "" {
			return what
		}
	}
	return ""
}

func serviceValues(r *results.Run) []metrics.Values {
	var all []metrics.Values
	for _, v := range r.Services {
		all = append(all, v)
	}
	return all
}

// impossible checks figures of the services and of the whole against each other.
func impossible(m metrics.Values) string {
	for _, name := range []string{"slo_attainment_ratio", "gpu_busy_ratio", "gpu_allocated_ratio"} {
		if m[name] > 1+1e-9 {
			return fmt.Sprintf("%s is %v", name, m[name])
		}
	}
	last := 0.0
	for _, q := range []string{"p50", "p90", "p95", "p99", "p999"} {
		v := m["latency_"+q+"_seconds"]
		if v < last {
			return fmt.Sprintf("latency %s %v is below the quantile before it, %v", q, v, last)
		}
		last = v
	}
	if m["replicas_mean"] > m["replicas_max"]+1e-9 {
		return fmt.Sprintf("mean of replicas %v above their maximum %v", m["replicas_mean"], m["replicas_max"])
	}
	return ""
}

func wrongLedger(c *engine.Config, r *results.Run) string {
	l := r.Ledger
	if l.Arrivals != l.Served+l.Dropped+l.TimedOut+l.InFlight {
		return fmt.Sprintf("requests are not conserved: %+v", l)
	}
	for name, n := range map[string]int64{
		"requests_arrived_total": l.Arrivals, "requests_served_total": l.Served,
		"requests_dropped_total": l.Dropped, "requests_timed_out_total": l.TimedOut,
	} {
		sum, inRegions := 0.0, 0.0
		for service, v := range r.Services {
			if strings.Contains(service, "@") {
				inRegions += v[name]
				continue
			}
			sum += v[name]
		}
		if r.Metrics[name] != float64(n) || sum != float64(n) || len(c.Regions) > 0 && inRegions != float64(n) {
			return fmt.Sprintf("%s is %v, %v over the services, %v over those of %d regions, %d in the ledger", name, r.Metrics[name], sum, inRegions, len(c.Regions), n)
		}
	}
	return ""
}

// wrongEnergy holds the joules between what the powered hardware draws at the
// least and at the most, and the parts against the whole.
func wrongEnergy(c *engine.Config, r *results.Run) string {
	m := r.Metrics
	least, most := math.Inf(1), 0.0 // W of a powered GPU with its part of the host
	for _, p := range c.Cluster.Pools {
		host := p.Node.BaseWatts.Value / float64(p.Node.GPUs)
		least, most = min(least, p.Node.GPU.Bare.Value+host), max(most, p.Node.GPU.CapWatts+host)
	}
	asleep := 0.0
	for _, p := range c.Cluster.Pools {
		asleep += float64(p.Max) * p.Node.SleepWatts.Value * c.Duration.Seconds() / 3.6e6
	}
	shares := 0.0
	for _, s := range r.EnergyByGrade {
		shares += s
	}
	switch {
	case m["energy_idle_kwh"] > m["energy_gpu_kwh"]*(1+1e-9):
		return fmt.Sprintf("idle energy %v above the GPUs' %v", m["energy_idle_kwh"], m["energy_gpu_kwh"])
	case m["energy_gpu_kwh"] > m["energy_node_kwh"]*(1+1e-9):
		return fmt.Sprintf("GPU energy %v above the nodes' %v", m["energy_gpu_kwh"], m["energy_node_kwh"])
	case c.PoolPUE == nil && !close9(m["energy_kwh"], m["energy_node_kwh"]*c.PUE),
		c.PoolPUE != nil && (m["energy_kwh"] > m["energy_node_kwh"]*slices.Max(c.PoolPUE)*(1+1e-9) || m["energy_kwh"] < m["energy_node_kwh"]*slices.Min(c.PoolPUE)*(1-1e-9)):
		return fmt.Sprintf("facility energy %v is not PUE times %v", m["energy_kwh"], m["energy_node_kwh"])
	case m["energy_node_kwh"] > m["gpu_hours"]*most/1000+asleep+1e-12 || m["energy_node_kwh"] < m["gpu_hours"]*least/1000*(1-1e-9):
		return fmt.Sprintf("%v kWh in %v GPU-hours: no GPU draws so much or so little", m["energy_node_kwh"], m["gpu_hours"])
	case m["energy_node_kwh"] > 0 && !close9(shares, 1):
		return fmt.Sprintf("shares of energy by grade add up to %v", shares)
	case !close9(m["energy_kwh"], m["energy_attributed_kwh"]+m["energy_unattributed_kwh"]):
		return fmt.Sprintf("energy %v is not the services' %v and nobody's %v", m["energy_kwh"], m["energy_attributed_kwh"], m["energy_unattributed_kwh"])
	case !close9(m["co2e_grams"], m["co2e_operational_grams"]+m["co2e_embodied_grams"]):
		return fmt.Sprintf("CO2e %v is not operational %v + embodied %v", m["co2e_grams"], m["co2e_operational_grams"], m["co2e_embodied_grams"])
	}
	return ""
}

// wrongTimes adds up the hours of powered nodes from the ledger of decisions.
func wrongTimes(c *engine.Config, r *results.Run) string {
	hours, gpuHours := 0.0, 0.0
	since := map[string]float64{} // s at which a node was powered on; not there while it is off or asleep
	gpus := map[string]int{}
	leave := func(node string, t float64) {
		hours += (t - since[node]) / 3600
		gpuHours += (t - since[node]) / 3600 * float64(gpus[node])
		delete(since, node)
	}
	var names []string
	for _, p := range c.Cluster.Pools {
		for i := range p.Max {
			name := fmt.Sprintf("%s-%d", p.Name, i)
			names, gpus[name] = append(names, name), p.Node.GPUs
			if i < p.Initial {
				since[name] = 0
			}
		}
	}
	last := 0.0
	for _, d := range r.Decisions {
		if d.T < last || d.T >= c.Duration.Seconds() {
			return fmt.Sprintf("decision %+v after one at %v s", d, last)
		}
		last = d.T
		switch d.Kind {
		case "node-on", "node-wake":
			since[d.Node] = d.T
		case "node-off", "node-sleep":
			leave(d.Node, d.T)
		}
	}
	for _, name := range names {
		if _, on := since[name]; on {
			leave(name, c.Duration.Seconds())
		}
	}
	if m := r.Metrics; !close9(m["node_hours"], hours) || !close9(m["gpu_hours"], gpuHours) {
		return fmt.Sprintf("%v node-hours and %v GPU-hours, the decisions add up to %v and %v", m["node_hours"], m["gpu_hours"], hours, gpuHours)
	}
	return ""
}

// wrongSeries adds the time series up to the totals.
func wrongSeries(c *engine.Config, r *results.Run) string {
	var arrived, lost, joules, grams, from, regionWatts, regionGrams float64
	for i, p := range r.Points {
		seconds := p.T - from
		if strings.HasPrefix(p.Service, "@") {
			regionWatts += *p.FacilityWatts
			regionGrams += *p.CO2eRate
			continue
		}
		if p.Service != "" {
			arrived += *p.ArrivalRate * seconds
			lost += *p.LostRate * seconds
			continue
		}
		if len(c.Regions) > 0 && (!close9(regionWatts, *p.FacilityWatts) || !close9(regionGrams, *p.CO2eRate)) {
			return fmt.Sprintf("at %v s the regions draw %v W and emit %v g/h, the whole %v and %v", p.T, regionWatts, regionGrams, *p.FacilityWatts, *p.CO2eRate)
		}
		regionWatts, regionGrams = 0, 0
		joules += *p.FacilityWatts * seconds
		if parts := *p.BusyWatts + *p.IdleWatts + *p.HostWatts + *p.BootWatts + *p.SleepWatts; !close9(parts, *p.FacilityWatts) {
			return fmt.Sprintf("at %v s the facility draws %v W, its parts %v W", p.T, *p.FacilityWatts, parts)
		}
		grams += *p.CO2eRate * seconds / 3600
		from = p.T
		if i == len(r.Points)-1 && p.T != c.Duration.Seconds() {
			return fmt.Sprintf("the time series ends at %v s", p.T)
		}
	}
	switch {
	case !close9(arrived, float64(r.Ledger.Arrivals)) || !close9(lost, float64(r.Ledger.Dropped+r.Ledger.TimedOut)):
		return fmt.Sprintf("the time series counts %v requests and loses %v, the ledger is %+v", arrived, lost, r.Ledger)
	case !close9(joules/3.6e6, r.Metrics["energy_kwh"]) || !close9(grams, r.Metrics["co2e_operational_grams"]):
		return fmt.Sprintf("the time series has %v kWh and %v g, the run %v and %v", joules/3.6e6, grams, r.Metrics["energy_kwh"], r.Metrics["co2e_operational_grams"])
	}
	return ""
}

// close9 allows for the rounding of a long sum.
func close9(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(math.Abs(a), math.Abs(b), 1e-3) }
