package cli

import (
	"bufio"
	"encoding/csv"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/rng"
	"github.com/kwatt-sim/kwatt/internal/sweep"
)

var (
	sweepSeeds = flag.Int("sweep.seeds", 4, "seeds of the sweep whose shards are killed; 84 are 1,008 runs")
	sweepChaos = flag.Uint64("sweep.chaos", 0, "seed of when shards are killed; 0 takes another each time")
)

const shopBatch = "spec.services[ranker].batching."

// sweepFolder has the shop and is the working directory; the arguments sweep it
// over six points.
func sweepFolder(t *testing.T, seeds int) (args []string) {
	t.Helper()
	t.Chdir(writeFiles(t, shopFiles()))
	return []string{"sweep", "shop.yaml", "--seeds", fmt.Sprintf("1..%d", seeds),
		"--grid", shopBatch + "maxBatch=2,4,8", "--grid", shopBatch + "maxQueueDelay=1ms,4ms"}
}

// sweepResult is the one folder of results below out, with its files' contents.
func sweepResult(t *testing.T, out string) map[string]string {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(out, "shop", "*", results.ManifestFile))
	if err != nil || len(dirs) != 1 {
		t.Fatalf("results below %s: %v, %v", out, dirs, err)
	}
	dir := filepath.Dir(dirs[0])
	if err := results.Verify(dir); err != nil {
		t.Error(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if e.Name() != results.ManifestFile {
			files[e.Name()] = string(b)
		}
	}
	return files
}

var finishedLine = regexp.MustCompile(`^\d+/\d+ point `)

// runOrKill runs sim as a process, and kills it once it has finished so many runs;
// 0 lets it end. It returns how many it has told of, and whether it was killed.
func runOrKill(t *testing.T, args []string, after int) (finished int, killed bool) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), "KWATT_TEST_AS_SIM=1")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		if finishedLine.MatchString(lines.Text()) {
			if finished++; finished == after {
				_ = cmd.Process.Kill() // it may have ended by itself
			}
		}
	}
	if err := cmd.Wait(); err != nil && (after == 0 || finished < after) {
		t.Fatalf("sim %s: %v\n%s", strings.Join(args, " "), err, said.String())
	}
	return finished, !cmd.ProcessState.Exited()
}

