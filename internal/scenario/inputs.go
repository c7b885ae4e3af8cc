package scenario

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/kwatt-sim/kwatt/internal/schema"
)

// Resolve returns where a path that the scenario at file names lies: relative
// to the file that names it.
func Resolve(file, named string) string {
	if filepath.IsAbs(named) {
		return named
	}
	return filepath.Join(filepath.Dir(file), named)
}

// input opens the file named at path, lets read have its bytes and notes their
// digest. What goes wrong is reported at path.
func (c *checker) input(named, path string, read func(r io.Reader, name string) error) {
	name := Resolve(c.Path, named)
	f, err := c.open(name)
	if err != nil {
		c.Fail(path, "cannot read "+name+": "+reason(err), "paths are relative to the folder of "+c.Path)
		return
	}
	defer func() { _ = f.Close() }() // it was only read
	sum := sha256.New()
	r := io.TeeReader(f, sum)
	if err := read(r, name); err != nil {
		c.inputFailed(err, path)
		return
	}
	if _, err := io.Copy(io.Discard, r); err != nil { // what read left unread counts too
		c.Fail(path, fmt.Sprintf("cannot read %s: %s", name, reason(err)), "")
		return
	}
	c.addInput(name, [sha256.Size]byte(sum.Sum(nil)))
}

// reason is an error of the file system without the path, which the message
// names already.
func reason(err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	return err.Error()
}

// inputError is what is wrong inside an input; line and column are 0 when the
// fault has no place.
type inputError struct {
	file         string
	line, column int
	message      string
}

// Error returns the message without the place.
func (f *inputError) Error() string { return f.message }

// inputFailed reports a fault where it lies: in the input, or, when reading
// failed, where the scenario names it.
func (c *checker) inputFailed(err error, path string) {
	var f *inputError
	var faults schema.Errors
	var at *fs.PathError
	switch {
	case errors.As(err, &faults):
		c.Errs = append(c.Errs, faults...)
	case errors.As(err, &f):
		c.FailAt(schema.Position{File: f.file, Line: max(1, f.line), Col: max(1, f.column)}, "", f.message, "")
	case errors.As(err, &at):
		c.Fail(path, "cannot read "+at.Path+": "+reason(err), "")
	default:
		c.Fail(path, err.Error(), "")
	}
}
