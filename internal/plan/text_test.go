package plan

import (
	"strings"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/tty"
)

// A report for a terminal stays within its width, shows a winner by its confirmation
// and not by its race, and leaves out the parameters of other policies.
func TestText(t *testing.T) {
	three, seven := results.Estimate{Mean: 333, CILow: 330, CIHigh: 336, N: 5}, results.Estimate{Mean: 777, CILow: 770, CIHigh: 784, N: 8}
	winner, reference := 1, 0
	long := "spec.services[a-service-with-a-long-name].batching.maxQueueDelay"
	r := &Report{
		Scenario: "shop", Currency: "EUR", Confidence: 0.95, SLOs: []string{"latency_p95_seconds < 50ms"}, Parameters: []string{"spec.policies[hpa].nodes.sleep", long},
		Candidates: []CandidateReport{
			{Number: 0, Policy: "hpa", Written: true, Fate: Dearer, Figures: map[string]results.Estimate{}},
			{Number: 1, Policy: "static", Values: []string{"true", "5ms"}, Fate: Finalist, Figures: map[string]results.Estimate{"cost_usd": three}},
		},
		Front: []int{1},
		Best: []BestReport{{Objective: "cost_usd", Winner: &winner, Confirmed: true, Figures: map[string]results.Estimate{"cost_usd": seven}, Rivals: []int{0},
			SLOs:      []SLOReport{{"latency_p95_seconds < 50ms", "latency_p95_seconds", results.Estimate{Mean: 0.04, CILow: 0.03, CIHigh: 0.05, N: 8}, true}},
			Reference: &reference, Change: &Change{-0.2, -0.25, -0.15, 0.01}}},
		Notes: []string{strings.Repeat("a note that is long ", 9)},
	}
	text := r.Text(false)
	for _, want := range []string{
		"cheapest: confirmed", long + "=5ms", "cost 777.0 EUR [770.0, 784.0]", "-20.0% [-25.0%, -15.0%] against #0 hpa, as written",
		"latency_p95_seconds < 50ms: 40.00 ms [30.00, 50.00], kept", "not ruled out: #0", "333.0 EUR ± 0.90%", "#1 static, maxQueueDelay=5ms",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Contains(text, "sleep") {
		t.Error("the parameter of another policy is shown")
	}
	for line := range strings.SplitSeq(text, "\n") {
		if tty.Runes(line) > textWidth {
			t.Errorf("%d runes: %s", tty.Runes(line), line)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}
