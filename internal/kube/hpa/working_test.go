package hpa

import (
	"testing"
	"time"
)

// What was recommended twenty syncs of 15 s ago is out of a window of 5 min: the
// syncs took some time. A Scaler by itself, at exact instants, still holds it, as
// upstream does.
func TestWindowsLeaveTheirFarEdge(t *testing.T) {
	const spec = "{maxReplicas: 9, " + perPod + "}"
	bare := newTest(t, spec)
	real, err := newWorking(configOf(t, "spec: "+spec), model())
	if err != nil {
		t.Fatal(err)
	}
	for k := range 21 {
		o := busy(time.Duration(k)*15*time.Second, 4, 100) // four pods are needed at first, then one
		if k > 0 {
			o = busy(time.Duration(k)*15*time.Second, 4, 25)
		}
		b, r := bare.Decide(o).Replicas, real.Decide(o).Replicas
		want := 4
		if k == 20 {
			want = 1
		}
		if b != 4 || r != want {
			t.Errorf("sync %d: %d and %d, want 4 and %d", k, b, r, want)
		}
	}
}
