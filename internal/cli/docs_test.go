package cli

import (
	"context"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/golden"
)

var longDocs = flag.Bool("docs.long", false, "run the blocks of the docs that are marked as long, too")

// docPages returns README.md, that of results, beside which runs may lie, and all
// pages below docs and scenarios.
func docPages(t *testing.T) []string {
	t.Helper()
	pages := []string{"README.md", "results/README.md"}
	for _, dir := range []string{"docs", "scenarios"} {
		err := filepath.WalkDir(filepath.Join("../..", dir), func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && filepath.Ext(path) == ".md" {
				path, err = filepath.Rel("../..", path)
				pages = append(pages, filepath.ToSlash(path))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return pages
}

// Every block of commands in the docs is run, or says above itself why not:
//
//	<!-- not run: needs a cluster -->
//	<!-- long: a whole day, 15 s -->
//
// The long ones are run with -docs.long. What is not run still has to name
// commands and flags that there are.
//
// The blocks of a page share a folder, in which scenarios/, results/baselines/
// and bin/sim are those of the project. A console block shows what its commands
// print: all of it, with "..." for lines left out, or nothing at all. A block
// below <!-- file: gates/shop.yaml --> is that file. With -update the pages show
// what is printed today.
func TestDocs(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("no bash on this machine")
	}
	for _, page := range docPages(t) {
		t.Run(page, func(t *testing.T) {
			t.Parallel()
			testPage(t, page)
		})
	}
}

func testPage(t *testing.T, page string) {
	path := filepath.Join("../..", page)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	blocks, err := docBlocks(lines)
	if err != nil {
		t.Fatalf("%s: %v", page, err)
	}
	dir := ""
	update := map[int][]string{} // by the line of the fence
	for _, b := range blocks {
		switch {
		case b.kind == "" && len(b.lines) > 0 && (strings.HasPrefix(b.lines[0], "$ ") || strings.HasPrefix(b.lines[0], "sim ")):
			t.Errorf("%s:%d: a block of commands that says neither sh nor console", page, b.line)
		case b.commands() && (b.marker == "not run" || b.marker == "long" && !*longDocs):
			checkUsage(t, page, b)
		case b.commands() || b.marker == "file":
			if dir == "" {
				dir = docDir(t)
			}
			if b.marker == "file" {
				writeFile(t, filepath.Join(dir, b.value), strings.Join(b.lines, "\n")+"\n")
			} else if have := runBlock(t, page, dir, b); have != nil {
				update[b.line] = have
			}
		}
		if t.Failed() {
			return
		}
	}
	if len(update) > 0 {
		rewritePage(t, path, lines, blocks, update)
	}
}

// docDir makes a folder as a checkout of the project is, with what commands
// need of it.
func docDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"scenarios", "results/baselines", "internal/cli/testdata"} {
		if err := os.CopyFS(filepath.Join(dir, name), os.DirFS(filepath.Join("../..", name))); err != nil {
			t.Fatal(err)
		}
	}
	sim, err := exec.LookPath("sim")
	if err == nil {
		err = os.Mkdir(filepath.Join(dir, "bin"), 0o777)
	}
	if err == nil {
		err = os.Symlink(sim, filepath.Join(dir, "bin/sim"))
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(path), 0o777)
	if err == nil {
		err = os.WriteFile(path, []byte(text), 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// runBlock runs a block's commands, and returns the block as it would be today
// where that is not what the page shows and pages are being updated.
func runBlock(t *testing.T, page, dir string, b docBlock) []string {
	t.Helper()
	if b.kind != "console" {
		script := strings.Join(b.lines, "\n")
		if out, err := docShell(t, dir, script); err != nil {
			t.Errorf("%s:%d: %v: mend it, or say above it <!-- not run: why -->\n%s\n%s", page, b.line, err, script, out)
		}
		return nil
	}
	session, err := b.session()
	if err != nil {
		t.Fatalf("%s:%d: %v", page, b.line, err)
	}
	var today []string
	changed := false
	for _, c := range session {
		out, err := docShell(t, dir, c.text)
		if err != nil {
			t.Fatalf("%s:%d: $ %s: %v\n%s", page, b.line+1+c.first, c.text, err, out)
		}
		shown := b.lines[c.output:c.end]
		today = append(today, b.lines[c.first:c.output]...)
		printed := docOutput(out)
		switch want := docOutput(strings.Join(shown, "\n")); {
		case len(shown) == 0 || sameOutput(want, printed):
			today = append(today, shown...)
		case golden.Updating() && !slices.Contains(want, "..."):
			changed = true
			today = append(today, printed...)
		default:
			t.Fatalf("%s:%d: $ %s\nprints\n%s\nwhere the page shows\n%s", page, b.line+1+c.first, c.text, strings.Join(printed, "\n"), strings.Join(shown, "\n"))
		}
	}
	if !changed {
		return nil
	}
	return today
}

// docShell runs a script in a page's folder and returns all that it prints.
func docShell(t *testing.T, dir, script string) (string, error) {
	cmd := exec.CommandContext(t.Context(), "bash", "--noprofile", "--norc", "-euo", "pipefail", "-c", script)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func rewritePage(t *testing.T, path string, lines []string, blocks []docBlock, update map[int][]string) {
	t.Helper()
	for _, b := range slices.Backward(blocks) { // from below: what changes moves no line above
		if today, ok := update[b.line]; ok {
			lines = slices.Replace(lines, b.line, b.line+len(b.lines), today...)
		}
	}
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o666); err != nil {
		t.Fatal(err)
	}
}

// checkUsage holds the commands of a block that is not run to what sim takes.
func checkUsage(t *testing.T, page string, b docBlock) {
	t.Helper()
	commands, err := b.shellCommands()
	if err != nil {
		t.Errorf("%s:%d: %v", page, b.line, err)
	}
	for _, text := range commands {
		for _, fault := range usageFaults(text) {
			t.Errorf("%s:%d: %s: %s", page, b.line, text, fault)
		}
	}
}

// usageFaults returns the subcommands of sim that a line of shell names and
// that there are not, and the flags.
func usageFaults(text string) []string {
	var faults []string
	text, _, _ = strings.Cut(text, " #")
	for _, part := range regexp.MustCompile(`&&|;|\|`).Split(text, -1) {
		words := strings.Fields(part)
		if len(words) < 2 || words[0] != "sim" && words[0] != "bin/sim" {
			continue
		}
		cmd, rest, err := simCommand(testEnv(context.Background(), io.Discard, io.Discard)).Find(words[1:])
		if err == nil && cmd.HasSubCommands() && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
			err = fmt.Errorf("%s has no command %s", cmd.CommandPath(), rest[0])
		}
		if err != nil {
			faults = append(faults, err.Error())
			continue
		}
		for _, word := range rest {
			before, _, _ := strings.Cut(word, "=")
			name, isFlag := strings.CutPrefix(before, "--")
			if isFlag && cmd.Flag(name) == nil {
				faults = append(faults, cmd.CommandPath()+" has no flag --"+name)
			}
		}
	}
	return faults
}

// A page that shows something else than is printed, a block without a marker that
// fails, and a flag that is gone are found.
func TestDocBlocks(t *testing.T) {
	page := strings.Split("text\n<!-- not run: why -->\n\n```sh\nsim why \\\n  --at 3\n```\n```console\n$ a \\\n  b\nout\n\n$ c\n```\n<!-- file: x/y -->\n```yaml\nk: v\n```", "\n")
	blocks, err := docBlocks(page)
	if err != nil || len(blocks) != 3 {
		t.Fatalf("%v, %+v", err, blocks)
	}
	if b := blocks[0]; b.marker != "not run" || b.value != "why" || b.line != 4 {
		t.Errorf("%+v", b)
	}
	if b := blocks[2]; b.marker != "file" || b.value != "x/y" || b.commands() {
		t.Errorf("%+v", b)
	}
	session, err := blocks[1].session()
	if err != nil || len(session) != 2 || session[0].text != "a \\\n  b" || session[0].end-session[0].output != 2 || session[1].output != session[1].end {
		t.Errorf("%v, %+v", err, session)
	}
	for _, c := range []struct {
		page, printed string
		want          bool
	}{
		{"a\nb\n", "a\nb\n\n", true},
		{"a\nb\n", "a\nB\n", false},
		{"a\nb\n", "a\n", false},
		{"a\n...\nd\n", "a\nb\nc\nd\n", true},
		{"a\n...\nd\n", "a\nd\n", true},
		{"a\n...\nd\n", "a\nb\n", false},
		{"a\n...\n", "a\n", true},
		{"a\n", "1/20 hpa seed 1, 3 M requests at 5 M req/s\na\n", true},
	} {
		if have := sameOutput(docOutput(c.page), docOutput(c.printed)); have != c.want {
			t.Errorf("%q beside %q: %v", c.page, c.printed, have)
		}
	}
	if _, err := docBlocks([]string{"```sh", "sim"}); err == nil {
		t.Error("an open fence is not found")
	}
	if _, err := (docBlock{lines: []string{"sim run"}}).session(); err == nil {
		t.Error("a console block without a prompt is not found")
	}
	for text, fault := range map[string]bool{
		"sim why DIR --at 3h  # x":            false,
		"bin/sim run a.yaml && sim nothing":   true,
		"sim why DIR --att 3h":                true,
		"echo --att && make sim --everything": false,
	} {
		if have := usageFaults(text); (len(have) > 0) != fault {
			t.Errorf("%s: %v", text, have)
		}
	}
}
