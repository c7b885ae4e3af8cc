package scenario

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/golden"
	"github.com/kwatt-sim/kwatt/internal/schema"
)

func badFiles(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d broken scenarios, want at least 30: %v", len(files), err)
	}
	return files
}

// TestBrokenScenarios holds each file of testdata/bad to the exact messages
// beside it, and, whatever those say, to at least one error with a place.
func TestBrokenScenarios(t *testing.T) {
	for _, file := range badFiles(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			_, err := Load(file)
			var errs schema.Errors
			if !errors.As(err, &errs) || len(errs) == 0 {
				t.Fatalf("Load says %v, want schema.Errors", err)
			}
			for _, e := range errs {
				if e.Line < 1 || e.Col < 1 || e.File == "" || e.Message == "" {
					t.Errorf("an error without a place or a message: %+v", e)
				}
			}
			golden.Check(t, strings.TrimSuffix(file, ".yaml")+".txt", []byte(filepath.ToSlash(errs.Error())+"\n"))
		})
	}
}

// TestNoTwoBrokenScenariosSayTheSame keeps the table's entries distinct.
func TestNoTwoBrokenScenariosSayTheSame(t *testing.T) {
	seen := map[string]string{}
	for _, file := range badFiles(t) {
		_, err := Load(file)
		if err == nil {
			t.Fatalf("%s loads", file)
		}
		text := strings.ReplaceAll(err.Error(), file, "FILE")
		if other, ok := seen[text]; ok {
			t.Errorf("%s and %s have the same errors:\n%s", file, other, text)
		}
		seen[text] = file
	}
}
