// Package fakedriver builds two C libraries that stand in for NVIDIA's driver
// in tests, libcuda.so.1 and libnvidia-ml.so.1, so that the calls over the C
// boundary are made for real, on machines without a GPU. The two share a file
// that FAKE_GPU_STATE names: the one GPU draws 72 W, 122 W with a context, and 520
// W while kernels run.
package fakedriver

import (
	_ "embed"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var (
	//go:embed cuda.c.txt
	cudaSource []byte
	//go:embed nvml.c.txt
	nvmlSource []byte
	//go:embed state.h.txt
	stateSource []byte
)

// Driver is a stand-in of its own, with its own GPU.
type Driver struct {
	Dir string   // where the libraries lie, for LD_LIBRARY_PATH
	Env []string // NAME=value, what the libraries look at
	Log string   // file of the settings that were made
}

// Build compiles the libraries.
func Build(t testing.TB) Driver {
	t.Helper()
	dir := t.TempDir()
	compiler, err := exec.Command("go", "env", "CC").Output()
	if err != nil {
		t.Fatal(err)
	}
	for name, source := range map[string][]byte{"state.h": stateSource, "cuda.c": cudaSource, "nvml.c": nvmlSource} {
		if err := os.WriteFile(filepath.Join(dir, name), source, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for source, library := range map[string]string{"cuda.c": "libcuda.so.1", "nvml.c": "libnvidia-ml.so.1"} {
		args := append(strings.Fields(string(compiler)), "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-Wl,-soname,"+library,
			"-o", filepath.Join(dir, library), filepath.Join(dir, source))
		if out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	log := filepath.Join(dir, "log")
	return Driver{Dir: dir, Log: log, Env: []string{"FAKE_GPU_STATE=" + filepath.Join(dir, "state"), "FAKE_NVML_LOG=" + log}}
}
