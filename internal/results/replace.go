package results

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// checkReplaceable refuses to replace what is not a results directory: a
// mistyped path must not cost the user a folder of something else.
func checkReplaceable(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || (err == nil && len(entries) == 0) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, ManifestFile)); err != nil {
		return fmt.Errorf("it exists and holds no %s, so it is not a results directory: choose another", ManifestFile)
	}
	return nil
}

// makeSibling makes a hidden folder beside dir that nobody else uses. It is
// not os.MkdirTemp, whose folders only their owner may read.
func makeSibling(dir, kind string) (string, error) {
	for n := 0; ; n++ {
		path := filepath.Join(filepath.Dir(dir), fmt.Sprintf(".%s.%s-%d", filepath.Base(dir), kind, n))
		err := os.Mkdir(path, 0o777)
		if !errors.Is(err, fs.ErrExist) {
			return path, err
		}
	}
}

// replace moves tmp to dir. A directory cannot be renamed onto a full one, so
// the old one steps aside first, and returns if the new one cannot take its
// place; only between the two renames is there no dir.
func replace(tmp, dir string) error {
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return os.Rename(tmp, dir)
	}
	aside, err := makeSibling(dir, "old")
	if err != nil {
		return err
	}
	old := filepath.Join(aside, filepath.Base(dir))
	if err := os.Rename(dir, old); err != nil {
		return errors.Join(err, os.Remove(aside))
	}
	if err := os.Rename(tmp, dir); err != nil {
		return errors.Join(err, os.Rename(old, dir), os.Remove(aside))
	}
	return os.RemoveAll(aside)
}

// syncDir makes the names in dir survive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
