package cli

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// docBlock is a fenced block of a page that a reader may type in.
type docBlock struct {
	line   int    // of its fence, from 1
	kind   string // sh, console, or another language
	marker string // "not run", "long" or "file", from the comment above the fence
	value  string // what the marker says: why it is not always run, or the file's path
	lines  []string
}

var (
	fence     = regexp.MustCompile("^\\s*```(\\S*)")
	docMarker = regexp.MustCompile(`^\s*<!-- (not run|long|file): (.*\S) -->$`)
)

// docBlocks returns the fenced blocks of a page, in order.
func docBlocks(lines []string) ([]docBlock, error) {
	var blocks []docBlock
	var open *docBlock
	above := "" // the last line that is not blank
	for i, line := range lines {
		m := fence.FindStringSubmatch(line)
		switch {
		case open != nil && m != nil && m[1] == "":
			blocks, open = append(blocks, *open), nil
		case open != nil:
			open.lines = append(open.lines, line)
		case m != nil:
			open = &docBlock{line: i + 1, kind: m[1]}
			if c := docMarker.FindStringSubmatch(above); c != nil {
				open.marker, open.value = c[1], c[2]
			}
		}
		if strings.TrimSpace(line) != "" {
			above = line
		}
	}
	if open != nil {
		return nil, fmt.Errorf("line %d: a fence that nothing closes", open.line)
	}
	return blocks, nil
}

// commands reports whether the block is one that a reader types into a shell.
func (b docBlock) commands() bool {
	return slices.Contains([]string{"sh", "bash", "shell", "console"}, b.kind)
}

// docCommand is one command of a console block.
type docCommand struct {
	first  int // index of its first line in the block
	output int // index of the first line after the command
	end    int // index after its output
	text   string
}

// session splits a console block at its prompts; a command goes on behind a
// backslash at the end of its line.
func (b docBlock) session() ([]docCommand, error) {
	var commands []docCommand
	for i := 0; i < len(b.lines); {
		text, ok := strings.CutPrefix(b.lines[i], "$ ")
		if !ok {
			return nil, fmt.Errorf("a console block starts with its prompt, not with %q", b.lines[i])
		}
		c := docCommand{first: i, text: text}
		for i++; strings.HasSuffix(c.text, `\`) && i < len(b.lines); i++ {
			c.text += "\n" + b.lines[i]
		}
		for c.output = i; i < len(b.lines) && !strings.HasPrefix(b.lines[i], "$ "); i++ {
		}
		c.end = i
		commands = append(commands, c)
	}
	return commands, nil
}

// shellCommands returns the commands of any block, one string each.
func (b docBlock) shellCommands() ([]string, error) {
	if b.kind == "console" {
		session, err := b.session()
		var out []string
		for _, c := range session {
			out = append(out, c.text)
		}
		return out, err
	}
	joined := strings.ReplaceAll(strings.Join(b.lines, "\n"), "\\\n", " ")
	return strings.Split(joined, "\n"), nil
}

var (
	// docProgress are the lines that a terminal shows for a while: they tell the
	// speed of the machine.
	docProgress = regexp.MustCompile(`^\d+/\d+ .*$`)
	// docClock is wall-clock time that a command tells.
	docClock = regexp.MustCompile(`\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z\b`)
)

// docOutput is what a reader compares: without progress, wall-clock times,
// blanks at the ends of lines, and blank lines at the end.
func docOutput(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\r\n")
		if !docProgress.MatchString(line) {
			out = append(out, docClock.ReplaceAllString(line, "TIME"))
		}
	}
	for len(out) > 0 && out[len(out)-1] == "" {
		out = out[:len(out)-1]
	}
	return out
}

// sameOutput reports whether a page shows what a command printed; a line "..."
// of the page stands for any lines.
func sameOutput(page, printed []string) bool {
	if len(page) == 0 {
		return len(printed) == 0
	}
	if page[0] == "..." {
		for skip := 0; skip <= len(printed); skip++ {
			if sameOutput(page[1:], printed[skip:]) {
				return true
			}
		}
		return false
	}
	return len(printed) > 0 && page[0] == printed[0] && sameOutput(page[1:], printed[1:])
}
