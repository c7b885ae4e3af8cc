//go:build !linux || !cgo

package nvml

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/kwatt-sim/kwatt/internal/calibrate"
)

// ErrNoDriver says that no driver answers here.
var ErrNoDriver = errors.New("no NVIDIA driver")

// Open explains that this program was built without the driver's library.
func Open() (calibrate.Host, error) {
	return nil, fmt.Errorf("%w: this sim was built for %s/%s without cgo; measuring takes one built on Linux with CGO_ENABLED=1", ErrNoDriver, runtime.GOOS, runtime.GOARCH)
}
