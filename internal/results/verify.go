package results

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
)

// Verify checks every file of a results directory against the manifest's
// hashes and returns all differences together: files that changed, are
// missing, or are not the manifest's.
func Verify(dir string) error {
	var m Manifest
	if err := readFile(dir, ManifestFile, decodeInto(&m)); err != nil {
		return err
	}
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(m.Files)) {
		err := readFile(dir, name, func(r io.Reader) error {
			hash := sha256.New()
			if _, err := io.Copy(hash, r); err != nil {
				return err
			}
			if hex.EncodeToString(hash.Sum(nil)) != m.Files[name] {
				return errors.New("changed since it was written: its SHA-256 is not the manifest's")
			}
			return nil
		})
		faults = append(faults, err)
	}
	entries, err := os.ReadDir(dir)
	faults = append(faults, err)
	for _, e := range entries {
		if _, listed := m.Files[e.Name()]; !listed && e.Name() != ManifestFile {
			faults = append(faults, fmt.Errorf("read results %s: %s: not in the manifest", dir, e.Name()))
		}
	}
	return errors.Join(faults...)
}
