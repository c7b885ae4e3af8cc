package experiment

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/scenario"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// spy is a policy that keeps the model it is given.
type spy struct {
	Oracle bool `yaml:"oracle"`
}

var spied []policies.Model

func init() {
	policies.Register(policies.Kind{
		Name: "spy", NewConfig: func() any { return new(spy) },
		Oracle: func(config any) bool { return config.(*spy).Oracle },
		New: func(_ any, m policies.Model) (policies.Scaler, error) {
			spied = append(spied, m)
			return one{}, nil
		},
	})
}

type one struct{}

func (one) Interval() time.Duration                       { return time.Minute }
func (one) Decide(policies.Observation) policies.Decision { return policies.Decision{Replicas: 1} }

const withOracles = `
apiVersion: kwatt.dev/v1alpha1
kind: Scenario
metadata: {name: oracles}
spec:
  duration: 2h
  services:
    - name: s
      workload:
        trace: {builtin: worldcup98-final, start: "1998-07-08T18:00:00Z"}
        events: [{at: 1h, hold: 1m, multiply: 5}]
      model: {serviceTime: {mean: 10ms}}
  cluster: {nodePools: [{name: p, gpu: {model: nvidia-t4}, nodes: {initial: 1}}]}
  carbon: {constant: 300}
  policies:
    - {name: plain, scaler: {spy: {}}}
    - {name: told, scaler: {spy: {oracle: true}}}
    - {name: foresight, scaler: {forecast: {model: PerfectForesight}}}
    - {name: lstm, scaler: {forecast: {model: LSTM}}}
    - {name: smoothing, scaler: {forecast: {}}}
`

// Only a configuration that says it is an oracle is told the future, and the
// results mark it; weights that know the window are warned of.
func TestOnlyOraclesAreToldTheFuture(t *testing.T) {
	f, err := scenario.Parse([]byte(withOracles), "oracles.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	spied = nil
	if _, err := Compile(f, []string{"plain", "told", "foresight"}); err != nil {
		t.Fatal(err)
	}
	if len(spied) != 2 || spied[0].Future != nil || spied[1].Future == nil {
		t.Fatalf("the models given: %+v", spied)
	}
	hour := vtime.At(time.Hour)
	calm, sale := spied[1].Future.Highest(hour.Add(-time.Minute), hour.Add(-time.Second)), spied[1].Future.Highest(0, hour.Add(30*time.Second))
	if sale < 4*calm || spied[1].Future.Highest(vtime.At(2*time.Hour), vtime.At(3*time.Hour)) != 0 {
		t.Errorf("foresight of %v before the sale, %v with it", calm, sale)
	}
	if got := Oracles(f); !slices.Equal(got, []string{"told", "foresight"}) {
		t.Errorf("oracles %v", got)
	}
	_, notes := Provenance(f)
	var warnings []string
	for _, n := range notes {
		if n.Kind == results.NoteWarning {
			warnings = append(warnings, n.Text)
		}
	}
	if len(warnings) != 2 || !strings.HasPrefix(warnings[0], "policy foresight, service s: it is an oracle: ") ||
		!strings.HasPrefix(warnings[1], "policy lstm, service s: its LSTM was trained on worldcup98-final from 1998-07-06 to 1998-07-11") {
		t.Errorf("warnings:\n%s", strings.Join(warnings, "\n"))
	}
}
