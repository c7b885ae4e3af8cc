package static_test

import (
	"testing"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/policies/static"
)

func TestDecide(t *testing.T) {
	kind, err := policies.Find("static")
	if err != nil {
		t.Fatal(err)
	}
	config := kind.NewConfig().(*static.Config)
	config.Replicas = 40
	s, err := kind.New(config, policies.Model{})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []policies.Observation{
		{}, {Desired: 3, Valid: true, ArrivalRate: 1e6}, {Desired: 40, Ready: 40},
	} {
		if d := s.Decide(o); d.Replicas != 40 || d.Reason != "fixed at 40" {
			t.Errorf("%+v: %+v", o, d)
		}
	}
	if s.Interval() <= 0 {
		t.Errorf("interval %s", s.Interval())
	}
}
