package report

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
)

// assetFiles always holds echarts.pin; echarts.min.js lies beside it once
// `make assets` has fetched it.
//
//go:embed assets/echarts*
var assetFiles embed.FS

// embeddedECharts is the charting library that this binary carries, checked
// against the pin once; nil without an error when the binary carries none.
var embeddedECharts = sync.OnceValues(func() ([]byte, error) { return readECharts(assetFiles) })

func readECharts(files fs.FS) ([]byte, error) {
	text, err := fs.ReadFile(files, "assets/echarts.pin")
	if err != nil {
		return nil, fmt.Errorf("read the pin of the charting library: %w", err)
	}
	pin, err := parsePin(string(text))
	if err != nil {
		return nil, err
	}
	lib, err := fs.ReadFile(files, "assets/echarts.min.js")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the charting library: %w", err)
	}
	sum := sha256.Sum256(lib)
	if got := hex.EncodeToString(sum[:]); got != pin.sha256 {
		return nil, fmt.Errorf("embedded %s has SHA-256 %s, want %s: run `make assets` and build again", pin.pkg, got, pin.sha256)
	}
	return lib, nil
}

// assetPin is a package of the npm registry, and the checksum of its one file
// that is embedded.
type assetPin struct{ pkg, file, sha256 string }

func parsePin(text string) (assetPin, error) {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) == 3 && !strings.HasPrefix(f[0], "#") {
			return assetPin{pkg: f[0], file: f[1], sha256: f[2]}, nil
		}
	}
	return assetPin{}, errors.New("assets/echarts.pin: want a line with package, file and SHA-256")
}
