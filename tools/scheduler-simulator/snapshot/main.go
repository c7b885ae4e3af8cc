// Snapshot is kube-scheduler-simulator's snapshot service on the command line: it
// exports a cluster as its server does, or loads what `sim export snapshot` wrote
// into one.
//
//	go run ./snapshot export KUBECONFIG > snapshot.json
//	go run ./snapshot import KUBECONFIG < snapshot.json
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	clientset "k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	configv1 "k8s.io/kube-scheduler/config/v1"

	"sigs.k8s.io/kube-scheduler-simulator/simulator/snapshot"
)

// scheduler keeps the configuration that a snapshot brings: the cluster's
// scheduler is started with it by hand, replay up --scheduler-config.
type scheduler struct {
	config *configv1.KubeSchedulerConfiguration
}

func (s *scheduler) GetSchedulerConfig() (*configv1.KubeSchedulerConfiguration, error) {
	return s.config, nil
}

func (s *scheduler) RestartScheduler(c *configv1.KubeSchedulerConfiguration) error {
	s.config = c
	return nil
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: snapshot export|import KUBECONFIG")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Args[1], os.Args[2], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "snapshot:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, what, kubeconfig string, in io.Reader, out io.Writer) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return fmt.Errorf("read the kubeconfig: %w", err)
	}
	client, err := clientset.NewForConfig(config)
	if err != nil {
		return err
	}
	service := snapshot.NewService(client, &scheduler{&configv1.KubeSchedulerConfiguration{}})
	switch what {
	case "export":
		all, err := service.Snap(ctx)
		if err != nil {
			return fmt.Errorf("export: %w", err)
		}
		return json.NewEncoder(out).Encode(all)
	case "import":
		var all snapshot.ResourcesForLoad
		if err := json.NewDecoder(in).Decode(&all); err != nil {
			return fmt.Errorf("read the snapshot: %w", err)
		}
		if err := service.Load(ctx, &all); err != nil {
			return fmt.Errorf("import: %w", err)
		}
		return nil
	}
	return fmt.Errorf("%q: want export or import", what)
}
