package cuda

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/calibrate"
)

var (
	entries  = regexp.MustCompile(`(?s)\.visible \.entry (\w+)\((.*?)\)\n\{(.*?)\n\}`)
	register = regexp.MustCompile(`%[a-z_]+\d*(\.x)?`)
)

// What can be told of the text without an assembler: every kernel is there with
// the parameters that the launch passes, uses only registers it declares, every
// loop ends, and every kernel writes something, so that nothing of it is idle.
func TestStructureOfKernels(t *testing.T) {
	if !strings.Contains(kernels, "\n.version 6.3\n.target sm_70\n.address_size 64\n") {
		t.Error("the directives at the head have changed")
	}
	var names []string
	for _, e := range entries.FindAllStringSubmatch(kernels, -1) {
		name, parameters, body := e[1], e[2], e[3]
		names = append(names, name)
		if got := strings.Join(strings.Fields(parameters), " "); got != ".param .u64 buffer, .param .u64 mask, .param .u64 start, .param .u32 rounds" {
			t.Errorf("%s has the parameters %s", name, got)
		}
		declared := declarations(body)
		for _, line := range strings.Split(body, "\n") {
			if strings.HasPrefix(strings.TrimSpace(line), ".reg") {
				continue
			}
			for _, r := range register.FindAllString(line, -1) {
				if !slices.Contains([]string{"%ctaid.x", "%ntid.x", "%tid.x", "%nctaid.x"}, r) && !declared[r] {
					t.Errorf("%s uses %s, which it does not declare: %s", name, r, line)
				}
			}
		}
		if strings.Count(body, "again:") != 1 || strings.Count(body, "bra again;") != 1 || !strings.HasSuffix(strings.TrimSpace(body), "ret;") {
			t.Errorf("%s: want one loop and a return at the end", name)
		}
		if !strings.Contains(body, "sub.u32 %left, %left, 1;\n\tsetp.ne.u32 %more, %left, 0;\n\t@%more bra again;") {
			t.Errorf("%s: the loop does not count down", name)
		}
		if !strings.Contains(body, "st.global.") {
			t.Errorf("%s writes nothing: it would be optimised away", name)
		}
		if strings.Count(body, "{") != strings.Count(body, "}") {
			t.Errorf("%s: braces do not match", name)
		}
	}
	want := []string{"fill"}
	for _, k := range calibrate.Kernels {
		want = append(want, string(k))
	}
	if !slices.Equal(names, want) {
		t.Errorf("kernels %v, want %v", names, want)
	}
	body := func(name string) string {
		for _, e := range entries.FindAllStringSubmatch(kernels, -1) {
			if e[1] == name {
				_, loop, _ := strings.Cut(e[3], "again:")
				return loop
			}
		}
		return ""
	}
	for _, c := range []struct {
		kernel, text string
		n            int
	}{
		{"memory", "ld.global.v4.b32", memoryStep / 16}, {"memory", "st.global.v4.b32", memoryStep / 16},
		{"fp32", "fma.rn.f32", 64}, {"fp32", "mul.rn.f32", 64}, {"tensor", "wmma.mma.sync.aligned.row.col.m16n16k16.f32.f32", 8},
	} {
		if n := strings.Count(body(c.kernel), c.text); n != c.n {
			t.Errorf("a round of %s has %d × %s, want %d", c.kernel, n, c.text, c.n)
		}
	}
}

// declarations are the registers that a body declares.
func declarations(body string) map[string]bool {
	declared := map[string]bool{}
	for _, m := range regexp.MustCompile(`\.reg \.\w+ ([^;]*);`).FindAllStringSubmatch(body, -1) {
		for _, name := range strings.Split(m[1], ",") {
			name, count, many := strings.Cut(strings.TrimSuffix(strings.TrimSpace(name), ">"), "<")
			declared[name] = !many
			n, _ := strconv.Atoi(count)
			for i := range n {
				declared[name+strconv.Itoa(i)] = true
			}
		}
	}
	return declared
}

// NVIDIA's assembler has the last word. It is no part of this project's
// machines: KWATT_PTXAS names one, and docs/calibrate.md says where to get it.
func TestKernelsAssemble(t *testing.T) {
	ptxas := os.Getenv("KWATT_PTXAS")
	if ptxas == "" {
		t.Skip("not assembled: set KWATT_PTXAS to a ptxas")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "kernels.ptx")
	if err := os.WriteFile(file, []byte(kernels), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, arch := range []string{"sm_75", "sm_80", "sm_86", "sm_89", "sm_90"} {
		out, err := exec.CommandContext(t.Context(), ptxas, "-v", "-arch="+arch, file, "-o", filepath.Join(dir, arch)).CombinedOutput()
		if err != nil || strings.Count(string(out), " 0 bytes spill stores") != 1+len(calibrate.Kernels) || strings.Contains(string(out), "warning") {
			t.Errorf("%s: %v\n%s", arch, err, out)
		}
	}
}
