package oracle

import (
	"errors"
	"fmt"
	"time"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/policies/capacity"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// interval between two decisions: the others' default.
const interval = 15 * time.Second

// usualUtilisation bounds the load where the SLO would allow more, as it does
// for the policies that are compared with it.
const usualUtilisation = 0.85

type scaler struct {
	config Config
	plan   []int // replicas by step
	// A replica for which a node must boot is asked for before longest, any other
	// before shortest.
	shortest, longest time.Duration
	podsPerNode       int // 0 where pools differ
	total             float64
}

func newScaler(c *Config, m policies.Model) (*scaler, error) {
	if m.Future == nil {
		return nil, errors.New("oracle: it was not told the future")
	}
	rates, err := ratesOf(c, m)
	if err != nil {
		return nil, fmt.Errorf("oracle: %w", err)
	}
	p, err := newPlanner(c, m, capacity.NewSearch(m, rates))
	if err != nil {
		return nil, fmt.Errorf("oracle: service %s: %w", m.Service, err)
	}
	s := &scaler{config: *c, shortest: m.SlowestStart + interval}
	s.plan, s.total = p.best()
	for _, pool := range m.Pools {
		s.longest = max(s.longest, s.shortest+pool.ProvisionDelay)
	}
	if len(m.Pools) == 1 {
		s.podsPerNode = m.Pools[0].PodsPerNode
	}
	return s, nil
}

// ratesOf is the most that a replica may get on each pool.
func ratesOf(c *Config, m policies.Model) ([]float64, error) {
	if c.Utilisation == nil {
		return capacity.Rates(m, usualUtilisation)
	}
	m.LatencyTarget = 0 // the load alone decides
	return capacity.Rates(m, *c.Utilisation)
}

// Interval between two decisions.
func (s *scaler) Interval() time.Duration { return interval }

// Decide implements policies.Scaler.
func (s *scaler) Decide(o policies.Observation) policies.Decision {
	now := s.most(o.Now, o.Now.Add(s.shortest))
	n := max(now, s.firstOfNode(s.most(o.Now, o.Now.Add(s.longest))))
	return policies.Decision{
		Replicas: n,
		Reason: fmt.Sprintf("the plan of least %s has %d replicas now and up to %d within %s; %d are asked for",
			map[string]string{Energy: "energy", Carbon: "carbon", Cost: "cost"}[s.config.Minimise], s.most(o.Now, o.Now), now, s.shortest, n),
	}
}

// firstOfNode is how many of n replicas must be asked for early: the node that
// the last of them lies on has to boot, and its first replica makes it. Where
// pools differ, all are.
func (s *scaler) firstOfNode(n int) int {
	if s.podsPerNode == 0 || n == 0 {
		return n
	}
	return (n-1)/s.podsPerNode*s.podsPerNode + 1
}

// most is the highest count of the steps between two instants; the last step
// goes on.
func (s *scaler) most(from, to vtime.Time) int {
	step := vtime.At(s.config.Step.D())
	top := 0
	for i := int(from / step); i <= int(to/step); i++ {
		top = max(top, s.plan[min(i, len(s.plan)-1)])
	}
	return top
}
