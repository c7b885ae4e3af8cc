// Package engine is the virtual world: it wires workload, serving, cluster,
// power and a policy on the virtual clock. One (scenario, policy, seed) makes
// one results.Run, always the same.
package engine

import (
	"time"

	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/cost"
	"github.com/kwatt-sim/kwatt/internal/grade"
	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/policies/routing"
	"github.com/kwatt-sim/kwatt/internal/serving"
	"github.com/kwatt-sim/kwatt/internal/vtime"
	"github.com/kwatt-sim/kwatt/internal/workload"
)

// Grid is the carbon intensity over the scenario.
type Grid interface {
	// IntensityAt returns g CO2e per kWh at t.
	IntensityAt(t vtime.Time) float64
	// NextChangeAfter returns an instant after t up to which it is constant.
	NextChangeAfter(t vtime.Time) vtime.Time
}

// Config is a scenario under one policy. It is read-only and shared by the
// replications.
type Config struct {
	Policy    string
	Duration  vtime.Time
	Bin       time.Duration // of the time series
	Telemetry Telemetry
	Services  []Service
	Cluster   cluster.Config
	Grids     []Grid // by pool of the cluster
	PUE       float64
	// PoolPUE is that of each pool's facility where they differ, instead of PUE. All
	// pools that can run a service then have the same.
	PoolPUE []float64
	// EmbodiedLifetime spreads the hardware's making; 0 leaves it out.
	EmbodiedLifetime time.Duration
	Prices           cost.Prices
	// PoolPrices are those of each pool where they differ, instead of Prices.
	PoolPrices []cost.Prices
	// Regions are clusters that share nothing but their users; nil when there is one.
	Regions []Region
	// Routed are the services that run in several regions: each is there a service of
	// its own, and a router deals its requests out.
	Routed []Routed
	// Ledger is how much of the decisions is kept.
	Ledger Ledger
	// EnergyMarks are instants, in order of time, between which the run keeps the
	// energy of each pool; nil keeps none. They are where some grid may change.
	EnergyMarks []vtime.Time
	// NodeSeed is the seed whose replication keeps the series of nodes; nil keeps
	// none. It is large, and one replication is drawn.
	NodeSeed *uint64
	// Probe, if set, reads the meters of nodes and boards.
	Probe *Probe
	// Outside, if set, is what the run shares its time with.
	Outside Outside
	// Progress, if set, is told of requests as they are simulated.
	Progress func(requests int64)
}

// Ledger is how much of the decisions a run keeps.
type Ledger uint8

// The levels, each with what the one before holds.
const (
	Changes     Ledger = iota // what was done
	Ticks                     // and each time that a scaler left things as they were
	NodeResults               // and every node's filter and score results for each placement
)

// Telemetry is how late and how smoothed a scaler sees the world.
type Telemetry struct {
	ScrapeInterval, Window, Lag time.Duration
}

// Service is one service of the scenario.
type Service struct {
	Name    string
	Curve   *workload.Curve
	Process workload.Process
	Serving serving.Config
	Pools   []PoolService // by pool of the cluster
	Initial int
	// CPUIdle (cores) and CPUPerRequest (CPU time) are what a replica uses of
	// its host, as telemetry shows it.
	CPUIdle       float64
	CPUPerRequest time.Duration
	// NewScaler makes the policy's scaler, fresh for each replication; nil when
	// somebody outside scales the service.
	NewScaler func() (policies.Scaler, error)
}

// Region is one of several clusters.
type Region struct {
	Name  string
	Pools []int // of the cluster's
}

// Routed is one service in several regions.
type Routed struct {
	Name  string
	Parts []RoutedPart // by region
	// NewRouter makes the router, fresh for each replication, and the decision with
	// which the window opens.
	NewRouter func() (*routing.Router, routing.Decision, error)
}

// RoutedPart is a routed service in one region.
type RoutedPart struct {
	Region  string
	Service int   // of Config.Services
	Pools   []int // of the cluster's, in the order of the router's pools
}

// PoolService is a service's figures on one pool's GPUs.
type PoolService struct {
	Times *serving.ServiceTime // nil when it cannot run there
	// BusyWatts[b] is the whole device's draw during a batch of b.
	BusyWatts []float64
	Grades    []grade.Grade // of BusyWatts
	Rel       []float64     // relative standard uncertainty of BusyWatts; nil means that of the grades
	Load      float64       // part of the device that a replica's busy time loads
	Full      float64       // req/s of one replica at full batches
	// Limits are the same under limits that may be set in the run, each kind in a row
	// and ascending; the pools' lists are alike for all services. Empty where none may be.
	Limits []LimitService
}

// LimitService is a service on boards that a limit holds down; the zero limit is the
// pool's own.
type LimitService struct {
	policies.Limit
	Times     *serving.ServiceTime
	BusyWatts []float64
	Grades    []grade.Grade
	Rel       []float64
	Full      float64
}

// level is the service at a level of the pool's boards: 0 is its own, then Limits.
func (s *PoolService) level(i int) LimitService {
	if i > 0 {
		return s.Limits[i-1]
	}
	return LimitService{Times: s.Times, BusyWatts: s.BusyWatts, Grades: s.Grades, Rel: s.Rel, Full: s.Full}
}
