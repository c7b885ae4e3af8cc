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

// Build compiles the libraries and returns the folder they lie in, for
// LD_LIBRARY_PATH. The variables that the fakes look at are set for this
// process and its children.
func Build(t testing.TB) string {
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
	t.Setenv("FAKE_GPU_STATE", filepath.Join(dir, "state"))
	t.Setenv("FAKE_NVML_LOG", filepath.Join(dir, "log"))
	return dir
}
