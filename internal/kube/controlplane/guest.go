package controlplane

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Guest is a kube-scheduler and a kwok of ours on this machine that work for a
// cluster which somebody else runs, and the certificates to serve behind its API
// server.
type Guest struct {
	*Cluster
	children       []*child
	lifeline, hold *os.File
}

// Visit starts a scheduler and a kwok for the cluster. Of the Config count Dir,
// Scheduler and Kwok, which should name a selector of the nodes that are ours.
func Visit(ctx context.Context, cluster *rest.Config, cfg Config) (*Guest, error) {
	if !dispatched.Load() {
		return nil, errors.New("visit a cluster: this program does not call component.Dispatch first, so it cannot be its own components")
	}
	cfg, err := cfg.complete()
	if err != nil {
		return nil, fmt.Errorf("visit a cluster: %w", err)
	}
	l, err := makeLayout(cfg.Dir)
	if err != nil {
		return nil, err
	}
	g := &Guest{Cluster: &Cluster{l: l, name: cfg.Name}}
	if err := g.start(ctx, cluster, cfg); err != nil {
		return nil, errors.Join(fmt.Errorf("visit a cluster: %w", err), g.Leave())
	}
	return g, nil
}

func (g *Guest) start(ctx context.Context, cluster *rest.Config, cfg Config) error {
	ctx, cancel := context.WithTimeoutCause(ctx, cfg.StartTimeout, fmt.Errorf("not up within %v", cfg.StartTimeout))
	defer cancel()
	for _, dir := range []string{logsDir, kubeconfigsDir} {
		if err := os.MkdirAll(g.l.path(dir), 0o700); err != nil {
			return err
		}
	}
	config, err := kubeconfigOf(cluster)
	if err != nil {
		return err
	}
	for _, path := range []string{g.l.path(adminFile), g.l.kubeconfig(Scheduler), g.l.kubeconfig(Kwok)} {
		if err := writeKubeconfig(path, config); err != nil {
			return err
		}
	}
	if err := errors.Join(makePKI(g.l, time.Now()), writeConfigFiles(cfg, g.l)); err != nil {
		return err
	}
	p, err := newProber(g.l)
	if err != nil {
		return err
	}
	if g.lifeline, g.hold, err = os.Pipe(); err != nil {
		return err
	}
	for _, c := range []Component{Scheduler, Kwok} {
		if err := g.run(ctx, p, cfg, c); err != nil {
			return err
		}
	}
	return nil
}

// run starts a component and waits until it is ready.
func (g *Guest) run(ctx context.Context, p *prober, cfg Config, c Component) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	args := kwokArgs(cfg, g.l, port)
	if c == Scheduler {
		args = schedulerArgs(cfg, g.l, port)
	}
	ch, err := startChild(c, g.l, "", reexecFor(c, g.l, args), environment(cfg, g.l), g.lifeline)
	if err != nil {
		return err
	}
	g.children = append(g.children, ch)
	if err := p.await(ctx, c, port, ch.ended); err != nil {
		return fmt.Errorf("start %s: %w; the last lines of its log: %q", c, err, tailLines(g.l.log(c), tailLength))
	}
	return nil
}

// kubeconfigOf is a kubeconfig that needs no other file.
func kubeconfigOf(r *rest.Config) (*clientcmdapi.Config, error) {
	if r.ExecProvider != nil || r.AuthProvider != nil {
		return nil, errors.New("the context's user logs in through a plugin: make one with a token or a certificate")
	}
	r = rest.CopyConfig(r)
	if err := rest.LoadTLSFiles(r); err != nil {
		return nil, err
	}
	if r.BearerTokenFile != "" {
		token, err := os.ReadFile(r.BearerTokenFile)
		if err != nil {
			return nil, err
		}
		r.BearerToken = string(token)
	}
	const name = "visited"
	c := clientcmdapi.NewConfig()
	c.Clusters[name] = &clientcmdapi.Cluster{Server: r.Host, CertificateAuthorityData: r.CAData, InsecureSkipTLSVerify: r.Insecure, TLSServerName: r.ServerName}
	c.AuthInfos[name] = &clientcmdapi.AuthInfo{ClientCertificateData: r.CertData, ClientKeyData: r.KeyData, Token: r.BearerToken, Username: r.Username, Password: r.Password}
	c.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	c.CurrentContext = name
	return c, nil
}

// guestGrace is how long a component may take to end.
const guestGrace = 5 * time.Second

// Leave ends what was started and removes the folder.
func (g *Guest) Leave() error {
	for _, ch := range g.children {
		ch.stop(guestGrace)
	}
	for _, f := range []*os.File{g.hold, g.lifeline} {
		if f != nil {
			_ = f.Close()
		}
	}
	return g.l.clear()
}

// Aggregated reports which of the API versions the cluster serves through an
// aggregated API server that is not of this name.
func (c *Cluster) Aggregated(ctx context.Context, name string, versions ...schema.GroupVersion) (taken []schema.GroupVersion, err error) {
	services, err := c.apiServices()
	if err != nil {
		return nil, err
	}
	all, err := services.List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list aggregated API servers: %w", err)
	}
	for _, gv := range versions {
		for _, x := range all.Items {
			if x.GetName() == gv.Version+"."+gv.Group && !isOurs(x.Object, name) {
				taken = append(taken, gv)
			}
		}
	}
	return taken, nil
}

func isOurs(apiService map[string]any, name string) bool {
	spec, _ := apiService["spec"].(map[string]any)
	service, _ := spec["service"].(map[string]any)
	return service["name"] == name
}

// Disaggregate takes back what Aggregate registered.
func (c *Cluster) Disaggregate(ctx context.Context, name string, versions ...schema.GroupVersion) error {
	services, err := c.apiServices()
	if err != nil {
		return err
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	errs := []error{client.CoreV1().Services(aggregatedNamespace).Delete(ctx, name, metav1.DeleteOptions{})}
	for _, gv := range versions {
		errs = append(errs, services.Delete(ctx, gv.Version+"."+gv.Group, metav1.DeleteOptions{}))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("take back %s: %w", name, err)
	}
	return nil
}

func (c *Cluster) apiServices() (dynamic.ResourceInterface, error) {
	config, err := c.RESTConfig()
	if err != nil {
		return nil, err
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return client.Resource(schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"}), nil
}
