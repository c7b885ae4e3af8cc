package hpa

import (
	"fmt"
	"strconv"
	"time"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// Scaler is one HorizontalPodAutoscaler and the controller that reconciles it.
type Scaler struct {
	config     Config
	calculator Calculator
	readers    []reader
	tolerances Tolerances
	min, max   int32
	up, down   rules
	behavior   bool // whether the object has a behavior

	started        bool
	recommended    recommendations
	added, removed changes
}

// NewScaler returns a scaler whose replica formula is calculator's. The
// configuration has passed its check.
func NewScaler(c *Config, m policies.Model, calculator Calculator) (*Scaler, error) {
	spec := c.spec()
	if spec == nil {
		return nil, fmt.Errorf("hpa: no spec: the manifest %q was not read", c.File)
	}
	s := &Scaler{
		config: *c, calculator: calculator, min: 1, max: spec.MaxReplicas,
		tolerances: Tolerances{Down: c.Tolerance, Up: c.Tolerance},
		behavior:   spec.Behavior != nil,
	}
	if spec.MinReplicas != nil {
		s.min = *spec.MinReplicas
	}
	b := spec.Behavior
	if b == nil {
		b = &Behavior{}
	}
	s.up, s.down = scaleUpRules(b.ScaleUp), scaleDownRules(b.ScaleDown, c.DownscaleStabilization.D())
	if err := s.setTolerances(b); err != nil {
		return nil, err
	}
	for i, metric := range spec.Metrics {
		if err := checkService(metric, m.Service); err != nil {
			return nil, fmt.Errorf("hpa: spec.metrics[%d]: %w", i, err)
		}
		r, err := newReader(metric)
		if err != nil {
			return nil, fmt.Errorf("hpa: spec.metrics[%d]: %w", i, err)
		}
		s.readers = append(s.readers, r)
	}
	return s, nil
}

func (s *Scaler) setTolerances(b *Behavior) error {
	for _, x := range []struct {
		rules *ScalingRules
		into  *float64
	}{{b.ScaleDown, &s.tolerances.Down}, {b.ScaleUp, &s.tolerances.Up}} {
		if x.rules == nil || x.rules.Tolerance == nil {
			continue
		}
		v, err := x.rules.Tolerance.float()
		if err != nil {
			return fmt.Errorf("hpa: tolerance: %w", err)
		}
		*x.into = v
	}
	return nil
}

// checkService refuses a selector that names another service: upstream would
// find no series.
func checkService(m MetricSpec, service string) error {
	var id MetricIdentifier
	switch {
	case m.Pods != nil:
		id = m.Pods.Metric
	case m.External != nil:
		id = m.External.Metric
	case m.Object != nil:
		id = m.Object.Metric
	}
	if id.Selector == nil {
		return nil
	}
	if name, ok := id.Selector.MatchLabels[serviceLabel]; ok && name != service {
		return fmt.Errorf("the selector names service %q, the scaler is for %q: use scalers to give each service its own", name, service)
	}
	return nil
}

// Interval is the controller's sync period.
func (s *Scaler) Interval() time.Duration { return s.config.SyncPeriod.D() }

// Decide is one reconciliation.
func (s *Scaler) Decide(o policies.Observation) policies.Decision {
	current := int32(o.Desired)
	if !s.started {
		s.started = true
		s.recommended.record(o.Now, current, -1)
	}
	desired, reason := s.reconcile(o, current)
	if desired != current && s.behavior {
		if desired > current {
			s.added.record(o.Now, desired-current, s.up)
		} else {
			s.removed.record(o.Now, current-desired, s.down)
		}
	}
	return policies.Decision{Replicas: int(desired), Reason: reason}
}

func (s *Scaler) reconcile(o policies.Observation, current int32) (int32, string) {
	switch {
	case current == 0:
		return 0, "scaling is disabled since the replica count of the target is zero"
	case current > s.max:
		return s.max, fmt.Sprintf("current number of replicas %d above maxReplicas", current)
	case current < s.min:
		return s.min, fmt.Sprintf("current number of replicas %d below minReplicas", current)
	}
	want, reason, ok := s.propose(o, current)
	if !ok {
		return current, reason
	}
	if s.behavior {
		return s.normalizeWithBehavior(o.Now, current, want, reason)
	}
	return s.normalize(o.Now, current, want, reason)
}

// propose asks all metrics; the largest answer wins. When one has no value the
// others may scale up, not down.
func (s *Scaler) propose(o policies.Observation, current int32) (want int32, reason string, ok bool) {
	var failed error
	failures := 0
	for _, r := range s.readers {
		n, usage, err := r.propose(s.calculator, o, s.tolerances)
		if err != nil {
			if failures++; failed == nil {
				failed = fmt.Errorf("%s: %w", r.label, err)
			}
			continue
		}
		if want == 0 || n > want {
			want = n
			reason = fmt.Sprintf("%s %s of %s asks for %d", r.label, decimal(usage), decimal(r.target), n)
		}
	}
	if failures >= len(s.readers) || failures > 0 && want < current {
		return 0, fmt.Sprintf("invalid metrics (%d invalid out of %d), first error is: %v", failures, len(s.readers), failed), false
	}
	return want, reason, true
}

// normalize is the rule without behavior: the highest recommendation within
// the scale-down window, at most twice the current replicas or 4.
func (s *Scaler) normalize(now vtime.Time, current, want int32, reason string) (int32, string) {
	stable := s.recommended.highest(now, want, s.config.DownscaleStabilization.D())
	if stable != want {
		reason += fmt.Sprintf(", stabilized to %d", stable)
	}
	limit := min(s.max, max(2*current, 4))
	return s.limited(stable, max(s.min, min(stable, limit)), reason)
}

// normalizeWithBehavior stabilizes both ways and then applies the scaling
// policies of the direction that is left.
func (s *Scaler) normalizeWithBehavior(now vtime.Time, current, want int32, reason string) (int32, string) {
	stable := s.recommended.stabilize(now, current, want, s.up.window, s.down.window)
	if stable != want {
		reason += fmt.Sprintf(", stabilized to %d", stable)
	}
	switch {
	case stable > current:
		allowed := min(s.max, max(current, s.up.upLimit(now, current, s.added, s.removed)))
		return s.limited(stable, min(stable, allowed), reason)
	case stable < current:
		allowed := max(s.min, min(current, s.down.downLimit(now, current, s.added, s.removed)))
		return s.limited(stable, max(stable, allowed), reason)
	}
	return stable, reason
}

// limited adds to the reason when bounds or policies changed the count.
func (s *Scaler) limited(stable, n int32, reason string) (int32, string) {
	if n != stable {
		reason += fmt.Sprintf(", limited to %d", n)
	}
	return n, reason
}

// decimal writes thousandths as a number.
func decimal(milli int64) string { return strconv.FormatFloat(float64(milli)/1000, 'g', -1, 64) }
