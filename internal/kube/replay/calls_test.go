package replay

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Calls about one object come in order, whatever the others do, and a call that
// meets no API server is made again.
func TestCallsKeepTheirOrderAndInsist(t *testing.T) {
	c := newCalls(t.Context())
	var mu sync.Mutex
	got := map[string][]int{}
	failures := 0
	for i := range 200 {
		for _, key := range []string{"pod/a", "pod/b", "node/c"} {
			c.do(key, "test", func(context.Context) error {
				mu.Lock()
				defer mu.Unlock()
				if i == 50 && failures < 4 {
					failures++
					return errors.New("connection refused")
				}
				got[key] = append(got[key], i)
				return nil
			})
		}
	}
	c.close()
	for key, order := range got {
		if len(order) != 200 || !slices.IsSorted(order) {
			t.Errorf("%s: %v", key, order)
		}
	}
	if err := c.failure(); err != nil || failures != 4 {
		t.Errorf("%d failures, %v", failures, err)
	}
}

// A refusal is final; the first one is what is told.
func TestARefusedCallIsAFailure(t *testing.T) {
	c := newCalls(t.Context())
	refusal := apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "a", errors.New("no"))
	c.do("pod/a", "patch pod a", func(context.Context) error { return refusal })
	<-c.failed
	c.do("pod/b", "patch pod b", func(context.Context) error { return errors.Join(refusal) })
	c.close()
	if err := c.failure(); !errors.Is(err, refusal) || err.Error() != "patch pod a: "+refusal.Error() {
		t.Errorf("%v", err)
	}
}
