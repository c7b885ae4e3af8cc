package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/kwatt-sim/kwatt/internal/calibrate"
)

// rates is the source of the observed server's request rate, nil without one.
func (c *calibration) rates() (calibrate.Rates, error) {
	if c.flags.rateFrom == "" {
		return nil, nil
	}
	r, err := openRates(c.env.Context, c.flags.rateFrom, c.flags.rateMetric)
	if err != nil && exitCode(err) == exitBug { // what the other side says is no bug
		err = filesError(err)
	}
	return r, err
}

// openRates makes a source of request rates: a Prometheus query, or a metric in
// the text format at a URL or in a file. It looks once, so that a wrong address
// is known before the measurement begins.
func openRates(ctx context.Context, from, metric string) (calibrate.Rates, error) {
	remote := strings.HasPrefix(from, "http://") || strings.HasPrefix(from, "https://")
	if remote && strings.Contains(from, "/api/v1/query") {
		if metric != "" {
			return nil, usageError("--rate-metric goes with a metrics URL or file; the query of --rate-from names its own")
		}
		query := func(ctx context.Context) (float64, error) { return queryPrometheus(ctx, from) }
		_, err := query(ctx)
		return calibrate.GaugeRate(query), err
	}
	if metric == "" {
		return nil, usageError("--rate-from %s: name the metric with --rate-metric", from)
	}
	selector, err := parseSelector(metric)
	if err != nil {
		return nil, err
	}
	read := func(context.Context) ([]byte, error) { return os.ReadFile(from) }
	if remote {
		read = func(ctx context.Context) ([]byte, error) { return get(ctx, from) }
	}
	look := func(ctx context.Context) (float64, bool, error) {
		text, err := read(ctx)
		if err != nil {
			return 0, false, err
		}
		v, counter, err := selector.find(text)
		if err != nil {
			err = fmt.Errorf("%s: %w", from, err)
		}
		return v, counter, err
	}
	_, counter, err := look(ctx)
	if err != nil {
		return nil, err
	}
	value := func(ctx context.Context) (float64, error) {
		v, _, err := look(ctx)
		return v, err
	}
	if counter {
		return calibrate.CounterRate(value), nil
	}
	return calibrate.GaugeRate(value), nil
}

// mostBytes is more than any sane page of metrics.
const mostBytes = 64 << 20

// get fetches a page.
func get(ctx context.Context, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, mostBytes))
	err = errors.Join(err, response.Body.Close())
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %.200s", url, response.Status, bytes.TrimSpace(body))
	}
	return body, err
}

// queryPrometheus asks the HTTP API for the one value of an instant query.
func queryPrometheus(ctx context.Context, url string) (float64, error) {
	body, err := get(ctx, url)
	if err != nil {
		return 0, err
	}
	var answer struct {
		Error string
		Data  struct {
			ResultType string
			Result     json.RawMessage
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Error != "" {
		return 0, fmt.Errorf("%s: not an answer of the Prometheus API: %.200s", url, body)
	}
	var value [2]any // time, value as text
	switch answer.Data.ResultType {
	case "scalar":
		err = json.Unmarshal(answer.Data.Result, &value)
	case "vector":
		var series []struct{ Value [2]any }
		err = json.Unmarshal(answer.Data.Result, &series)
		if err == nil && len(series) != 1 {
			return 0, fmt.Errorf("%s: the query gives %d series: want one, for example sum(rate(…[1m]))", url, len(series))
		}
		if err == nil {
			value = series[0].Value
		}
	default:
		return 0, fmt.Errorf("%s: the query gives a %q: want one value", url, answer.Data.ResultType)
	}
	text, ok := value[1].(string)
	v, failed := strconv.ParseFloat(text, 64)
	if err = errors.Join(err, failed); err != nil || !ok || v-v != 0 || v < 0 {
		return 0, fmt.Errorf("%s: the query gives %v: want a rate in req/s", url, value[1])
	}
	return v, nil
}

// selector names samples of the text format.
type selector struct {
	name   string
	labels map[string]string
}

var (
	selectorForm = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(.*)\})?$`)
	labelForm    = regexp.MustCompile(`^\s*([a-zA-Z_][a-zA-Z0-9_]*)="([^"]*)"\s*$`)
)

func parseSelector(s string) (selector, error) {
	m := selectorForm.FindStringSubmatch(s)
	if m == nil {
		return selector{}, usageError(`--rate-metric %s: want name or name{label="value",…}`, s)
	}
	sel := selector{name: m[1], labels: map[string]string{}}
	for part := range strings.SplitSeq(m[3], ",") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		l := labelForm.FindStringSubmatch(part)
		if l == nil {
			return selector{}, usageError(`--rate-metric %s: %s is not label="value"`, s, part)
		}
		sel.labels[l[1]] = l[2]
	}
	return sel, nil
}

// find sums the samples that the selector names, and tells a counter from a
// gauge: by its declared type, or by its name when it has none.
func (s selector) find(text []byte) (sum float64, counter bool, err error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		return 0, false, fmt.Errorf("read metrics: %w", err)
	}
	family, ok := families[s.name]
	if !ok {
		return 0, false, fmt.Errorf("there is no metric %s", s.name)
	}
	found := 0
	for _, m := range family.GetMetric() {
		if !s.matches(m) {
			continue
		}
		found++
		switch family.GetType() {
		case dto.MetricType_COUNTER:
			sum += m.GetCounter().GetValue()
			counter = true
		case dto.MetricType_GAUGE:
			sum += m.GetGauge().GetValue()
		case dto.MetricType_UNTYPED:
			sum += m.GetUntyped().GetValue()
			counter = strings.HasSuffix(s.name, "_total") || strings.HasSuffix(s.name, "_count")
		default:
			return 0, false, fmt.Errorf("metric %s is a %v: want a counter of requests or a gauge of their rate", s.name, family.GetType())
		}
	}
	if found == 0 {
		return 0, false, fmt.Errorf("no sample of metric %s has these labels", s.name)
	}
	return sum, counter, nil
}

func (s selector) matches(m *dto.Metric) bool {
	has := map[string]string{}
	for _, l := range m.GetLabel() {
		has[l.GetName()] = l.GetValue()
	}
	for name, value := range s.labels {
		if has[name] != value {
			return false
		}
	}
	return true
}
