package schema

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// An open object takes what it is given, with its places, but no number that
// JSON cannot hold.
func TestDecodeOpen(t *testing.T) {
	object, positions, errs := DecodeOpen([]byte("a: [1, 2.5, x]\nb: {c: true, d: 2024-05-01}\n"), "f")
	want := map[string]any{"a": []any{1, 2.5, "x"}, "b": map[string]any{"c": true, "d": "2024-05-01"}}
	if d := cmp.Diff(want, object); d != "" || len(errs) > 0 {
		t.Errorf("%v\n%s", errs, d)
	}
	if at := positions.At("a[1]"); at.Line != 1 || at.Col != 8 {
		t.Errorf("a[1] is at %+v", at)
	}
	_, _, errs = DecodeOpen([]byte("a: 1\na: 2\nb: {c: [.nan, -.inf]}\n"), "f")
	text := errs.Error()
	if d := cmp.Diff("f:2:1: a: a is set twice, first on line 1\nf:3:9: b.c[0]: want a finite number, found .nan\nf:3:15: b.c[1]: want a finite number, found -.inf", text); d != "" {
		t.Error(d)
	}
}
