package report

import (
	"bytes"
	"encoding/csv"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/kwatt-sim/kwatt/internal/golden"
	"github.com/kwatt-sim/kwatt/internal/results"
)

func madeUpSides(t *testing.T, seeds int) *results.SideBySide {
	t.Helper()
	s := madeUpSummary(t, fourPolicies, seeds)
	side := func(i int) results.Side {
		return results.Side{Name: s.Policies[i].Name, Scenario: s.Scenario.Name, Policy: s.Policies[i].Name, Currency: "USD", Replications: s.Policies[i].Replications}
	}
	out, err := results.Pair(side(0), side(1), results.SideOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestGoldenSides(t *testing.T) {
	s := madeUpSides(t, 10)
	// A row that nobody can tell, and one without a ratio.
	s.Rows[3].Verdict, s.Rows[3].P, s.Rows[3].SeedsToTell = results.CannotSay, 0.31, 41
	s.Rows[4].Change, s.Rows[4].A = nil, results.Estimate{N: 10}
	s.Warnings = append(s.Warnings, "the sides differ in more than the policy: spec.services \x1b[31m")
	for name, write := range map[string]func(*bytes.Buffer) error{
		"sides.txt": func(b *bytes.Buffer) error { return Sides(b, s, Options{}) },
		"sides.md":  func(b *bytes.Buffer) error { return SidesMarkdown(b, s, Options{}) },
		"sides.csv": func(b *bytes.Buffer) error { return SidesCSV(b, s) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		golden.Check(t, "testdata/"+name, b.Bytes())
		if strings.Contains(b.String(), "\x1b") {
			t.Errorf("%s lets a control character through", name)
		}
	}
}

func TestSidesFitTheTerminal(t *testing.T) {
	for _, seeds := range []int{1, 3, 10} {
		for _, width := range []int{0, 50, 120} {
			var b bytes.Buffer
			if err := Sides(&b, madeUpSides(t, seeds), Options{Width: width}); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(b.String()) {
				if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > max(width, 50) && n > 80 {
					t.Errorf("%d seeds, width %d: %d columns: %s", seeds, width, n, line)
				}
			}
			if few := strings.Contains(b.String(), "% ?"); few != (seeds < 9) {
				t.Errorf("%d seeds: a question mark %v\n%s", seeds, few, b.String())
			}
		}
	}
}

func TestSidesCSVHasALineForEachMetric(t *testing.T) {
	var b bytes.Buffer
	s := madeUpSides(t, 4)
	if err := SidesCSV(&b, s); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(lines) != 1+len(s.Rows) {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
}

// The mean over services is in the table and explained below it; the
// test that was taken is named.
func TestSidesNameServicesAndTheTest(t *testing.T) {
	s := madeUpSummary(t, fourPolicies, 3, "ranker", "search")
	side := func(i int) results.Side {
		p := s.Policies[i]
		return results.Side{Name: p.Name, Policy: p.Name, Replications: p.Replications, Services: p.Services}
	}
	for test, want := range map[string]string{results.SignFlipTest: "exact sign-flip", results.TTest: "Student's paired t test"} {
		out, err := results.Pair(side(0), side(1), results.SideOptions{Test: test})
		if err != nil {
			t.Fatal(err)
		}
		var text, md, lines bytes.Buffer
		if err := errors.Join(Sides(&text, out, Options{Width: 200}), SidesMarkdown(&md, out, Options{}), SidesCSV(&lines, out)); err != nil {
			t.Fatal(err)
		}
		for _, b := range []string{text.String(), md.String()} {
			if !strings.Contains(b, want) || !strings.Contains(b, "latency p95, of 2 ") || !strings.Contains(b, "geometric mean of B/A over the services") {
				t.Errorf("%s: want %q and the mean over services\n%s", test, want, b)
			}
			if few := strings.Contains(b, "% ?"); few != (test == results.SignFlipTest) {
				t.Errorf("%s: a question mark %v", test, few)
			}
		}
		if header, _, _ := strings.Cut(lines.String(), "\n"); strings.Contains(header, "p_paired_t_holm") != (test == results.TTest) {
			t.Errorf("%s: header %s", test, header)
		}
	}
}
