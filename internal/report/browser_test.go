//go:build browser

package report

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kwatt-sim/kwatt/internal/decisions"
)

// These tests run with `make test-browser`. They open reports in a real
// Chromium, and fail where there is none or where the build lacks the charting
// library: a check that was not made must not look like one that passed.

// probe runs in the page after its own script. It writes into the document what
// the page is made of, for dump-dom to show.
const probe = `
window.addEventListener("error", function (e) { console.error("uncaught: " + e.message); });
window.addEventListener("load", function () {
  var out = { charts: [], tips: [], overflow: document.documentElement.scrollWidth - window.innerWidth, unnamed: 0 };
  document.querySelectorAll(".chart").forEach(function (el) {
    var chart = echarts.getInstanceByDom(el), points = 0, option = chart.getOption();
    option.series.forEach(function (s, i) { points = Math.max(points, chart.getModel().getSeriesByIndex(i).getData().count()); });
    var scatter = option.series.findIndex(function (s) { return s.type === "scatter"; });
    out.charts.push({ id: el.id, points: points, paths: el.querySelectorAll("svg path").length, label: el.getAttribute("aria-label") || "" });
    if (el.id === "chart-nodes-busy-0") {
      var cell = chart.convertToPixel({ seriesIndex: 0 }, [0, 6]);
      chart.dispatchAction({ type: "showTip", x: cell[0], y: cell[1] });
      out.cell = el.textContent;
    }
    if (scatter >= 0 && el.id.indexOf("chart-replicas") === 0) {
      var at = option.series[scatter].data[0].value, pixel = chart.convertToPixel({ seriesIndex: scatter }, at);
      chart.dispatchAction({ type: "showTip", x: pixel[0], y: pixel[1] });
      out.tips.push(el.textContent);
    }
  });
  document.querySelectorAll("button, summary").forEach(function (b) { if (!b.textContent.trim() || b.tabIndex < 0) { out.unnamed++; } });
  var first = document.querySelector("button.key");
  first.focus(); first.click();
  out.pressed = document.activeElement === first && first.getAttribute("aria-pressed");
  var pre = document.body.appendChild(document.createElement("pre"));
  pre.id = "probe"; pre.textContent = JSON.stringify(out);
});`

type probed struct {
	Charts []struct {
		ID, Label     string
		Points, Paths int
	}
	Tips     []string
	Cell     string  // the tooltip of a heat map's cell
	Overflow float64 // CSS pixels by which the page is wider than its window
	Unnamed  int     // controls without a name, or out of the keyboard's reach
	Pressed  any
}

var probeText = regexp.MustCompile(`(?s)<pre id="probe">(.*?)</pre>`)

// browse opens a page and returns what the probe found, and all that the
// browser asked the network for or complained of.
func browse(t *testing.T, page string, width int) (found probed, requests, complaints []string) {
	t.Helper()
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("want Chromium (Debian's package chromium): %v", err)
	}
	dir := t.TempDir()
	path, netlog := filepath.Join(dir, "report.html"), filepath.Join(dir, "net.json")
	if err := os.WriteFile(path, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
		"--disable-component-update", "--no-first-run", "--host-resolver-rules=MAP * ~NOTFOUND", "--user-data-dir="+filepath.Join(dir, "profile"), "--log-net-log="+netlog,
		"--enable-logging=stderr", fmt.Sprintf("--window-size=%d,1000", width), "--virtual-time-budget=8000", "--dump-dom", "file://"+path)
	var log strings.Builder
	cmd.Stderr = &log
	dom, err := cmd.Output()
	if err != nil {
		t.Fatalf("chromium: %v\n%s", err, log.String())
	}
	match := probeText.FindSubmatch(dom)
	if match == nil {
		t.Fatalf("the page's scripts did not run to their end:\n%s", log.String())
	}
	if err := json.Unmarshal([]byte(html.UnescapeString(string(match[1]))), &found); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, "CONSOLE") {
			complaints = append(complaints, strings.TrimSpace(line))
		}
	}
	return found, requestsOf(t, netlog), complaints
}

