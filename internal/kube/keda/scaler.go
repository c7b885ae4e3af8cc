package keda

import (
	"errors"
	"fmt"
	"time"

	"github.com/kwatt-sim/kwatt/internal/decisions"
	"github.com/kwatt-sim/kwatt/internal/kube/hpa"
	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// scaler is KEDA's loop, and the autoscaler that KEDA made.
type scaler struct {
	config            *Config
	model             policies.Model
	plan              *plan
	hpa               *hpa.Scaler
	polling, sync     time.Duration
	cooldown, initial time.Duration
	lastActive        vtime.Time // when a trigger was last active; vtime.Forever for never
}

func newScaler(c *Config, m policies.Model) (*scaler, error) {
	p, problems := c.read()
	if len(problems) > 0 {
		return nil, fmt.Errorf("keda: %s: %s", problems[0].Path, problems[0].Message)
	}
	for i := range p.triggers {
		p.triggers[i].epoch = m.Start
		if p.triggers[i].schedule != nil && m.Start.IsZero() {
			return nil, errors.New("keda: a cron trigger needs a date, and the scenario has none")
		}
	}
	autoscaler, err := hpa.NewScaler(p.hpa, m)
	if err != nil {
		return nil, fmt.Errorf("keda: %w", err)
	}
	seconds := func(n int32) time.Duration { return time.Duration(n) * time.Second }
	return &scaler{
		config: c, model: m, plan: p, hpa: autoscaler, polling: seconds(or(p.spec.PollingInterval, defaultPolling)), sync: c.SyncPeriod.D(),
		cooldown: seconds(or(p.spec.CooldownPeriod, defaultCooldown)), initial: seconds(p.spec.InitialCooldownPeriod),
		lastActive: vtime.Forever,
	}, nil
}

// Interval is the longest that meets both the polls and the syncs.
func (s *scaler) Interval() time.Duration {
	a, b := s.polling, s.sync
	for b > 0 {
		a, b = b, a%b
	}
	return a
}

// Decide implements policies.Scaler.
func (s *scaler) Decide(o policies.Observation) policies.Decision {
	d := s.decide(o)
	for i := range s.plan.triggers {
		if e := s.plan.triggers[i].external; e != nil && e.failed != nil {
			d.Err = e.failed
		}
	}
	return d
}

// decide is one look: at an instant of both KEDA's loop comes first.
func (s *scaler) decide(o policies.Observation) policies.Decision {
	at := time.Duration(o.Now)
	if at%s.polling == 0 {
		if d, changed := s.poll(o); changed {
			return d
		}
	}
	if at%s.sync == 0 {
		return s.hpa.Decide(o)
	}
	return policies.Decision{Replicas: o.Desired, Wanted: o.Desired, Reason: "between two syncs of the autoscaler"}
}

// poll is KEDA's loop (RequestScale): it scales to zero or idleReplicaCount and
// back, and leaves the rest to the autoscaler.
func (s *scaler) poll(o policies.Observation) (d policies.Decision, changed bool) {
	current := int32(o.Desired)
	idle, least := s.plan.spec.IdleReplicaCount, or(s.plan.spec.MinReplicaCount, 0)
	active, failed := s.active(o)
	switch {
	case active && (current == 0 || idle != nil && current < least):
		s.lastActive = o.Now
		return scaled(current, max(least, 1), "ScalerActive", "Scaling is performed because triggers are active"), true
	case active:
		s.lastActive = o.Now
	case failed:
		// Without a fallback nothing is done.
	case idle != nil && current > *idle, current > 0 && least == 0:
		if to := or(idle, 0); s.cooled(o.Now) {
			return scaled(current, to, "ScalerNotActive", "Scaling is not performed because triggers are not active"), true
		}
	case current < least && idle == nil:
		return scaled(current, least, "TooFewReplicas", "the replica count is below minReplicaCount"), true
	}
	return d, false
}

// active reports whether a trigger is, or whether none is and one has no value.
func (s *scaler) active(o policies.Observation) (active, failed bool) {
	for i := range s.plan.triggers {
		is, err := s.plan.triggers[i].active(o)
		active, failed = active || is, failed || err != nil
	}
	return active, failed && !active
}

// cooled reports whether the cooldown period is over: since the last activity, or
// where there was none, the initial one since the object was made.
func (s *scaler) cooled(now vtime.Time) bool {
	if s.lastActive == vtime.Forever {
		return s.initial == 0 || vtime.At(s.initial) < now
	}
	return s.lastActive.Add(s.cooldown) < now
}

func scaled(from, to int32, reason, message string) policies.Decision {
	return policies.Decision{Replicas: int(to), Wanted: int(from), Reason: message,
		Clamps: []decisions.Clamp{{Reason: reason, From: int(from), To: int(to), Message: message}}}
}
