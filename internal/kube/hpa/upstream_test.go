package hpa_test

import (
	"flag"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	_ "github.com/kwatt-sim/kwatt/internal/kube/hpa"
	"github.com/kwatt-sim/kwatt/internal/kube/hpa/hpatest"
	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/rng"
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
	if *decisions < 100_000 || census["decisions"] < *decisions {
		return // too few to ask for everything, or -run left some out
	}
	for _, key := range mustMeet {
		if census[key] < 50 {
			t.Errorf("the traces met %q only %d times: the comparison says too little about it", key, census[key])
		}
	}
}

// mustMeet is what the traces have to go through for the comparison to mean
// something: every outcome, every type of metric with and without a value, every way in
// which the calculator looks at a pod.
var mustMeet = []string{
	"replicas: raised", "replicas: lowered", "replicas: kept", "bounds: above maxReplicas", "bounds: below minReplicas",
	"AbleToScale: ReadyForNewScale", "AbleToScale: ScaleUpStabilized", "AbleToScale: ScaleDownStabilized", "AbleToScale: SucceededRescale",
	"ScalingLimited: DesiredWithinRange", "ScalingLimited: ScaleUpLimit", "ScalingLimited: ScaleDownLimit", "ScalingLimited: TooManyReplicas", "ScalingLimited: TooFewReplicas",
	"ScalingActive: ValidMetricFound", "ScalingActive: ScalingDisabled", "ScalingActive: FailedGetPodsMetric", "ScalingActive: FailedGetObjectMetric",
	"ScalingActive: FailedGetExternalMetric", "ScalingActive: FailedGetResourceMetric", "ScalingActive: FailedGetContainerResourceMetric",
	"some metrics failed: the others scaled up", "some metrics failed: the others may not scale down",
	"metric: Pods AverageValue, value", "metric: Pods AverageValue, none",
	"metric: Object Value, value", "metric: Object Value, none", "metric: Object AverageValue, value", "metric: Object AverageValue, none",
	"metric: External Value, value", "metric: External Value, none", "metric: External AverageValue, value", "metric: External AverageValue, none",
	"metric: Resource cpu Utilization, value", "metric: Resource cpu Utilization, none", "metric: Resource cpu AverageValue, value", "metric: Resource cpu AverageValue, none",
	"metric: Resource nvidia.com/gpu Utilization, value", "metric: Resource nvidia.com/gpu Utilization, none",
	"metric: Resource nvidia.com/gpu AverageValue, value", "metric: Resource nvidia.com/gpu AverageValue, none",
	"metric: ContainerResource cpu Utilization, value", "metric: ContainerResource cpu Utilization, none",
	"metric: ContainerResource cpu AverageValue, value", "metric: ContainerResource cpu AverageValue, none",
	"metric: ContainerResource nvidia.com/gpu Utilization, value", "metric: ContainerResource nvidia.com/gpu Utilization, none",
	"metric: ContainerResource nvidia.com/gpu AverageValue, value", "metric: ContainerResource nvidia.com/gpu AverageValue, none",
	"pods: without a node", "pods: pending", "pods: without metrics", "pods: counted", "pods: draining", "pods: for CPU: counted", "pods: for CPU: never ready",
	"pods: for CPU: starting, not ready", "pods: for CPU: starting, measured too early", "pods: for CPU: starting, counted",
}

// sleepy lets the wall clock run for up to eleven days before each decision.
type sleepy struct {
	policies.Scaler
	random *rng.Stream
}

func (s sleepy) Decide(o policies.Observation) policies.Decision {
	time.Sleep(time.Duration(s.random.IntN(1e6)) * time.Second)
	return s.Scaler.Decide(o)
}

// Decisions depend on the observations alone: the traces were recorded in the
// year 2000 of a bubble, are replayed today above, and here by a clock that
// jumps about.
func TestTheWallClockDoesNotMatter(t *testing.T) {
	for seed := uint64(1); seed <= 10; seed++ {
		trace := hpatest.Record(t, seed, perTrace)
		synctest.Test(t, func(t *testing.T) {
			if m := hpatest.Compare(sleepy{newScaler(t, "hpa", trace.Setup), rng.New(seed).Stream("wall clock")}, trace); m != nil {
				t.Error(m)
			}
		})
	}
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
	if x, ok := s.(interface{ Exact() policies.Scaler }); ok {
		return x.Exact()
	}
	return s
}
