package experiment

import (
	"fmt"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/carbon"
	"github.com/kwatt-sim/kwatt/internal/results"
)

// regions says what the figures of several regions rest on.
func (p *provenance) regions() {
	spec := &p.file.Scenario.Spec
	if len(spec.Regions) == 0 {
		return
	}
	var trips []string
	clocks := map[[2]int]bool{} // what they are ahead of UTC when the window opens and ends, in s
	for _, r := range spec.Regions {
		trips = append(trips, fmt.Sprintf("%s %v", r.Name, r.NetworkLatency))
		p.outOfReach(r.Name, r.NetworkLatency.D().Seconds())
		series := p.file.Carbon
		if r.CarbonZone != "" {
			own, err := carbon.Builtin(r.CarbonZone, spec.Carbon.Year)
			if err != nil {
				continue // the scenario's validation has refused it
			}
			series = own
			p.say(results.NoteSource, "Carbon intensity of region %s (%v signal): %s", r.Name, series.Signal, series.Attribution)
		}
		if series.Location != nil {
			_, opens := p.file.Start().In(series.Location).Zone()
			_, ends := p.file.Start().Add(spec.Duration.D()).In(series.Location).Zone()
			clocks[[2]int{opens, ends}] = true
		}
	}
	p.say(results.NoteAssumption, "Regions: all users are at one place; the network round trips are the scenario's, without spread: %s.", strings.Join(trips, ", "))
	if spec.Carbon.Alignment == "LocalClock" && len(clocks) > 1 {
		p.say(results.NoteWarning, "carbon.alignment is LocalClock and the regions' clocks differ: each grid reads the trace's clock as its own, so one instant is several. Take Instant to compare them at the same time.")
	}
}

// outOfReach warns of services that promise less than the network takes.
func (p *provenance) outOfReach(region string, network float64) {
	for _, s := range p.file.Scenario.Spec.Services {
		if target, _, ok := s.SLO.Latency.Target(); ok && network >= target.Seconds() {
			p.say(results.NoteWarning, "service %s cannot keep its latency SLO of %v in region %s: the network alone takes %.4g ms", s.Name, target, region, 1000*network)
		}
	}
}
