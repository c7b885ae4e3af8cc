package component_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kwatt-sim/kwatt/internal/kube/controlplane"
)

// metricServer is the least that can stand behind the API server: one external
// metric, for callers whom the API server vouches for.
type metricServer struct {
	value atomic.Int64
	user  atomic.Pointer[string] // who asked last
}

func serveExternalMetric(t *testing.T, ctx context.Context, c *controlplane.Cluster) *metricServer {
	t.Helper()
	files, err := c.IssueServing("metrics")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(files.Cert, files.Key)
	if err != nil {
		t.Fatal(err)
	}
	authority, err := os.ReadFile(files.ClientCA)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	listener, err := tls.Listen("tcp4", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
	})
	if err != nil {
		t.Fatal(err)
	}
	m := &metricServer{}
	server := &http.Server{Handler: m, ReadHeaderTimeout: time.Second}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	gv := schema.GroupVersion{Group: "external.metrics.k8s.io", Version: "v1beta1"}
	if err := c.Aggregate(ctx, "metrics", listener.Addr().(*net.TCPAddr).Port, gv); err != nil {
		t.Fatal(err)
	}
	return m
}

func (m *metricServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if name := r.TLS.PeerCertificates[0].Subject.CommonName; name != controlplane.FrontProxyUser {
		http.Error(w, "not the front proxy: "+name, http.StatusForbidden)
		return
	}
	const root = "/apis/external.metrics.k8s.io/v1beta1"
	var answer any
	switch r.URL.Path {
	case root:
		answer = map[string]any{"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "external.metrics.k8s.io/v1beta1", "resources": []any{}}
	case root + "/namespaces/default/queue":
		user := r.Header.Get("X-Remote-User")
		m.user.Store(&user)
		answer = map[string]any{
			"kind": "ExternalMetricValueList", "apiVersion": "external.metrics.k8s.io/v1beta1", "metadata": map[string]any{},
			"items": []any{map[string]any{"metricName": "queue", "timestamp": time.Now().UTC().Format(time.RFC3339), "value": json.Number(jsonInt(m.value.Load()))}},
		}
	default:
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

func jsonInt(n int64) string {
	b, _ := json.Marshal(n)
	return string(b)
}