// requestsOf lists what the page asked the network for, in a log of Chromium's
// network stack: an event a line. The browser's own errands have no origin.
func requestsOf(t *testing.T, path string) []string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	outward := regexp.MustCompile(`"url":"((?:https?|wss?|ftp)://[^"]*)"`)
	var out []string
	for line := range strings.Lines(string(b)) {
		m := outward.FindStringSubmatch(line)
		if m != nil && strings.Contains(line, `"initiator":"`) && !strings.Contains(line, `"initiator":"not an origin"`) {
			out = append(out, m[1])
		}
	}
	return out
}

// withDecisions gives each run a decision with a hostile reason.
func withDecisions(d Document) Document {
	for _, r := range d.Runs {
		r.Decisions = append(r.Decisions, decisions.Entry{T: 1800, Service: "ranker", Kind: decisions.Scale, From: 3, To: 5,
			Reason: "utilisation 0.81 of 0.60 asks for 5 <img src=x onerror=alert(1)>"})
	}
	return d
}

func browserLibrary(t *testing.T) []byte {
	t.Helper()
	lib, err := embeddedECharts()
	if err != nil {
		t.Fatal(err)
	}
	if lib == nil {
		t.Fatal("this build embeds no charting library: run `make assets` first")
	}
	return lib
}

func TestBrowserDrawsEveryChart(t *testing.T) {
	lib := browserLibrary(t)
	d := withNodes(withDecisions(fixture(t, "ranker", fixturePolicies, 3, 6000)))
	want := strings.Count(render(t, d, lib), `<div class="chart"`)
	for _, width := range []int{1200, 500} { // Chromium's narrowest window
		found, requests, complaints := browse(t, render(t, d, slices.Concat(lib, []byte(probe))), width)
		if want < 12 || len(found.Charts) != want {
			t.Errorf("%d px: %d charts, want %d", width, len(found.Charts), want)
		}
		for _, c := range found.Charts {
			if c.Paths < 3 || c.Points == 0 || c.Points > 4000 || c.Label == "" {
				t.Errorf("%d px: %+v: want a drawing of 1 to 4000 points with a label", width, c)
			}
		}
		if len(requests) > 0 || len(complaints) > 0 {
			t.Errorf("%d px: requests %q, complaints %q", width, requests, complaints)
		}
		if found.Overflow > 0 || found.Unnamed > 0 || found.Pressed != "false" {
			t.Errorf("%d px: overflow %v px, %d unnamed controls, legend entry pressed: %v, want false", width, found.Overflow, found.Unnamed, found.Pressed)
		}
		if !strings.Contains(found.Cell, "t4-0, from 2017-12-02 00:0") {
			t.Errorf("%d px: the tooltip of a cell says %q", width, found.Cell)
		}
		if len(found.Tips) != 1 || !strings.Contains(found.Tips[0], "static: 3 → 5, utilisation 0.81 of 0.60 asks for 5 <img") {
			t.Errorf("%d px: the tooltip of a decision says %q", width, found.Tips)
		}
	}
}

// The checks above must be able to fail.
func TestBrowserSeesRequestsAndErrors(t *testing.T) {
	lib := browserLibrary(t)
	d := fixture(t, "ranker", fixturePolicies[:2], 2, 60)
	bad := `;console.error("a complaint"); document.addEventListener("DOMContentLoaded", function () {
  var i = document.createElement("img"); i.src = "http://192.0.2.1/x.png"; document.body.appendChild(i); });`
	page := render(t, d, slices.Concat(lib, []byte(probe+bad)))
	_, _, complaints := browse(t, page, 1200)
	text := strings.Join(complaints, "\n")
	if !strings.Contains(text, "a complaint") || !strings.Contains(text, "Content Security Policy") {
		t.Errorf("complaints %q: want the script's own, and that the image is forbidden", complaints)
	}
	open := csp.ReplaceAllString(page, `http-equiv="x" content=""`)
	if _, requests, _ := browse(t, open, 1200); len(requests) == 0 {
		t.Error("a request that no policy forbids was not seen")
	}
}
