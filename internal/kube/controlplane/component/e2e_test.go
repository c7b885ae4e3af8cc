package component_test

import (
	"context"
	"testing"
	"time"

	"github.com/kwatt-sim/kwatt/internal/kube/controlplane"
)

func TestUp(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second)
	defer cancel()
	start := time.Now()
	c, err := controlplane.Up(ctx, controlplane.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Log("up", time.Since(start))
	st, err := c.Status(ctx)
	t.Logf("%+v %v", st, err)
	start = time.Now()
	if err := c.Down(ctx); err != nil {
		t.Fatal(err)
	}
	t.Log("down", time.Since(start))
}
