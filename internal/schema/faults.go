package schema

// Faults gathers what is wrong with a document: what the decoder found, and what
// the checks of its package find that the structure alone cannot tell.
type Faults struct {
	Errs      Errors
	positions *Positions
	structure Errors
}

// NewFaults starts with the decoder's faults.
func NewFaults(positions *Positions, structure Errors) Faults {
	return Faults{Errs: append(Errors(nil), structure...), positions: positions, structure: structure}
}

// Fail reports a fault at path, unless the decoder has found one there or at
// another value that the check read.
func (f *Faults) Fail(path, message, hint string, reads ...string) {
	for _, p := range append(reads, path) {
		if f.Touches(p) {
			return
		}
	}
	f.FailAt(f.positions.At(path), path, message, hint)
}

// FailAt reports a fault at a place of its own, such as a line of an input.
func (f *Faults) FailAt(at Position, path, message, hint string) {
	f.Errs = append(f.Errs, Error{Position: at, Path: path, Message: message, Hint: hint, Class: Meaning})
}

// Touches reports whether the decoder has found a fault at path, above or below
// it: the value there is a default that nobody wrote, so no check speaks of it.
func (f *Faults) Touches(path string) bool { return f.structure.Touches(path) }

// Err returns all faults in the order of the document, nil when there is none.
func (f *Faults) Err() error {
	f.Errs.Sort()
	return f.Errs.Err()
}
