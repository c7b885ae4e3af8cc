package report

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

func TestReadECharts(t *testing.T) {
	lib := []byte("var echarts = {}")
	sum := sha256.Sum256(lib)
	pin := "# a comment of three words\necharts@9 dist/echarts.min.js " + hex.EncodeToString(sum[:]) + "\n"
	tests := []struct {
		name, pin string
		lib       []byte
		wantLib   bool
		wantErr   string
	}{
		{"fetched", pin, lib, true, ""},
		{"not fetched", pin, nil, false, ""},
		{"another file", pin, []byte("alert(1)"), false, "embedded echarts@9 has SHA-256"},
		{"no pin", "# nothing\n", lib, false, "want a line with package, file and SHA-256"},
	}
	for _, tt := range tests {
		files := fstest.MapFS{"assets/echarts.pin": {Data: []byte(tt.pin)}}
		if tt.lib != nil {
			files["assets/echarts.min.js"] = &fstest.MapFile{Data: tt.lib}
		}
		got, err := readECharts(files)
		if (got != nil) != tt.wantLib || (err == nil) != (tt.wantErr == "") || err != nil && !strings.Contains(err.Error(), tt.wantErr) {
			t.Errorf("%s: %d bytes, error %v; want error %q", tt.name, len(got), err, tt.wantErr)
		}
	}
}

// fetchScript runs a copy of fetch.sh in a folder of its own with the given
// npm (a shell script; "" for none), and returns its exit code, output and folder.
func fetchScript(t *testing.T, pin, npm string, args ...string) (code int, output, dir string) {
	t.Helper()
	dir = t.TempDir()
	script, err := os.ReadFile("assets/fetch.sh")
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write("fetch.sh", string(script))
	write("echarts.pin", pin)
	bin := filepath.Join(dir, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	if npm != "" {
		write("bin/npm", "#!/bin/sh\n"+npm)
	}
	sh := ""
	for _, tool := range []string{"sh", "dirname", "grep", "sha256sum", "shasum", "cut", "mktemp", "rm", "tar", "gzip", "cp", "mv", "cat"} {
		path, err := exec.LookPath(tool)
		if err != nil {
			continue // sha256sum or shasum, whichever this system has
		}
		if tool == "sh" {
			sh = path
		}
		if err := os.Symlink(path, filepath.Join(bin, tool)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(sh, append([]string{filepath.Join(dir, "fetch.sh")}, args...)...)
	cmd.Env = []string{"PATH=" + bin}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out), dir
}

func TestFetchScript(t *testing.T) {
	lib := "var echarts = {}"
	sum := sha256.Sum256([]byte(lib))
	pin := "# pin\necharts@9 dist/echarts.min.js " + hex.EncodeToString(sum[:]) + "\n"
	archive := filepath.Join(t.TempDir(), "echarts-9.tgz")
	writePackage(t, archive, map[string]string{
		"package/dist/echarts.min.js": lib, "package/LICENSE": "licence", "package/NOTICE": "notice", "package/licenses/LICENSE-d3": "d3",
	})
	npm := `[ "$*" = "pack --silent echarts@9" ] || exit 9; cp ` + archive + " ."
	wrongPin := strings.Replace(pin, hex.EncodeToString(sum[:4]), "00000000", 1)
	tests := []struct {
		name, pin, npm string
		args           []string
		code           int
		says           string
		installed      bool
	}{
		{"no npm", pin, "", nil, 1, "npm is not installed", false},
		{"no npm, optional", pin, "", []string{"--optional"}, 0, "npm is not installed; reports will hold static SVG charts", false},
		{"no registry", pin, "exit 1", nil, 1, "npm pack echarts@9 failed", false},
		{"no registry, optional", pin, "exit 1", []string{"--optional"}, 0, "npm pack echarts@9 failed", false},
		{"wrong checksum", wrongPin, npm, []string{"--optional"}, 1, "nothing was installed", false},
		{"unknown flag", pin, npm, []string{"--force"}, 2, "usage:", false},
		{"fetched", pin, npm, nil, 0, "echarts@9 installed", true},
	}
	for _, tt := range tests {
		code, out, dir := fetchScript(t, tt.pin, tt.npm, tt.args...)
		got, err := os.ReadFile(filepath.Join(dir, "echarts.min.js"))
		if code != tt.code || !strings.Contains(out, tt.says) || (err == nil) != tt.installed || tt.installed && string(got) != lib {
			t.Errorf("%s: exit %d, installed %v, output %q; want exit %d, installed %v, %q", tt.name, code, err == nil, out, tt.code, tt.installed, tt.says)
		}
	}
}

// writePackage writes files as npm packs them.
func writePackage(t *testing.T, path string, files map[string]string) {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for name, text := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close(), os.WriteFile(path, b.Bytes(), 0o644)); err != nil {
		t.Fatal(err)
	}
}
