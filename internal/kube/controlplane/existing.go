package controlplane

import (
	"context"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// ProductionError says why a cluster looks like one that others depend on.
type ProductionError struct {
	Context string
	Reasons []string
}

// Error implements error.
func (e *ProductionError) Error() string {
	return fmt.Sprintf("context %s looks like production: %s. A replay creates and deletes nodes, pods and autoscalers there. "+
		"Name another context, or insist with --force", e.Context, strings.Join(e.Reasons, "; "))
}

// maxRealNodes is how many nodes that are not kwok's a cluster for trying things
// out has: the one of kind or minikube.
const maxRealNodes = 1

// Existing is how to call a cluster that somebody else runs, by a kubeconfig
// (empty: the usual one) and a context of it (empty: its current one). Unless
// forced, it refuses with a *ProductionError a cluster that looks like
// production: one whose context, cluster, user, server or node names contain
// "prod", or that has more than one node which is not kwok's.
func Existing(ctx context.Context, kubeconfig, contextName string, force bool) (*rest.Config, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = kubeconfig
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: contextName})
	raw, err := loader.RawConfig()
	if err != nil {
		return nil, fmt.Errorf("read kubeconfig: %w", err)
	}
	if contextName == "" {
		contextName = raw.CurrentContext
	}
	chosen, ok := raw.Contexts[contextName]
	if !ok {
		return nil, fmt.Errorf("read kubeconfig: it has no context %q", contextName)
	}
	config, err := loader.ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("read kubeconfig: context %s: %w", contextName, err)
	}
	if force {
		return config, nil
	}
	reasons := prodNames(map[string]string{"context": contextName, "cluster": chosen.Cluster, "user": chosen.AuthInfo, "server": config.Host})
	byNodes, err := prodNodes(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("look whether context %s is production: %w", contextName, err)
	}
	if reasons = append(reasons, byNodes...); len(reasons) > 0 {
		return nil, &ProductionError{contextName, reasons}
	}
	return config, nil
}

// prodNames are the names with "prod" in them; a wrong alarm costs a flag.
func prodNames(names map[string]string) (reasons []string) {
	for _, what := range []string{"context", "cluster", "user", "server"} {
		if strings.Contains(strings.ToLower(names[what]), "prod") {
			reasons = append(reasons, fmt.Sprintf("the %s is %s", what, names[what]))
		}
	}
	return reasons
}

func prodNodes(ctx context.Context, config *rest.Config) (reasons []string, err error) {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	var real []string
	for _, n := range nodes.Items {
		if n.Annotations[NodeAnnotation] != "" {
			continue
		}
		real = append(real, n.Name)
		if strings.Contains(strings.ToLower(n.Name), "prod") && len(reasons) == 0 {
			reasons = append(reasons, "it has a node "+n.Name)
		}
	}
	if len(real) > maxRealNodes {
		reasons = append(reasons, fmt.Sprintf("it has %d nodes that are not kwok's (%s, ...)", len(real), real[0]))
	}
	return reasons, nil
}
