package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
)

// gitRepo is the working tree that a file lies in.
type gitRepo struct{ root string }

// openGit finds the repository of the file at path.
func openGit(path string) (*gitRepo, error) {
	out, err := git(filepath.Dir(path), "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, filesError(fmt.Errorf("find the git repository of %s: %w", path, err))
	}
	return &gitRepo{strings.TrimSpace(string(out))}, nil
}

// open reads the file at path as it is in a revision.
func (g *gitRepo) open(ref, path string) (io.ReadCloser, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	// git names the root without symbolic links.
	if dir, err := filepath.EvalSymlinks(filepath.Dir(absolute)); err == nil {
		absolute = filepath.Join(dir, filepath.Base(absolute))
	}
	relative, err := filepath.Rel(g.root, absolute)
	if err != nil || strings.HasPrefix(relative, "..") {
		return nil, &fs.PathError{Op: "git show", Path: path, Err: fmt.Errorf("it is outside the repository %s", g.root)}
	}
	out, err := git(g.root, "show", "--end-of-options", ref+":"+filepath.ToSlash(relative))
	if err != nil {
		return nil, &fs.PathError{Op: "git show " + ref, Path: path, Err: err}
	}
	return io.NopCloser(bytes.NewReader(out)), nil
}

// git runs a git command that only reads; its complaint is the error.
func git(dir string, args ...string) ([]byte, error) {
	cmd := exec.Command("git", append([]string{"-C", dir}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil && stderr.Len() > 0 {
		err = errors.New(strings.TrimSpace(stderr.String()))
	}
	return out, err
}
