package controlplane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// probePeriod is how often a component that starts is asked whether it is ready.
const probePeriod = 50 * time.Millisecond

// probeTimeout bounds one question.
const probeTimeout = 3 * time.Second

// readyPath is where a component says that it is ready to work.
func readyPath(c Component) string {
	if c == ControllerManager {
		return "/healthz" // it has no other
	}
	return "/readyz"
}

// prober asks components whether they are well, over TLS with certificates of
// the cluster, so that a stranger on the port cannot answer.
type prober struct {
	l      layout
	client map[Component]*http.Client
}

func newProber(l layout) (*prober, error) {
	p := &prober{l: l, client: map[Component]*http.Client{}}
	for _, c := range Components() {
		tls, err := clientTLS(l, c)
		if err != nil {
			return nil, err
		}
		// A connection kept would outlive a component and fail the next question.
		p.client[c] = &http.Client{Timeout: probeTimeout, Transport: &http.Transport{TLSClientConfig: tls, DisableKeepAlives: true}}
	}
	return p, nil
}

// ready returns nil when the component says that it is ready, else why not. A
// program of another version may only know whether it is healthy.
func (p *prober) ready(ctx context.Context, c Component, port int) error {
	known, err := p.ask(ctx, c, port, readyPath(c))
	if !known && err == nil {
		_, err = p.ask(ctx, c, port, "/healthz")
	}
	return err
}

// ask asks at a path; known is false when the component has none of that name.
func (p *prober) ask(ctx context.Context, c Component, port int, path string) (known bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, loopbackURL(port)+path, nil)
	if err != nil {
		return false, err
	}
	resp, err := p.client[c].Do(req)
	if err != nil {
		return false, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	switch {
	case err != nil:
		return false, err
	case resp.StatusCode == http.StatusNotFound && path != "/healthz":
		return false, nil
	case resp.StatusCode != http.StatusOK:
		return true, fmt.Errorf("%s says %s: %s", path, resp.Status, failedChecks(string(body)))
	}
	return true, nil
}

// failedChecks keeps of a list of checks those that failed.
func failedChecks(body string) string {
	var failed []string
	for line := range strings.Lines(body) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "[+]") {
			failed = append(failed, line)
		}
	}
	return strings.Join(failed, "; ")
}

// await asks until the component is ready, has ended or time is up.
func (p *prober) await(ctx context.Context, c Component, port int, ended <-chan struct{}) error {
	asking, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // a stranger on its port might never answer
		select {
		case <-ended:
			cancel()
		case <-asking.Done():
		}
	}()
	ticker := time.NewTicker(probePeriod)
	defer ticker.Stop()
	last := errors.New("it was not asked yet")
	for {
		err := p.ready(asking, c, port)
		if err == nil {
			return nil
		}
		if asking.Err() == nil {
			last = err
		}
		select {
		case <-ended:
			return errEnded
		case <-ctx.Done():
			return fmt.Errorf("%w: %s is not ready: %w", context.Cause(ctx), c, last)
		case <-ticker.C:
		}
	}
}

// errEnded says that a component ended before it was ready.
var errEnded = errors.New("it ended before it was ready")
