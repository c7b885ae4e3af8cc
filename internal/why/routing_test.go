package why

import (
	"bytes"
	"strings"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/decisions"
)

// What a router decided last is told with the scalers, with what it saw.
func TestRoutersAreTold(t *testing.T) {
	number := func(x float64) *float64 { return &x }
	r := &Run{Scenario: "shop", Policy: "green", Seed: 1, Duration: 3600, Entries: []decisions.Entry{
		{T: 0, Service: "ranker", Kind: decisions.Route, Reason: "the first", Routing: &decisions.Routing{Demand: 90, Regions: []decisions.RegionShare{{Region: "de", Share: 1}, {Region: "se"}}}},
		{T: 600, Service: "ranker", Kind: decisions.Route, Reason: "se is cleaner", Routing: &decisions.Routing{
			Demand: 100, Seen: number(590), Unit: "g", Regions: []decisions.RegionShare{
				{Region: "de", Share: 0.25, Before: number(1), Limit: number(220), Cost: number(400)}, {Region: "se", Share: 0.75, Before: number(0), Limit: number(75), Cost: number(30)},
			},
		}},
	}}
	told := func(q Query) string {
		a, err := r.Ask(q)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := a.Text(&b, Options{}); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	for _, q := range []Query{{At: 1200}, {At: 1200, Kind: decisions.Route}, {At: 1200, Service: "ranker"}} {
		text := told(q)
		for _, want := range []string{"route at 10m: ranker to de 25.0 %, se 75.0 %", "100.0 req/s, scraped 10s before", "se is cleaner", "75.00 req/s", "30.00"} {
			if !strings.Contains(text, want) {
				t.Errorf("%+v does not tell %q:\n%s", q, want, text)
			}
		}
	}
	if text := told(Query{At: 300}); !strings.Contains(text, "route at 0s: ranker to de 100.0 %\n") || !strings.Contains(text, "no telemetry yet") {
		t.Errorf("at 5 minutes:\n%s", text)
	}
}
