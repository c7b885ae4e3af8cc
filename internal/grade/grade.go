// Package grade says how well a number is founded. Every figure in kwatt's
// catalogues carries a grade, and a report shows the worst one it rests on.
package grade

import "fmt"

// Grade is the foundation of a number; a larger one is worse.
type Grade uint8

// The grades, from best to worst.
const (
	A    Grade = iota // measured by kwatt, or published for this very state
	B                 // measured, but indirect (wall power, derived from a table)
	C                 // anecdotal: a printout or a remark of unknown circumstances
	X                 // interpolated or assumed; no source
	Last = X
)

// Count is the number of grades, for arrays indexed by Grade.
const Count = int(Last) + 1

// String returns the letter of the grade.
func (g Grade) String() string {
	if g > Last {
		return fmt.Sprintf("Grade(%d)", uint8(g))
	}
	return "ABCX"[g : g+1]
}

// Worse returns the worse of two grades.
func Worse(a, b Grade) Grade { return max(a, b) }

// Parse reads a letter.
func Parse(s string) (Grade, error) {
	for g := A; g <= Last; g++ {
		if s == g.String() {
			return g, nil
		}
	}
	return X, fmt.Errorf("unknown grade %q: want A, B, C or X", s)
}

// MarshalText makes grades readable in JSON.
func (g Grade) MarshalText() ([]byte, error) { return []byte(g.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (g *Grade) UnmarshalText(b []byte) (err error) {
	*g, err = Parse(string(b))
	return err
}
