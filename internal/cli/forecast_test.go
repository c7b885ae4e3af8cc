package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kwatt-sim/kwatt/internal/forecast/lstm"
)

func TestForecastExitCodes(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "broken.json")
	if err := os.WriteFile(broken, []byte(`{"format":"kwatt.dev/lstm/v1"}`), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args   string
		code   int
		stderr string // a part of it
	}{
		{"forecast", 2, "needs a subcommand"},
		{"forecast backtest", 2, "requires at least 1 arg"},
		{"forecast backtest taobao", 2, "there are servegen-m-mid, taobao-2017, uci-retail-christmas, worldcup98-final, worldcup98-peak, or name a file"},
		{"forecast backtest absent.csv", 4, "no such file"},
		{"forecast backtest testdata/broken.csv", 3, "testdata/broken.csv:3"},
		{"forecast backtest taobao-2017 --model Prophet", 2, "want one of Naive, SeasonalNaive, HoltWinters"},
		{"forecast backtest taobao-2017 --baseline Prophet", 2, `unknown forecast model "Prophet"`},
		{"forecast backtest taobao-2017 --horizon 1h,30m", 2, "want durations above 0 that rise"},
		{"forecast backtest taobao-2017 --horizon 1h,,2h", 2, "want durations above 0 that rise"},
		{"forecast backtest taobao-2017 --horizon 100h", 2, "a horizon of 100h0m0s is not within the held-out 72h0m0s"},
		{"forecast backtest taobao-2017 --step 5m", 2, "a finer series would be made up"},
		{"forecast backtest taobao-2017 --season 90m", 2, "a season of 1h30m0s is not a whole number of steps of 1h0m0s"},
		{"forecast backtest taobao-2017 --held-out 9d", 2, "--held-out 9d: want a duration above 0"},
		{"forecast backtest taobao-2017 --held-out 216h", 2, "216h0m0s held out of 216h0m0s"},
		{"forecast backtest taobao-2017 --refit 1s", 2, "want 0 or a duration of at least 1m"},
		{"forecast backtest taobao-2017 --weights absent.json", 4, "no such file"},
		{"forecast backtest taobao-2017 --weights " + broken, 3, "does not match its hash"},
		{"forecast backtest taobao-2017 -o xml", 2, "want text, md, csv, json"},
		{"forecast backtest taobao-2017 --model Naive --plot absent/x.svg", 4, "no such file"},
		{"forecast train taobao-2017", 2, "train needs --out FILE"},
		{"forecast train taobao-2017 --out x.json --hidden 0", 2, "want --hidden 1 to 256"},
		{"forecast train taobao-2017 --out absent/x.json --epochs 1", 4, "no such file"},
		{"forecast show absent.json", 4, "no such file"},
		{"forecast show " + broken, 3, "does not match its hash"},
	} {
		code, stdout, stderr := sim(t, strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(stderr, c.stderr) || stdout != "" {
			t.Errorf("sim %s: exit %d, want %d; stdout %q; stderr should contain %q:\n%s", c.args, code, c.code, stdout, c.stderr, stderr)
		}
	}
}

func TestForecastLookUps(t *testing.T) {
	for args, want := range map[string][]string{
		"forecast list": {"HoltWintersDamped", "what will be (an oracle, for bounds)"},
		"forecast show": {lstm.Builtin().Hash, "trained   worldcup98-final, 1998-07-06T00:00:00Z to 1998-07-11T00:00:00Z, steps of 5m"},
		"forecast backtest taobao-2017 --model LSTM --model HoltWinters -o md":                  {"**taobao-2017: 72 steps of 1h held out", "| 1h | LSTM |"},
		"forecast backtest worldcup98-peak --model LSTM --horizon 5m":                           {"LSTM is not scored: its weights were trained on worldcup98-final up to"},
		"forecast backtest taobao-2017 --model Naive --baseline Naive --held-out 24h --refit 0": {"taobao-2017: 24 steps", "baseline Naive"},
	} {
		code, stdout, stderr := sim(t, strings.Fields(args)...)
		for _, part := range want {
			if code != exitOK || !strings.Contains(stdout, part) {
				t.Errorf("sim %s: exit %d, want %q in\n%s%s", args, code, part, stdout, stderr)
			}
		}
	}
}

