package controlplane

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
)

// Version says what a program is made of.
type Version struct {
	Kwatt      string `json:"kwatt"`
	Go         string `json:"go"`
	Kubernetes string `json:"kubernetes"`
	Etcd       string `json:"etcd"`
	Kwok       string `json:"kwok"`
	Platform   string `json:"platform"`
	// Binary is where the program lies, SHA256 what is in it.
	Binary string `json:"binary"`
	SHA256 string `json:"sha256"`
}

// VersionOf describes the running program; kwatt is the version that the
// program knows of itself.
func VersionOf(kwatt string) (Version, error) {
	sum, err := binarySum()
	if err != nil {
		return Version{}, err
	}
	path, err := os.Executable()
	if err != nil {
		return Version{}, fmt.Errorf("find the running program: %w", err)
	}
	v := Version{Kwatt: kwatt, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Binary: path, SHA256: sum}
	modules := map[string]*string{"k8s.io/kubernetes": &v.Kubernetes, "go.etcd.io/etcd/server/v3": &v.Etcd, "sigs.k8s.io/kwok": &v.Kwok}
	for _, into := range modules {
		*into = "unknown"
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if into := modules[m.Path]; into != nil {
				*into = m.Version
			}
		}
	}
	return v, nil
}

// selfExe is the running program, even when its file has been replaced.
const selfExe = "/proc/self/exe"

// binarySum is the running program's SHA-256, in hex.
var binarySum = sync.OnceValues(func() (string, error) {
	f, err := os.Open(selfExe)
	if err != nil {
		return "", fmt.Errorf("hash the running program: %w", err)
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("hash the running program: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
})

// VersionError says that a cluster was started by another program than this.
type VersionError struct {
	Name, Dir string
	Cluster   Version
	Program   Version
}

// Error implements error.
func (e *VersionError) Error() string {
	return fmt.Sprintf("cluster %s in %s was started by another binary: %s (kwatt %s, Kubernetes %s, sha256 %.12s); this one is %s (Kubernetes %s, sha256 %.12s): "+
		"use the binary that started it, or take the cluster down and up again",
		e.Name, e.Dir, e.Cluster.Binary, e.Cluster.Kwatt, e.Cluster.Kubernetes, e.Cluster.SHA256, e.Program.Binary, e.Program.Kubernetes, e.Program.SHA256)
}

// checkBinary returns a *VersionError when another binary started the cluster.
func (s *state) checkBinary(l layout) error {
	own, err := VersionOf("")
	if err != nil {
		return err
	}
	if own.SHA256 != s.Version.SHA256 {
		return &VersionError{Name: s.Name, Dir: string(l), Cluster: s.Version, Program: own}
	}
	return nil
}
