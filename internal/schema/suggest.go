package schema

import (
	"strings"
)

// oneOf lists choices: "a", "a or b", "one of a, b, c".
func oneOf(choices []string) string {
	switch len(choices) {
	case 0, 1, 2:
		return strings.Join(choices, " or ")
	}
	return "one of " + strings.Join(choices, ", ")
}

// DidYouMean is the hint for s where one of the choices was wanted: the closest, or
// otherwise, when none is close.
func DidYouMean(s string, choices []string, otherwise string) string {
	if meant := Closest(s, choices); meant != "" {
		return "did you mean " + meant + "?"
	}
	return otherwise
}

// Closest returns the choice that s most likely was meant to be, or "": the
// nearest one by edit distance, if at most a third of the letters differ, or the
// only one that contains s. Case does not count.
func Closest(s string, choices []string) string {
	s = strings.ToLower(s)
	best, bestDistance := "", max(1, len(s)/3)+1
	var containing []string
	for _, c := range choices {
		lower := strings.ToLower(c)
		if d := distance(s, lower); d < bestDistance {
			best, bestDistance = c, d
		}
		if len(s) > 1 && strings.Contains(lower, s) {
			containing = append(containing, c)
		}
	}
	if best == "" && len(containing) == 1 {
		return containing[0]
	}
	return best
}

// distance is the optimal string alignment distance: insertions, deletions,
// substitutions and swaps of neighbours. Names longer than 64 bytes are not
// compared, so that a hostile document costs nothing.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return len(a) + len(b)
	}
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	for j := range rows[1] {
		rows[1][j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row := rows[0], rows[1], rows[2]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		rows[0], rows[1], rows[2] = last, row, before
	}
	return rows[1][len(b)]
}
