package results

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func openPartial(t *testing.T, root string) *Partial {
	t.Helper()
	p, err := OpenPartial(root, "0123456789ab")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func save(t *testing.T, p *Partial, runs ...*Run) {
	t.Helper()
	for _, r := range runs {
		if err := p.Save(r); err != nil {
			t.Fatal(err)
		}
	}
}

// The bytes of the results are the same whether the runs come from memory or
// from an interrupted experiment.
func TestResumeKeepsBytes(t *testing.T) {
	root := t.TempDir()
	runs := testRuns(3, 2)
	runs[0].Warnings = []string{"first"}
	runs[1].Services, runs[1].Points, runs[1].Decisions = nil, nil, nil
	save(t, openPartial(t, root), runs...)
	loaded, warnings := openPartial(t, root).Load()
	if warnings != nil {
		t.Error(warnings)
	}
	byKey := map[RunKey]*Run{}
	for _, r := range loaded {
		byKey[RunKey{r.Policy, r.Seed}] = r
	}
	for _, want := range runs {
		if d := cmp.Diff(want, byKey[RunKey{want.Policy, want.Seed}]); d != "" {
			t.Error(d)
		}
	}
	a, b := filepath.Join(root, "a"), filepath.Join(root, "b")
	for dir, from := range map[string][]*Run{a: runs, b: loaded} {
		if err := Write(dir, testBundle(t, from)); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff(tree(t, a), tree(t, b)); d != "" {
		t.Error(d)
	}
}

func TestPartialIgnoresBadEntries(t *testing.T) {
	p := openPartial(t, t.TempDir())
	good, bad := testRun("hpa", 1, 3), testRun("hpa", 2, 3)
	save(t, p, good, bad)
	path := filepath.Join(p.Dir(), entryName("hpa", 2))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flipped := append([]byte{}, whole...)
	flipped[len(flipped)/2] ^= 1
	moved, err := os.ReadFile(filepath.Join(p.Dir(), entryName("hpa", 1)))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"empty": nil, "truncated": whole[:len(whole)/2], "flipped": flipped, "under another name": moved,
	} {
		if err := os.WriteFile(path, content, 0o666); err != nil {
			t.Fatal(err)
		}
		runs, warnings := p.Load()
		if len(runs) != 1 || cmp.Diff(good, runs[0]) != "" {
			t.Errorf("%s: loaded %d runs, want the good one", name, len(runs))
		}
		if len(warnings) != 1 || !strings.Contains(warnings[0], "its run is done again") {
			t.Errorf("%s: warnings %q", name, warnings)
		}
	}
	// What a killed process left is no entry and no reason to warn.
	if err := os.WriteFile(filepath.Join(p.Dir(), ".tmp-1"), []byte("x"), 0o666); err != nil {
		t.Fatal(err)
	}
	save(t, p, bad)
	if runs, warnings := p.Load(); len(runs) != 2 || warnings != nil {
		t.Errorf("after saving again: %d runs, %q", len(runs), warnings)
	}
}

func TestPartialFromManyGoroutines(t *testing.T) {
	p := openPartial(t, t.TempDir())
	var wg sync.WaitGroup
	errs := make([]error, 20)
	for i := range errs {
		wg.Go(func() { errs[i] = p.Save(testRun("hpa", uint64(i/2), 1)) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	if runs, warnings := p.Load(); len(runs) != 10 || warnings != nil {
		t.Errorf("%d runs, %q", len(runs), warnings)
	}
}

func TestPartialHostileNames(t *testing.T) {
	root := t.TempDir()
	p := openPartial(t, root)
	for i, name := range []string{"../../evil", "a/b", "..", "a@1", "ü %41"} {
		save(t, p, &Run{Policy: name, Seed: uint64(i)})
	}
	if runs, warnings := p.Load(); len(runs) != 5 || warnings != nil {
		t.Errorf("%d runs, %q", len(runs), warnings)
	}
	for name := range tree(t, root) {
		if filepath.Dir(name) != filepath.Base(p.Dir()) {
			t.Errorf("%s lies outside the store", name)
		}
	}
	for _, key := range []string{"", "../x", "a/b"} {
		if _, err := OpenPartial(root, key); err == nil {
			t.Errorf("key %q is accepted", key)
		}
	}
}

func TestPartialDiscard(t *testing.T) {
	root := t.TempDir()
	p := openPartial(t, root)
	save(t, p, testRun("hpa", 1, 1))
	if err := p.Discard(); err != nil {
		t.Fatal(err)
	}
	if files := tree(t, root); len(files) != 0 {
		t.Error(files)
	}
	if err := p.Save(testRun("hpa", 1, 1)); err == nil || !strings.HasPrefix(err.Error(), fmt.Sprintf("keep policy hpa seed 1 in %s: ", p.Dir())) {
		t.Errorf("saving into a discarded store: %v", err)
	}
}
