package tty

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestWrap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.StringOf(rapid.RuneFrom([]rune("ab é  "))).Draw(t, "text")
		width := rapid.IntRange(5, 30).Draw(t, "width")
		out := Wrap(in, width, 2)
		for _, l := range strings.Split(out, "\n") {
			if utf8.RuneCountInString(l) > width {
				t.Fatalf("%q is wider than %d", l, width)
			}
		}
		letters := func(s string) string { return strings.Join(strings.Fields(s), "") }
		if letters(out) != letters(in) {
			t.Fatalf("wrap(%q) = %q changes the text", in, out)
		}
	})
}

func TestNumber(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Number(0), "0"},
		{Number(0.048213), "0.04821"},
		{Number(48.2134), "48.21"},
		{Number(960), "960.0"},
		{Number(1234567), "1234567"},
		{Number(-31.25), "-31.25"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestTableBreaksIntoBlocks(t *testing.T) {
	table := Table{Header: []string{"one", "two", "three"}, Rows: []Row{
		{Label: "first", Cells: []Cell{{Text: "1"}, {Text: "2", Color: Red}, {Text: "3"}}},
		{Label: "é", Cells: []Cell{{Text: "10"}, {Text: "20"}, {Text: "30"}}},
	}}
	var b strings.Builder
	table.Write(&b, 15, false)
	want := "       one  two\nfirst    1    2\né       10   20\n\n       three\nfirst      3\né         30\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestPlain(t *testing.T) {
	if got := Plain("a\x1b[31mb\n"); got != "a [31mb " {
		t.Errorf("%q", got)
	}
}
