package grade

import "testing"

func TestGrades(t *testing.T) {
	for g, letter := range map[Grade]string{A: "A", B: "B", C: "C", X: "X"} {
		back, err := Parse(letter)
		if err != nil || back != g || g.String() != letter {
			t.Errorf("%v: parsed %v, %v", letter, back, err)
		}
		if Worse(g, X) != X || Worse(A, g) != g {
			t.Errorf("the worse of %v and X, or A and %v, is wrong", g, g)
		}
		var u Grade
		if text, _ := g.MarshalText(); u.UnmarshalText(text) != nil || u != g {
			t.Errorf("%v does not survive its text", g)
		}
	}
	if _, err := Parse("D"); err == nil {
		t.Error("D was accepted")
	}
	if Grade(9).String() != "Grade(9)" {
		t.Error("an unknown grade must say so")
	}
}