// Shards are processes that are killed again and again in mid-run, some with a
// store of their own and some sharing one, and go on. Joined they are the bytes of
// a sweep that nobody touched: no run is lost, none is counted or done twice.
//
//	go test ./internal/cli -run TestSweepShardsKilled -sweep.seeds=84 -v
func TestSweepShardsKilled(t *testing.T) {
	seed := *sweepChaos
	if seed == 0 {
		seed = uint64(os.Getpid())
	}
	t.Logf("again with -sweep.chaos=%d", seed)
	chance := rng.New(seed).Stream("test", "kill")
	args := sweepFolder(t, *sweepSeeds)
	all := 6 * 2 * *sweepSeeds
	if code, _, stderr := sim(t, append(args, "--out", "whole", "-q", "-o", "none")...); code != exitOK {
		t.Fatal(stderr)
	}
	want := sweepResult(t, "whole")

	const shards = 3
	kills, done := 0, 0
	for i := range shards {
		shard := slices.Concat(args, []string{"--resume", "--shards", strconv.Itoa(shards), "--shard", strconv.Itoa(i), "--out", fmt.Sprintf("parts-%d", min(i, 1))})
		for attempt := 0; ; attempt++ {
			after := 0
			if attempt < 3 {
				after = 1 + chance.IntN(max(all/shards/4, 1))
			}
			finished, killed := runOrKill(t, shard, after)
			done += finished
			if !killed {
				break
			}
			kills++
		}
	}
	t.Logf("%d runs, %d kills", all, kills)
	if kills < shards {
		t.Errorf("only %d kills: this shows nothing", kills)
	}
	if done > all {
		t.Errorf("%d runs were done, of %d: some were done again", done, all)
	}
	stores, err := filepath.Glob("parts-*/shop/*.partial")
	if err != nil || len(stores) != 2 {
		t.Fatalf("stores %v, %v", stores, err)
	}
	if code, _, stderr := sim(t, "merge", stores[1], "--out", "half", "-q"); code != exitFiles || !strings.Contains(stderr, fmt.Sprintf("of %d runs are missing, the first point ", all)) {
		t.Errorf("half of it: exit %d\n%s", code, stderr)
	}
	if _, err := os.Stat("half"); err == nil {
		t.Error("half of a sweep was written")
	}
	// A folder named twice holds every run twice.
	code, stdout, stderr := sim(t, append([]string{"merge", "--out", "joined", "-q", stores[1]}, stores...)...)
	if code != exitOK || !strings.HasPrefix(stdout, "shop: 6 points, ") {
		t.Fatalf("exit %d\n%s%s", code, stdout, stderr)
	}
	if d := cmp.Diff(want, sweepResult(t, "joined")); d != "" {
		t.Errorf("the shards make other bytes:\n%.2000s", d)
	}
	rows, err := csv.NewReader(strings.NewReader(want[sweep.RunsTable+".csv"])).ReadAll()
	if err != nil || len(rows) != 1+all {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	seen := map[string]bool{}
	for _, row := range rows[1:] {
		seen[strings.Join(row[:5], " ")] = true
	}
	if len(seen) != all || rows[0][1] != shopBatch+"maxBatch" || rows[0][3] != "policy" {
		t.Errorf("%d different runs of %d, columns %v", len(seen), all, rows[0][:5])
	}
}

// Whatever -j and however often interrupted, a sweep in one piece is the same; and
// its Parquet holds what its CSV does.
func TestSweepIsReproducible(t *testing.T) {
	args := sweepFolder(t, 2)
	for i, jobs := range []string{"1", "3"} {
		if code, stdout, stderr := sim(t, append(args, "--out", "out-"+jobs, "-j", jobs, "-q")...); code != exitOK || !strings.Contains(stdout, "2  1ms  static") {
			t.Fatalf("run %d: exit %d\n%s%s", i, code, stdout, stderr)
		}
	}
	runOrKill(t, append(args, "--out", "cut"), 5)
	if code, _, stderr := sim(t, append(args, "--out", "cut", "--resume", "-o", "none")...); code != exitOK || !strings.Contains(stderr, "of 24 runs are there from before") {
		t.Fatalf("exit %d\n%s", code, stderr)
	}
	one := sweepResult(t, "out-1")
	for _, other := range []string{"out-3", "cut"} {
		if d := cmp.Diff(one, sweepResult(t, other)); d != "" {
			t.Errorf("%s differs:\n%.2000s", other, d)
		}
	}
	if left, err := filepath.Glob("*/shop/*.partial"); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	for _, table := range []string{sweep.RunsTable, sweep.ServiceTable, sweep.PointsTable} {
		rows, err := csv.NewReader(strings.NewReader(one[table+".csv"])).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(rows, parquetCells(t, one[table+".parquet"])); d != "" {
			t.Errorf("%s.parquet is not %s.csv:\n%.2000s", table, table, d)
		}
	}
}

// parquetCells reads a table as the CSV would show it, its header first.
func parquetCells(t *testing.T, file string) [][]string {
	t.Helper()
	f, err := parquet.OpenFile(strings.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	var cells [][]string
	var header []string
	for _, c := range f.Schema().Fields() {
		header = append(header, c.Name())
	}
	cells = append(cells, header)
	for _, group := range f.RowGroups() {
		rows := make([]parquet.Row, group.NumRows())
		in := group.Rows()
		n, _ := in.ReadRows(rows) // io.EOF with the last rows
		if n != len(rows) {
			t.Fatalf("%d rows of %d", n, len(rows))
		}
		for _, row := range rows {
			var texts []string
			for _, v := range row {
				switch {
				case v.IsNull():
					texts = append(texts, "")
				case v.Kind() == parquet.Double:
					texts = append(texts, strconv.FormatFloat(v.Double(), 'g', -1, 64))
				default:
					texts = append(texts, v.String())
				}
			}
			cells = append(cells, texts)
		}
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	}
	return cells
}

// Figures of a sweep are those of sim run.
func TestSweepIsTheRunsItSays(t *testing.T) {
	t.Chdir(writeFiles(t, shopFiles()))
	if err := os.WriteFile("points.csv", []byte("spec.policies[hpa].scaler.hpa.manifest,"+shopBatch+"maxBatch\nhpa.yaml,8\ngenerous.yaml,4\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := sim(t, "sweep", "shop.yaml", "--points", "points.csv", "--policy", "hpa", "-q", "-o", "csv")
	if code != exitOK {
		t.Fatal(stderr)
	}
	rows, err := csv.NewReader(strings.NewReader(stdout)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	code, out, stderr := sim(t, "run", "shop.yaml", "--policy", "hpa", "--set", "spec.policies[hpa].scaler.hpa.manifest=generous.yaml", "--set", shopBatch+"maxBatch=4", "-q", "-o", "json")
	if code != exitOK {
		t.Fatal(stderr)
	}
	for _, row := range rows {
		if row[0] == "1" && row[4] == "energy_kwh" {
			if want := `"mean": ` + row[7]; row[1] != "generous.yaml" || row[6] != "6" || !strings.Contains(out, want) {
				t.Errorf("%v: sim run does not say %s", row, want)
			}
			return
		}
	}
	t.Error("no energy at point 1")
}
