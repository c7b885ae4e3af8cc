package controlplane

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

func TestExistingRefusesProduction(t *testing.T) {
	t.Parallel()
	node := func(name string, fake bool) v1.Node {
		n := v1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if fake {
			n.Annotations = map[string]string{NodeAnnotation: "fake"}
		}
		return n
	}
	for name, tt := range map[string]struct {
		context, cluster, user string
		nodes                  []v1.Node
		force                  bool
		want                   []string // nil: accepted
	}{
		"kind":            {"kind-dev", "kind-dev", "kind-dev", []v1.Node{node("dev-control-plane", false), node("gpu-0", true), node("gpu-1", true)}, false, nil},
		"no nodes":        {"c", "c", "c", nil, false, nil},
		"two real nodes":  {"c", "c", "c", []v1.Node{node("a", false), node("b", false)}, false, []string{"2 nodes that are not kwok's", "--force"}},
		"but forced":      {"eu-PROD", "c", "c", []v1.Node{node("a", false), node("b", false)}, true, nil},
		"context":         {"eu-Prod-1", "c", "c", nil, false, []string{"the context is eu-Prod-1"}},
		"cluster":         {"c", "production", "c", nil, false, []string{"the cluster is production"}},
		"user":            {"c", "c", "prod-admin", nil, false, []string{"the user is prod-admin"}},
		"node's name":     {"c", "c", "c", []v1.Node{node("prod-7", false)}, false, []string{"it has a node prod-7"}},
		"fake production": {"c", "c", "c", []v1.Node{node("prod-7", true)}, false, nil},
		"all of it":       {"prod", "prod", "prod", []v1.Node{node("a", false), node("prod", false)}, false, []string{"context", "cluster", "user", "node prod", "2 nodes"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/api/v1/nodes" {
					t.Errorf("asked for %s", r.URL)
				}
				w.Header().Set("Content-Type", "application/json")
				_ = json.NewEncoder(w).Encode(v1.NodeList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "NodeList"}, Items: tt.nodes})
			}))
			defer server.Close()
			path := kubeconfigFile(t, tt.context, tt.cluster, tt.user, server.URL)
			config, err := Existing(t.Context(), path, "", tt.force)
			if tt.want == nil {
				if err != nil || config.Host != server.URL {
					t.Errorf("%v, %v", config, err)
				}
				return
			}
			var production *ProductionError
			if !errors.As(err, &production) {
				t.Fatalf("error %v", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error lacks %q: %v", want, err)
				}
			}
		})
	}
}

func TestExistingFailsClosed(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) }))
	defer server.Close()
	path := kubeconfigFile(t, "c", "c", "u", server.URL)
	if _, err := Existing(t.Context(), path, "", false); err == nil || !strings.Contains(err.Error(), "look whether context c is production") {
		t.Errorf("nodes that cannot be read: %v", err)
	}
	if _, err := Existing(t.Context(), path, "other", false); err == nil || !strings.Contains(err.Error(), `no context "other"`) {
		t.Errorf("another context: %v", err)
	}
	if _, err := Existing(t.Context(), path+".none", "", false); err == nil {
		t.Error("no such file, and no error")
	}
}

func kubeconfigFile(t *testing.T, context, cluster, user, server string) string {
	t.Helper()
	c := clientcmdapi.NewConfig()
	c.Clusters[cluster] = &clientcmdapi.Cluster{Server: server}
	c.AuthInfos[user] = &clientcmdapi.AuthInfo{}
	c.Contexts[context] = &clientcmdapi.Context{Cluster: cluster, AuthInfo: user}
	c.CurrentContext = context
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := writeKubeconfig(path, c); err != nil {
		t.Fatal(err)
	}
	return path
}
