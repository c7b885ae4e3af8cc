// Package golden holds generated files to what generates them, for tests: a
// stale file fails the test, and -update rewrites it.
package golden

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"text/template"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite generated files instead of failing")

// Updating reports whether the test was run with -update.
func Updating() bool { return *update }

// Check fails t unless the file at path holds want; with -update it writes it.
func Check(t testing.TB, path string, want []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; write it with -update", err)
	}
	if diff := cmp.Diff(string(have), string(want)); diff != "" {
		t.Errorf("%s is stale; look at the difference, then refresh with -update (-file +now)\n%s", path, diff)
	}
}

// Page is Check for a page that a template file makes of data.
func Page(t testing.TB, path, tmpl string, funcs template.FuncMap, data any) {
	t.Helper()
	parsed, err := template.New(filepath.Base(tmpl)).Funcs(funcs).ParseFiles(tmpl)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := parsed.Execute(&b, data); err != nil {
		t.Fatal(err)
	}
	Check(t, path, b.Bytes())
}
