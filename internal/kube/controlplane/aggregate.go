package controlplane

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"slices"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/dynamic"
)

// ServingFiles are what an API server of ours needs to serve behind the
// cluster's: paths of PEM files.
type ServingFiles struct {
	Cert, Key string
	// ClientCA is the authority of the front proxy: the cluster's API server
	// calls with a certificate of it, with the common name FrontProxyUser, and
	// names the real caller in the headers X-Remote-User, X-Remote-Group and
	// X-Remote-Extra-*.
	ClientCA string
}

// FrontProxyUser is the common name with which the API server calls others.
const FrontProxyUser = "front-proxy-client"

// aggregatedNamespace holds the Services that stand for aggregated API servers.
const aggregatedNamespace = metav1.NamespaceSystem

// IssueServing makes a certificate for an API server of that name, which
// Aggregate will register. The files last as long as the cluster.
func (c *Cluster) IssueServing(name string) (ServingFiles, error) {
	if err := checkName(name); err != nil {
		return ServingFiles{}, fmt.Errorf("issue a certificate: %w", err)
	}
	a, err := loadAuthority(c.l, clusterCA)
	if err != nil {
		return ServingFiles{}, err
	}
	file := "aggregated-" + name
	der, key, err := a.issue(spec{name: file, user: name, server: true, dnsNames: []string{name + "." + aggregatedNamespace + ".svc"}}, time.Now())
	if err != nil {
		return ServingFiles{}, err
	}
	if err := writePair(c.l, file, der, key); err != nil {
		return ServingFiles{}, err
	}
	return ServingFiles{Cert: c.l.cert(file), Key: c.l.key(file), ClientCA: c.l.cert(frontProxyCA)}, nil
}

// Aggregate registers an API server that listens on loopback, with the
// certificate of IssueServing, for API versions, and waits until the cluster's
// API server finds them available. Registering a name again moves it.
func (c *Cluster) Aggregate(ctx context.Context, name string, port int, versions ...schema.GroupVersion) error {
	if err := c.registerService(ctx, name, port); err != nil {
		return fmt.Errorf("register %s: %w", name, err)
	}
	config, err := c.RESTConfig()
	if err != nil {
		return err
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	authority, err := os.ReadFile(c.l.cert(clusterCA))
	if err != nil {
		return fmt.Errorf("register %s: %w", name, err)
	}
	services := client.Resource(schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"})
	for _, gv := range versions {
		object := apiService(gv, name, port, authority)
		if _, err := services.Apply(ctx, object.GetName(), object, metav1.ApplyOptions{FieldManager: "kwatt", Force: true}); err != nil {
			return fmt.Errorf("register %s for %s: %w", name, gv, err)
		}
	}
	for _, gv := range versions {
		if err := awaitAvailable(ctx, services, gv); err != nil {
			return fmt.Errorf("register %s: %w", name, err)
		}
	}
	return nil
}

// registerService makes the Service that an APIService must name: one that
// resolves to this machine.
func (c *Cluster) registerService(ctx context.Context, name string, port int) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	services := client.CoreV1().Services(aggregatedNamespace)
	want := v1.ServiceSpec{
		Type: v1.ServiceTypeExternalName, ExternalName: "localhost",
		Ports: []v1.ServicePort{{Port: int32(port), TargetPort: intstr.FromInt(port), Protocol: v1.ProtocolTCP}},
	}
	_, err = services.Create(ctx, &v1.Service{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: want}, metav1.CreateOptions{})
	if !apierrors.IsAlreadyExists(err) {
		return err
	}
	there, err := services.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	there.Spec = want
	_, err = services.Update(ctx, there, metav1.UpdateOptions{})
	return err
}

func apiService(gv schema.GroupVersion, name string, port int, authority []byte) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiregistration.k8s.io/v1",
		"kind":       "APIService",
		"metadata":   map[string]any{"name": gv.Version + "." + gv.Group},
		"spec": map[string]any{
			"group": gv.Group, "version": gv.Version,
			"groupPriorityMinimum": int64(100), "versionPriority": int64(100),
			"caBundle": base64.StdEncoding.EncodeToString(authority),
			"service":  map[string]any{"name": name, "namespace": aggregatedNamespace, "port": int64(port)},
		},
	}}
}

// awaitAvailable waits until the API server has reached the aggregated one.
func awaitAvailable(ctx context.Context, services dynamic.ResourceInterface, gv schema.GroupVersion) error {
	last := "it says nothing of it yet"
	for {
		object, err := services.Get(ctx, gv.Version+"."+gv.Group, metav1.GetOptions{})
		if err == nil {
			conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
			i := slices.IndexFunc(conditions, func(c any) bool { m, _ := c.(map[string]any); return m["type"] == "Available" })
			if i >= 0 {
				condition, _ := conditions[i].(map[string]any)
				if condition["status"] == string(metav1.ConditionTrue) {
					return nil
				}
				last = fmt.Sprint(condition["message"])
			}
		} else if ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the API server does not reach %s: %s: %w", gv, last, context.Cause(ctx))
		case <-time.After(probePeriod):
		}
	}
}
