package powermodel

import (
	"fmt"
	"slices"
	"strings"
)

// Catalogue returns every GPU, by name. The values share their point lists
// with the catalogue: do not write to them.
func Catalogue() []GPU {
	all := slices.Concat(inferenceBoards(), a100Boards(), hopperBoards(), blackwellBoards(), otherBoards())
	slices.SortFunc(all, func(a, b GPU) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Lookup returns the GPU of this name. The error names close ones, or all.
func Lookup(name string) (GPU, error) {
	all := Catalogue()
	var names []string
	for _, g := range all {
		if g.Name == name {
			return g, nil
		}
		names = append(names, g.Name)
	}
	if near := closeNames(name, names); len(near) > 0 {
		return GPU{}, fmt.Errorf("unknown GPU %q: did you mean %s?", name, strings.Join(near, " or "))
	}
	return GPU{}, fmt.Errorf("unknown GPU %q: want one of %s", name, strings.Join(names, ", "))
}

// Slice returns the MIG profile of this name. The error lists what the GPU can
// be cut into.
func (g GPU) Slice(mig string) (MIGProfile, error) {
	var names []string
	for _, p := range g.MIG {
		if p.Name == mig {
			return p, nil
		}
		names = append(names, p.Name)
	}
	if len(names) == 0 {
		return MIGProfile{}, fmt.Errorf("%s cannot be partitioned: use gpu.share instead of MIG slice %q", g.Name, mig)
	}
	return MIGProfile{}, fmt.Errorf("%s has no MIG slice %q: want one of %s", g.Name, mig, strings.Join(names, ", "))
}

// closeNames returns the names that contain the wanted one ("a100"), or that
// are at most three edits away, at most three of them.
func closeNames(want string, names []string) []string {
	want = strings.ToLower(strings.TrimSpace(want))
	if want == "" {
		return nil
	}
	var near []string
	for _, n := range names {
		if strings.Contains(n, want) || editDistance(want, n) <= 3 {
			near = append(near, n)
		}
	}
	slices.SortStableFunc(near, func(a, b string) int { return editDistance(want, a) - editDistance(want, b) })
	return near[:min(len(near), 3)]
}

// editDistance is Levenshtein's: inserts, deletions and replacements of bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
