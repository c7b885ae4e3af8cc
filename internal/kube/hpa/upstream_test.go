package hpa_test

import (
	"flag"
	"fmt"
	"testing"

	_ "github.com/kwatt-sim/kwatt/internal/kube/hpa"
	"github.com/kwatt-sim/kwatt/internal/kube/hpa/hpatest"
	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/schema"
)

var (
	decisions = flag.Int("hpa.decisions", 100_000, "how many decisions to compare with the upstream controller's")
	firstSeed = flag.Uint64("hpa.seed", 1, "seed of the first trace")
)

// perTrace is how many decisions a trace has: with 15 s between two of them 1 h 40 min.
const perTrace = 400

// TestDecidesAsUpstream runs the upstream HorizontalController in random
// clusters and wants the same from our Scaler at every reconcile: replicas,
// conditions with their messages, values of the metrics, errors.
func TestDecidesAsUpstream(t *testing.T) {
	census := hpatest.Census{}
	for i := range uint64((*decisions + perTrace - 1) / perTrace) {
		seed := *firstSeed + i
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			trace := hpatest.Record(t, seed, perTrace)
			census.Add(trace)
			if m := hpatest.Compare(newScaler(t, "hpa", trace.Setup), trace); m != nil {
				t.Errorf("%s\nreproduce: go test ./internal/kube/hpa -run TestDecidesAsUpstream -hpa.seed=%d -hpa.decisions=%d", m, seed, perTrace)
			}
		})
	}
	t.Logf("what the traces went through:\n%s", census)
}

// newScaler makes a scaler as a scenario with this configuration would.
func newScaler(t testing.TB, kind string, setup hpatest.Setup) policies.Scaler {
	t.Helper()
	k, err := policies.Find(kind)
	if err != nil {
		t.Fatal(err)
	}
	config := k.NewConfig()
	if _, errs := schema.Decode([]byte(setup.Config), "scaler", config); len(errs) > 0 {
		t.Fatal(errs)
	}
	if problems := append(k.Check(config), k.Suits(config, setup.Model)...); len(problems) > 0 {
		t.Fatalf("%+v\n%s", problems, setup.Config)
	}
	s, err := k.New(config, setup.Model)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
