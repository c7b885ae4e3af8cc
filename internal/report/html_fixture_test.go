package report

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/kwatt-sim/kwatt/internal/grade"
	"github.com/kwatt-sim/kwatt/internal/metrics"
	"github.com/kwatt-sim/kwatt/internal/results"
)

// fixturePolicy is a made-up policy: spare is its capacity over the demand of
// lag minutes ago; fixed, where set, its replicas whatever the demand. It
// scales down only when it has slack replicas too many.
type fixturePolicy struct {
	name  string
	spare float64
	fixed float64
	lag   int
	slack float64
	// assumed is the share of node energy that rests on grade X.
	assumed float64
}

var fixturePolicies = []fixturePolicy{
	{name: "static", fixed: 24, assumed: 0.1},
	{name: "hpa", spare: 1.3, lag: 5, slack: 3, assumed: 0.1},
	{name: "energy-aware", spare: 1.13, lag: 2, slack: 1, assumed: 0.6},
	{name: "forecast", spare: 1.25, lag: -2, slack: 2, assumed: 0.1},
}

func ptr(v float64) *float64 { return &v }

// fixtureDemand is a day with an evening peak and a flash sale, in req/s.
func fixtureDemand(minute int) float64 {
	h := float64(minute) / 60
	day := 3000 - 2300*math.Cos((h-3)/24*2*math.Pi)
	sale := 1 + 0.35*math.Exp(-(h-20.3)*(h-20.3)/(0.35*0.35))
	return day * sale * (1 + 0.02*math.Sin(float64(minute)*1.7))
}

// replicas is what the policy wants at a minute when it has so many.
func (p fixturePolicy) replicas(minute int, has float64) float64 {
	if p.fixed > 0 {
		return p.fixed
	}
	want := math.Ceil(p.spare * fixtureDemand(minute-p.lag) / 300)
	if want < has && want > has-p.slack {
		return has
	}
	return want
}

// fixtureRun replays the day of so many minutes.
func fixtureRun(p fixturePolicy, service string, seed uint64, minutes int) *results.Run {
	r := &results.Run{Policy: p.name, Seed: seed, EnergyByGrade: [grade.Count]float64{grade.A: 1 - p.assumed, grade.X: p.assumed}}
	var watt, grams, served, lost, slow, p95, replicas float64
	wobble := 1 + 0.01*math.Sin(float64(seed)*2.3) // policies see the same customers
	ready := p.replicas(0, 0)
	for m := 1; m <= minutes; m++ {
		demand := fixtureDemand(m) * wobble
		desired := p.replicas(m, ready)
		load := demand / (ready * 300)
		p50 := 0.012 + 0.004*load/math.Max(1-load, 0.04)
		gone := math.Max(0, demand-ready*300)
		nodes := math.Ceil(ready / 4)
		power := (nodes*180 + ready*(30+40*math.Min(load, 1))) * 1.2
		intensity := 380 - 120*math.Sin((float64(m)/60-6)/24*2*math.Pi)
		r.Points = append(r.Points,
			results.Point{T: 60 * float64(m), Service: service, ArrivalRate: ptr(demand), CapacityRate: ptr(ready * 300),
				ServedRate: ptr(demand - gone), LostRate: ptr(gone), LatencyP50: ptr(p50), LatencyP95: ptr(p50 * 2.6), LatencyP99: ptr(p50 * 4),
				Queued: ptr(0), ReplicasDesired: ptr(desired), ReplicasReady: ptr(ready), GPUBusyRatio: ptr(math.Min(load, 1))},
			results.Point{T: 60 * float64(m), NodesOn: ptr(nodes), FacilityWatts: ptr(power),
				BusyWatts: ptr(ready * 40 * math.Min(load, 1) * 1.2), IdleWatts: ptr(ready * 30 * 1.2), HostWatts: ptr(nodes * 180 * 1.2),
				BootWatts: ptr(0), SleepWatts: ptr(0), CarbonIntensity: ptr(intensity),
				CO2eRate: ptr(power / 1000 * intensity)})
		watt, grams, replicas = watt+power, grams+power/1000*intensity/60, replicas+ready
		served, lost, p95 = served+60*(demand-gone), lost+60*gone, math.Max(p95, p50*2.6*0.55)
		if p50*2.6 > 0.1 {
			slow += 60 * (demand - gone)
		}
		ready = desired
	}
	kwh := watt / 1000 / 60
	r.Ledger = results.Ledger{Arrivals: int64(served) + int64(lost), Served: int64(served), Dropped: int64(lost)}
	r.Metrics = metrics.Values{
		"requests_arrived_total": float64(r.Ledger.Arrivals), "requests_served_total": float64(r.Ledger.Served),
		"requests_dropped_total": float64(r.Ledger.Dropped), "latency_mean_seconds": p95 / 3, "latency_p50_seconds": p95 / 2.6,
		"latency_p95_seconds": p95, "latency_p99_seconds": p95 * 1.7, "slo_attainment_ratio": (served - slow) / (served + lost + 1),
		"gpu_busy_ratio": served / (replicas*300*60 + 1), "gpu_hours": replicas / 60, "replicas_mean": replicas / (float64(minutes) + 1e-9),
		"energy_kwh": kwh, "joules_per_request": kwh * 3.6e6 / (served + 1),
		"co2e_grams": grams, "co2e_grams_per_million_requests": grams / (served + 1) * 1e6,
		"cost_usd": kwh * 1.4, "cost_usd_per_million_requests": kwh * 1.4 / (served + 1) * 1e6,
	}
	r.Services = map[string]metrics.Values{service: {"latency_p95_seconds": p95, "latency_p99_seconds": p95 * 1.7}}
	return r
}

// fixture is a document of four policies with so many seeds.
func fixture(t testing.TB, service string, policies []fixturePolicy, seeds uint64, minutes int) Document {
	t.Helper()
	var runs []*results.Run
	var names []string
	for _, p := range policies {
		names = append(names, p.name)
		for seed := uint64(1); seed <= seeds; seed++ {
			runs = append(runs, fixtureRun(p, service, seed, minutes))
		}
	}
	s, err := results.Summarise(runs, results.Inputs{
		Scenario: "ecommerce-recsys", Effective: []byte("kind: Scenario\n"), Policies: names,
		Grades: results.Grades{Power: grade.X, ServiceTime: grade.B, Carbon: grade.A},
		Notes: []results.Note{
			{Kind: results.NoteAssumption, Text: "The carbon series is of 2024, the trace of 2017: met by month, day and hour in the region's local time."},
			{Kind: results.NoteSource, Text: "Carbon intensity: a source that asks for attribution."},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return Document{
		Summary: s, Runs: runs, Services: []string{service}, Command: "sim run scenarios/ecommerce-recsys.yaml",
		Description: fmt.Sprintf("A made-up day for tests: %d policies.", len(policies)),
		SLOs:        []SLO{{Service: service, Quantile: "p95", Seconds: 0.1}},
		Start:       time.Date(2017, 12, 2, 0, 0, 0, 0, time.FixedZone("CST", 8*3600)),
	}
}
