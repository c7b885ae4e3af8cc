//go:build prometheus

// These tests need Debian's package prometheus: make test-prometheus.

package openmetrics_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kwatt-sim/kwatt/internal/results"
)

// serve turns texts into blocks with promtool and starts Prometheus on them, on a
// free port of the loopback interface. It returns the address of its API.
func serve(t *testing.T, texts ...[]byte) string {
	t.Helper()
	dir := t.TempDir()
	for i, text := range texts {
		file := filepath.Join(dir, fmt.Sprintf("%d.om", i))
		if err := os.WriteFile(file, text, 0o666); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("promtool", "tsdb", "create-blocks-from", "openmetrics", file, filepath.Join(dir, "data")).CombinedOutput(); err != nil {
			t.Fatalf("promtool: %v\n%s", err, out)
		}
	}
	config := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(config, []byte("global: {}\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	server := exec.Command("prometheus", "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--storage.tsdb.retention.time=100y", "--web.listen-address="+address)
	server.Stdout, server.Stderr = log, log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
		log.Close()
	})
	for range 300 {
		if r, err := http.Get("http://" + address + "/-/ready"); err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return "http://" + address + "/api/v1/"
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	said, _ := os.ReadFile(log.Name())
	t.Fatalf("Prometheus is not ready after 30 s:\n%s", said)
	return ""
}

// answer is the part of the API's answers that the tests read.
type answer struct {
	Status, Error string
	Data          struct {
		Result []struct {
			Metric map[string]string
			Value  [2]any   // of an instant
			Values [][2]any // of a range
		}
	}
}

// ask returns all values of an answer by policy.
func ask(t *testing.T, api, path string, query url.Values) map[string][]float64 {
	t.Helper()
	r, err := http.Get(api + path + "?" + query.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	var a answer
	if err := json.Unmarshal(body, &a); err != nil || a.Status != "success" {
		t.Fatalf("%s: %v: %s", query.Get("query"), err, body)
	}
	out := map[string][]float64{}
	for _, s := range a.Data.Result {
		values := s.Values
		if values == nil {
			values = [][2]any{s.Value}
		}
		for _, v := range values {
			x, err := strconv.ParseFloat(v[1].(string), 64)
			if err != nil {
				t.Fatal(err)
			}
			if !math.IsNaN(x) {
				out[s.Metric["policy"]] = append(out[s.Metric["policy"]], x)
			}
		}
	}
	return out
}

// A real Prometheus answers every expression of the dashboard with figures of
// every policy, and the joules that it adds up are those of the runs.
func TestPrometheusShowsTheDashboard(t *testing.T) {
	runs := map[string]*results.Run{}
	var texts [][]byte
	for _, policy := range []string{"static", "energy-aware"} {
		text, run, _ := export(t, small, policy, time.Minute)
		texts, runs[policy] = append(texts, text), run
	}
	api := serve(t, texts...)
	const window = "20m"
	ends := opens.Add(20 * time.Minute)
	unix := func(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }
	asked := 0
	for _, panel := range readDashboard(t).Panels {
		for _, target := range panel.Targets {
			expr := filled(target.Expr, "test", "static|energy-aware", "1", window)
			path, query := "query_range", url.Values{"query": {expr}, "start": {unix(opens.Add(2 * time.Minute))}, "end": {unix(ends)}, "step": {"60"}}
			if strings.Contains(target.Expr, "$__range") {
				path, query = "query", url.Values{"query": {expr}, "time": {unix(ends)}}
			}
			got := ask(t, api, path, query)
			for policy := range runs {
				if len(got[policy]) == 0 {
					t.Errorf("panel %s, policy %s: no figure for %s", panel.Title, policy, expr)
				}
			}
			asked++
		}
	}
	t.Logf("%d expressions asked", asked)
	if asked < 30 {
		t.Errorf("the dashboard has %d expressions", asked)
	}
	for policy, run := range runs {
		at := func(expr string) float64 {
			v := ask(t, api, "query", url.Values{"query": {strings.ReplaceAll(expr, "$", `{policy="`+policy+`"}`)}, "time": {unix(ends)}})[policy]
			if len(v) != 1 {
				t.Fatalf("%s: %v", expr, v)
			}
			return v[0]
		}
		gpu, node := run.Metrics["energy_gpu_kwh"], run.Metrics["energy_node_kwh"]
		near(t, policy+": kWh of Kepler's counter", at("sum by (policy) (max_over_time(kepler_node_gpu_joules_total$[20m]) - min_over_time(kepler_node_gpu_joules_total$[20m])) / 3.6e6"), gpu, 1e-6)
		near(t, policy+": kWh of DCGM's watts", at("sum by (policy) (sum_over_time(DCGM_FI_DEV_POWER_USAGE$[20m:1m])) / 60000"), gpu, 1e-6)
		near(t, policy+": kWh of DCGM's counter", at("sum by (policy) (max by (policy, UUID) (max_over_time(DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION$[20m]))) / 3.6e9"), gpu, 1e-6)
		near(t, policy+": kWh of the nodes", at("sum by (policy) (sum_over_time(kepler_platform_watts$[20m:1m])) / 60000"), node, 1e-6)
		near(t, policy+": g CO2e", at("sum by (policy) (sum_over_time(kwatt_co2e_grams_per_hour$[20m:1m])) / 60"), run.Metrics["co2e_operational_grams"], 1e-6)
	}
}
