package controlplane

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// The entries of a cluster's folder: these are ours to write and to remove.
const (
	lockFile       = "lock"
	stateFile      = "state.json"
	configFile     = "config.json"
	adminFile      = "kubeconfig"
	schedulerFile  = "scheduler.yaml"
	stagesFile     = "stages.yaml"
	placementsFile = "placements.jsonl"
	pkiDir         = "pki"
	kubeconfigsDir = "kubeconfigs"
	etcdDir        = "etcd"
	logsDir        = "logs"
)

// secretEntries hold keys, or data that only the API server should see.
var secretEntries = []string{adminFile, pkiDir, kubeconfigsDir, etcdDir}

// allEntries of a cluster's folder; the lock goes last.
var allEntries = append(slices.Clone(secretEntries), schedulerFile, stagesFile, placementsFile, configFile, logsDir, stateFile, lockFile)

// StateDir is where clusters without a folder of their own live:
// $XDG_STATE_HOME/kwatt/clusters, by default ~/.local/state/kwatt/clusters.
func StateDir() (string, error) {
	base := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(base) { // the specification says to ignore a relative one
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("find the folder for clusters: %w; set XDG_STATE_HOME", err)
		}
		base = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(base, "kwatt", "clusters"), nil
}

// DirOf is the folder of the cluster of that name.
func DirOf(name string) (string, error) {
	if err := checkName(name); err != nil {
		return "", err
	}
	base, err := StateDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(base, name), nil
}

// layout is a cluster's folder, an absolute path.
type layout string

// path of an entry of the folder.
func (l layout) path(parts ...string) string {
	return filepath.Join(append([]string{string(l)}, parts...)...)
}

func (l layout) log(c Component) string { return l.path(logsDir, string(c)+".log") }

// cert and key are the files of a certificate.
func (l layout) cert(name string) string { return l.path(pkiDir, name+".crt") }
func (l layout) key(name string) string  { return l.path(pkiDir, name+".key") }

func (l layout) kubeconfig(c Component) string {
	return l.path(kubeconfigsDir, string(c)+".kubeconfig")
}

// makeLayout makes the folder and closes it to others. A folder that holds
// anything but a cluster is refused: Down would have to clear it.
func makeLayout(dir string) (layout, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(abs, 0o700); err != nil {
		return "", fmt.Errorf("make the cluster's folder: %w", err)
	}
	// One name for one folder: processes are recognised by it.
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return "", fmt.Errorf("make the cluster's folder: %w", err)
	}
	entries, err := os.ReadDir(abs)
	if err != nil {
		return "", fmt.Errorf("look into the cluster's folder: %w", err)
	}
	for _, e := range entries {
		if !slices.Contains(allEntries, e.Name()) && !strings.HasPrefix(e.Name(), stateFile) && e.Name() != "lost+found" {
			return "", fmt.Errorf("%s holds %s, which is no cluster's: name an empty folder or one that does not exist", abs, e.Name())
		}
	}
	if err := os.Chmod(abs, 0o700); err != nil { // #nosec G302 -- a folder
		return "", fmt.Errorf("close the cluster's folder to others: %w", err)
	}
	return layout(abs), nil
}

// remove removes entries of the folder.
func (l layout) remove(entries []string) error {
	var errs []error
	for _, e := range entries {
		errs = append(errs, os.RemoveAll(l.path(e)))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("clear the cluster's folder: %w", err)
	}
	return nil
}

// clear removes all that is ours, and the folder if that empties it.
func (l layout) clear() error {
	temporary, _ := filepath.Glob(l.path(stateFile + ".*"))
	for _, t := range temporary {
		_ = os.Remove(t)
	}
	if err := l.remove(allEntries); err != nil {
		return err
	}
	// A mount stays, and so does a folder into which somebody wrote meanwhile.
	err := os.Remove(string(l))
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTEMPTY) && !errors.Is(err, syscall.EBUSY) {
		return fmt.Errorf("remove the cluster's folder: %w", err)
	}
	return nil
}

// writePrivate writes a file that only its owner can read.
func writePrivate(path string, data []byte) error {
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return err
	}
	return os.Chmod(path, 0o600) // an existing file keeps its old mode
}
