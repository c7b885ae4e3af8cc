package component

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	"sigs.k8s.io/kwok/pkg/client/clientset/versioned"
	"sigs.k8s.io/kwok/pkg/kwok/controllers"
	"sigs.k8s.io/kwok/pkg/log"
	"sigs.k8s.io/kwok/pkg/utils/client"
)

// podRange are the addresses that pods get; nothing routes them.
const podRange = "10.128.0.1/9"

// leaseParallelism is how many leases are renewed at once. With kwok's 4, a
// thousand nodes fall silent as soon as the API server takes 40 ms to answer.
const leaseParallelism = 32

// kwokFlags are the flags of component kwok. kwok's own command would serve
// logs, exec and metrics in plain HTTP to everybody; its controller is all that
// is wanted here, with a health check for those with a certificate.
type kwokFlags struct {
	kubeconfig, stages, listen, cert, key, clientCA, selector string
	nodeLease                                                 time.Duration
	pods, nodes                                               uint
}

func parseKwokFlags(args []string) (kwokFlags, error) {
	var f kwokFlags
	fs := flag.NewFlagSet("kwok", flag.ContinueOnError)
	fs.StringVar(&f.kubeconfig, "kubeconfig", "", "how to call the API server")
	fs.StringVar(&f.stages, "stages", "", "file of Stages that replace the default ones of the same resources")
	fs.StringVar(&f.listen, "listen", "", "address of the health check")
	fs.StringVar(&f.cert, "tls-cert-file", "", "its certificate")
	fs.StringVar(&f.key, "tls-private-key-file", "", "the certificate's key")
	fs.StringVar(&f.clientCA, "client-ca-file", "", "the authority of those who may ask")
	fs.StringVar(&f.selector, "node-selector", "", "label selector of the nodes to play (default: all)")
	fs.DurationVar(&f.nodeLease, "node-lease", 40*time.Second, "how long a node's lease lasts")
	fs.UintVar(&f.pods, "pod-parallelism", 16, "pod stages played at once")
	fs.UintVar(&f.nodes, "node-parallelism", 16, "node stages played at once")
	if err := fs.Parse(args); err != nil {
		return f, err
	}
	if fs.NArg() > 0 {
		return f, fmt.Errorf("unexpected arguments %q", fs.Args())
	}
	return f, nil
}

// runKwok is the main function of component kwok.
func runKwok(args []string) int {
	f, err := parseKwokFlags(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "kwok:", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx = log.NewContext(ctx, log.NewLogger(os.Stderr, log.LevelInfo))
	if err := kwok(ctx, f); err != nil {
		fmt.Fprintln(os.Stderr, "kwok:", err)
		return 1
	}
	return 0
}

func kwok(ctx context.Context, f kwokFlags) error {
	// The port first: it costs nothing to lose it now.
	listener, err := healthListener(f)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()
	stages, err := loadStages(f.stages)
	if err != nil {
		return err
	}
	config, api, err := kwokConfig(f)
	if err != nil {
		return err
	}
	config.LocalStages = stages
	controller, err := controllers.NewController(config)
	if err != nil {
		return err
	}
	if err := controller.Start(ctx); err != nil {
		return fmt.Errorf("start the controller: %w", err)
	}
	return serveHealth(ctx, listener, api)
}

// holder is who holds the nodes' leases.
func (f kwokFlags) holder() string {
	return "kwatt-kwok" + f.selector // two kwoks of one cluster play different nodes
}

// kwokConfig makes all nodes of the cluster, or those selected, fake ones.
func kwokConfig(f kwokFlags) (controllers.Config, kubernetes.Interface, error) {
	fail := func(err error) (controllers.Config, kubernetes.Interface, error) {
		return controllers.Config{}, nil, fmt.Errorf("prepare to call the API server: %w", err)
	}
	clients, err := client.NewClientset("", f.kubeconfig)
	if err != nil {
		return fail(err)
	}
	restConfig, err := clients.ToRESTConfig()
	if err != nil {
		return fail(err)
	}
	restClient, err := rest.RESTClientFor(restConfig)
	if err != nil {
		return fail(err)
	}
	typed, err := kubernetes.NewForConfig(restConfig)
	if err != nil {
		return fail(err)
	}
	typedKwok, err := versioned.NewForConfig(restConfig)
	if err != nil {
		return fail(err)
	}
	dynamicClient, err := clients.ToDynamicClient()
	if err != nil {
		return fail(err)
	}
	mapper, err := clients.ToRESTMapper()
	if err != nil {
		return fail(err)
	}
	return controllers.Config{
		// One name for good: a kwok that is started again holds the nodes' leases
		// still, and need not wait until they run out.
		Clock: clock.RealClock{}, ID: f.holder(),
		DynamicClient: dynamicClient, RESTClient: restClient, RESTMapper: mapper, TypedClient: typed, TypedKwokClient: typedKwok,
		ImpersonatingDynamicClient: clients.ToImpersonatingDynamicClient(), ImpersonatingTypedClient: clients.ToImpersonatingTypedClient(),
		ManageAllNodes: f.selector == "", ManageNodesWithLabelSelector: f.selector, NodeIP: "127.0.0.1", CIDR: podRange,
		PodPlayStageParallelism: f.pods, NodePlayStageParallelism: f.nodes,
		NodeLeaseDurationSeconds: uint(f.nodeLease / time.Second), NodeLeaseParallelism: leaseParallelism,
		PodsOnNodeSyncParallelism: 1, EnablePodsOnNodeSyncListPager: true,
	}, typed, nil
}

func healthListener(f kwokFlags) (net.Listener, error) {
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return nil, fmt.Errorf("load the certificate: %w", err)
	}
	authority, err := os.ReadFile(f.clientCA)
	if err != nil {
		return nil, fmt.Errorf("load the clients' authority: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("load the clients' authority: %s holds no certificate", f.clientCA)
	}
	return tls.Listen("tcp4", f.listen, &tls.Config{
		Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS12,
	})
}

// serveHealth answers /readyz until the context is done: the controller has
// started, and it can read nodes.
func serveHealth(ctx context.Context, listener net.Listener, api kubernetes.Interface) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ask, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		if _, err := api.CoreV1().Nodes().List(ask, metav1.ListOptions{Limit: 1, ResourceVersion: "0"}); err != nil {
			http.Error(w, "it cannot read nodes: "+err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve health checks: %w", err)
	}
	return nil
}
