package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/schema"
	"github.com/kwatt-sim/kwatt/internal/workload"
)

func TestExitCodeOfErrors(t *testing.T) {
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
