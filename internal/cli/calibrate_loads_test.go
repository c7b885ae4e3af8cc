package cli

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kwatt-sim/kwatt/internal/calibrate"
	"github.com/kwatt-sim/kwatt/internal/calibrate/gputest"
	"github.com/kwatt-sim/kwatt/internal/powerprofile"
)

// A user's command is started for each state, with what it is to do, and gone
// afterwards.
func TestCalibrateCommand(t *testing.T) {
	w, dir := gputest.New(4), t.TempDir()
	w.Noise = 1
	command := "echo duty {duty} batch {batch} on {device} $CUDA_VISIBLE_DEVICES; sleep 1000"
	code, stdout, stderr := calibrateOn(t, t.Context(), testHost{w}, "--quick", "--load", command, "--batches", "1,8", "--duties", "0.5,1", "--out", dir, "-q")
	if code != exitOK {
		t.Fatal(code, stderr)
	}
	log, err := os.ReadFile(filepath.Join(dir, loadLog))
	if err != nil {
		t.Fatal(err)
	}
	uuid := "GPU-00000000-0000-0000-0000-000000000001"
	var want string
	for _, c := range []string{"duty 0 batch 1", "duty 0.5 batch 1", "duty 0.5 batch 8", "duty 1 batch 1", "duty 1 batch 8"} {
		line := "echo " + c + " on " + uuid + " $CUDA_VISIBLE_DEVICES; sleep 1000"
		want += "$ " + line + "\n"
	}
	var started string
	for line := range strings.Lines(string(log)) {
		if strings.HasPrefix(line, "$ ") {
			started += line
		} else if !strings.HasSuffix(line, " on "+uuid+" "+uuid+"\n") {
			t.Errorf("the command printed %q", line)
		}
	}
	if d := cmp.Diff(want, started); d != "" {
		t.Errorf("commands (-want +got)\n%s", d)
	}
	if strings.Count(stdout, "command, batch") != 4 || !strings.Contains(stdout, "command, batch 8, duty 0.5") {
		t.Errorf("stdout\n%s", stdout)
	}

	// One that ends by itself is an error that says where it printed. Fake time
	// waits for the real process here.
	patient := gputest.New(4)
	patient.OnSleep = func() { time.Sleep(time.Millisecond) }
	code, _, stderr = calibrateOn(t, t.Context(), testHost{patient}, "--quick", "--load", "exit 3", "--out", t.TempDir(), "-q")
	if code != exitFiles || !strings.Contains(stderr, `"exit 3": exit status 3; see `) {
		t.Errorf("exit %d, %s", code, stderr)
	}
}

// A running server is recorded with its request rate, from whichever source.
func TestCalibrateObserve(t *testing.T) {
	w := gputest.New(5)
	w.Others = []calibrate.Process{{PID: 7, Name: "tritonserver"}}
	start := w.Now()
	requests := func() float64 { return 1000 + 25*w.Now().Sub(start).Seconds() }
	metrics := func() string {
		return fmt.Sprintf("# TYPE requests counter\nrequests{model=\"a\"} %g\nrequests{model=\"b\"} %g\nother 3\n# TYPE rate gauge\nrate 12.5\n", requests(), 2*requests())
	}
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/metrics":
			fmt.Fprint(out, metrics())
		case r.URL.Query().Get("query") == "two":
			fmt.Fprint(out, `{"status":"success","data":{"resultType":"vector","result":[{"value":[1,"1"]},{"value":[1,"2"]}]}}`)
		case r.URL.Query().Get("query") == "none":
			fmt.Fprint(out, `{"status":"success","data":{"resultType":"vector","result":[]}}`)
		case r.URL.Query().Get("query") == "bad":
			out.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(out, `{"status":"error","error":"parse error"}`)
		case r.URL.Path == "/api/v1/query":
			fmt.Fprint(out, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1767323047,"33.5"]}]}}`)
		}
	}))
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "metrics.prom")
	if err := os.WriteFile(file, []byte("# TYPE rate gauge\nrate{node=\"x\"} 4\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		from, metric string
		rate         float64
	}{
		{server.URL + "/metrics", "requests", 75},
		{server.URL + "/metrics", `requests{model="b"}`, 50},
		{server.URL + "/metrics", "rate", 12.5},
		{server.URL + "/api/v1/query?query=sum(rate(x[1m]))", "", 33.5},
		{file, "rate", 4},
		{"", "", 0},
	} {
		dir := t.TempDir()
		args := []string{"--observe", "45s", "--out", dir, "-q"}
		if c.from != "" {
			args = append(args, "--rate-from", c.from)
		}
		if c.metric != "" {
			args = append(args, "--rate-metric", c.metric)
		}
		code, stdout, stderr := calibrateOn(t, t.Context(), testHost{w}, args...)
		if code != exitOK || strings.Count(stdout, "\n") != 7 {
			t.Fatalf("%v: exit %d\n%s%s", c, code, stdout, stderr)
		}
		p := must(powerprofile.Load(filepath.Join(dir, profileFile)))
		if len(p.Spec.Observed) != 5 || p.Spec.Source.Load != "Observed" || p.Spec.Source.RateFrom != c.from || p.Spec.Source.OtherProcesses != 1 {
			t.Errorf("%v: %d windows, %+v", c, len(p.Spec.Observed), p.Spec.Source)
		}
		for _, o := range p.Spec.Observed {
			if o.Rate == nil != (c.from == "") || o.Rate != nil && (*o.Rate < c.rate*0.99 || *o.Rate > c.rate*1.01) || o.Watts < 70 || o.Watts > 75 || o.Grade != "A" {
				t.Errorf("%v: %+v, rate %v", c, o, o.Rate)
			}
		}
	}
	for args, want := range map[string]string{
		server.URL + "/metrics --rate-metric absent":                "there is no metric absent",
		server.URL + "/metrics --rate-metric requests{model=\"c\"}": "no sample of metric requests has these labels",
		server.URL + "/metrics --rate-metric 7up":                   "want name or name{label=",
		server.URL + "/api/v1/query?query=two":                      "the query gives 2 series: want one",
		server.URL + "/api/v1/query?query=none":                     "the query gives 0 series: want one",
		server.URL + "/api/v1/query?query=bad":                      "400 Bad Request",
		file + ".absent --rate-metric rate":                         "no such file",
	} {
		code, _, stderr := calibrateOn(t, t.Context(), testHost{gputest.New(1)}, append([]string{"--observe", "1m", "--out", t.TempDir(), "--rate-from"}, strings.Fields(args)...)...)
		if code == exitOK || code == exitBug || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit %d, want %q in\n%s", args, code, want, stderr)
		}
	}
}

// Ctrl-C ends an observation early; what was recorded is written.
func TestCalibrateObserveInterrupted(t *testing.T) {
	w, dir := gputest.New(6), t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	w.After(32*time.Second, cancel)
	code, stdout, stderr := calibrateOn(t, ctx, testHost{w}, "--observe", "10m", "--out", dir)
	if code != exitOK || strings.Count(stdout, "\n") != 5 {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
}
