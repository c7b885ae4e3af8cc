package replay

import (
	"context"

	"github.com/spf13/pflag"

	"github.com/kwatt-sim/kwatt/internal/kube/replay"
	"github.com/kwatt-sim/kwatt/internal/results"
)

// outsideFlags name a cluster that somebody else runs.
type outsideFlags struct{}

func (o *outsideFlags) flags(*pflag.FlagSet) {}
func (o *outsideFlags) check() error         { return nil }
func (o *outsideFlags) used() bool           { return false }
func (o *outsideFlags) run(context.Context, replay.Options, uint64) (*results.Run, replay.Lag, error) {
	return nil, replay.Lag{}, nil
}
