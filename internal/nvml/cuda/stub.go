//go:build !linux || !cgo

package cuda

import (
	"fmt"
	"runtime"

	"github.com/kwatt-sim/kwatt/internal/calibrate"
	"github.com/kwatt-sim/kwatt/internal/calibrate/loadgen"
)

// Open explains that this program was built without the driver API.
func Open() (loadgen.GPU, error) {
	return nil, fmt.Errorf("CUDA: this sim was built for %s/%s without cgo: %w", runtime.GOOS, runtime.GOARCH, calibrate.ErrNotSupported)
}