// TestTrainAndUse trains on a builtin trace and on a file, backtests with the
// weights and runs a scenario that names them.
func TestTrainAndUse(t *testing.T) {
	dir := t.TempDir()
	weights, plot := filepath.Join(dir, "mine.json"), filepath.Join(dir, "p.svg")
	args := []string{"forecast", "train", "uci-retail-christmas", "--out", weights, "--epochs", "2", "--seed", "7"}
	code, stdout, stderr := sim(t, args...)
	if code != exitOK || !strings.Contains(stdout, "command   sim forecast train uci-retail-christmas --seed 7 --epochs 2 --out mine.json") || !strings.Contains(stderr, "epoch   2 of 2: validation loss") {
		t.Fatalf("exit %d\n%s%s", code, stdout, stderr)
	}
	first, err := os.ReadFile(weights)
	if err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := sim(t, append(args, "-q")...); code != exitOK || stderr != "" {
		t.Fatalf("exit %d\n%s", code, stderr)
	}
	if again, err := os.ReadFile(weights); err != nil || string(again) != string(first) {
		t.Errorf("the same training gives another file: %v", err)
	}
	hash := strings.Fields(stdout)[1]
	code, stdout, stderr = sim(t, "forecast", "backtest", "worldcup98-peak", "--model", "LSTM", "--horizon", "1h", "--weights", weights, "--plot", plot, "-o", "csv")
	if code != exitOK || !strings.Contains(stdout, "LSTM ("+hash[:8]+")") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
	if info, err := os.Stat(plot); err != nil || info.Size() < 5000 {
		t.Errorf("the plot: %v", err)
	}

	text, err := os.ReadFile(small)
	if err != nil {
		t.Fatal(err)
	}
	scenario := filepath.Join(dir, "s.yaml")
	if err := os.WriteFile(scenario, text, 0o666); err != nil {
		t.Fatal(err)
	}
	set := func(s string) string { return "spec.policies[forecast].scaler.forecast." + s }
	run := []string{"run", scenario, "--policy", "forecast", "--seeds", "1", "-q", "--out", filepath.Join(dir, "results"), "--set", set("model=LSTM")}
	if code, _, stderr = sim(t, append(run, "--set", set("weights=mine.json"), "-o", "json")...); code != exitOK {
		t.Errorf("a scenario with its own weights: exit %d\n%s", code, stderr)
	}
	if code, _, stderr = sim(t, append(run, "--set", set("weights=no.json"))...); code != exitInvalid || !strings.Contains(stderr, "scaler.forecast.weights: cannot read "+filepath.Join(dir, "no.json")) {
		t.Errorf("weights that are not there: exit %d\n%s", code, stderr)
	}
	if code, _, stderr = sim(t, append(run, "--set", set("weights=s.yaml"))...); code != exitInvalid || !strings.Contains(stderr, "want a file that sim forecast train wrote") {
		t.Errorf("weights that are none: exit %d\n%s", code, stderr)
	}
	run[len(run)-1] = set("model=PerfectForesight")
	if code, stdout, stderr = sim(t, append(run, "-o", "json")...); code != exitOK || !strings.Contains(stdout, `"oracle": true`) || !strings.Contains(stdout, "it is an oracle") {
		t.Errorf("an oracle is not marked: exit %d\n%s", code, stderr)
	}
	if code, _, stderr = sim(t, append(run, "--set", set("weights=mine.json"))...); code != exitInvalid || !strings.Contains(stderr, "weights are for the model LSTM, not for PerfectForesight") {
		t.Errorf("weights for an oracle: exit %d\n%s", code, stderr)
	}
}
