package replay

import (
	"strings"
	"testing"
	"time"
)

func TestSpread(t *testing.T) {
	var s series
	if got := s.spread(); got.N != 0 || got.String() != "none seen" {
		t.Errorf("%+v", got)
	}
	for i := range 100 {
		s.add(time.Duration(100-i) * time.Second)
	}
	if got := s.spread(); got != (Spread{N: 100, Median: 51, P95: 96, Most: 100}) {
		t.Errorf("%+v", got)
	}
}

// Lag beyond what telemetry hides makes a run invalid, each kind by itself.
func TestLagMakesARunInvalid(t *testing.T) {
	const scrape, period = 15 * time.Second, 15 * time.Second
	for _, x := range []struct {
		name string
		lag  func(*lags)
		want string // "" when it is valid
	}{
		{"nothing", func(*lags) {}, ""},
		{"late at times", func(l *lags) {
			for i := range 100 {
				l.engine.add(time.Duration(i/96) * time.Minute)
			}
		}, ""},
		{"data plane", func(l *lags) { l.engine.add(16 * time.Second) }, "the data plane was late"},
		{"bindings", func(l *lags) { l.bind.add(16 * time.Second) }, "bindings were late"},
		{"stages", func(l *lags) { l.stage.add(16 * time.Second) }, "pods became ready late"},
		{"metrics", func(l *lags) { l.answer.add(16 * time.Second) }, "the metrics API answered late"},
		{"a sync in step", func(l *lags) { l.sync.add(15700 * time.Millisecond) }, ""},
		{"slow syncs", func(l *lags) { l.sync.add(15800 * time.Millisecond) }, "the HPA synced every 15.80 s in the median, not every 15s"},
		{"fast syncs", func(l *lags) { l.sync.add(5 * time.Second) }, "the HPA synced every 5.00 s"},
	} {
		var l lags
		x.lag(&l)
		got := l.report(15, scrape, period, 14.7)
		if got.Valid() != (x.want == "") || !strings.Contains(strings.Join(got.Invalid, "\n"), x.want) {
			t.Errorf("%s: %q, want %q", x.name, got.Invalid, x.want)
		}
	}
}
