package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"time"

	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/kube/externalscaler"
	"github.com/kwatt-sim/kwatt/internal/schema"
	"github.com/kwatt-sim/kwatt/internal/workload"
)

func TestExitCodeOfErrors(t *testing.T) {
	scaler, err := externalscaler.Dial("unix:///nowhere/s", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer scaler.Close()
	_, nobody := scaler.Metrics(t.Context(), &externalscaler.ScaledObjectRef{})
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, exitOK},
		{errors.New("a surprise"), exitBug},
		{usageError("no"), exitUsage},
		{schema.Errors{{Message: "wrong"}}, exitInvalid},
		{&workload.ReadError{Msg: "wrong"}, exitInvalid},
		{&fs.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist}, exitFiles},
		{filesError(errors.New("disk full")), exitFiles},
		{&engine.InvariantError{What: "joules are not conserved"}, exitLimit},
		{nobody, exitCluster},
		{context.Canceled, exitInterrupted},
	} {
		if got := exitCode(c.err); got != c.want {
			t.Errorf("%v: exit %d, want %d", c.err, got, c.want)
		}
		if c.err == nil {
			continue
		}
		if got := exitCode(fmt.Errorf("while doing: %w", c.err)); got != c.want {
			t.Errorf("%v, wrapped: exit %d, want %d", c.err, got, c.want)
		}
	}
}
