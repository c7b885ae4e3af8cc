package controlplane

import (
	"errors"
	"fmt"
	"os"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// writeKubeconfigs writes the administrator's kubeconfig, which holds its keys
// so that it can be carried away, and those of the components that call the API
// server, which refer to files.
func writeKubeconfigs(l layout, name, server string) error {
	if err := os.MkdirAll(l.path(kubeconfigsDir), 0o700); err != nil {
		return fmt.Errorf("write kubeconfigs: %w", err)
	}
	admin := kubeconfig(l, name, server, adminCert)
	errs := []error{clientcmdapi.FlattenConfig(admin), writeKubeconfig(l.path(adminFile), admin)}
	for _, c := range []Component{ControllerManager, Scheduler, Kwok} {
		errs = append(errs, writeKubeconfig(l.kubeconfig(c), kubeconfig(l, name, server, clientOf(c))))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("write kubeconfigs: %w", err)
	}
	return nil
}

func kubeconfig(l layout, name, server, cert string) *clientcmdapi.Config {
	context := "kwatt-" + name
	c := clientcmdapi.NewConfig()
	c.Clusters[context] = &clientcmdapi.Cluster{Server: server, CertificateAuthority: l.cert(clusterCA)}
	c.AuthInfos[context] = &clientcmdapi.AuthInfo{ClientCertificate: l.cert(cert), ClientKey: l.key(cert)}
	c.Contexts[context] = &clientcmdapi.Context{Cluster: context, AuthInfo: context}
	c.CurrentContext = context
	return c
}

func writeKubeconfig(path string, c *clientcmdapi.Config) error {
	data, err := clientcmd.Write(*c)
	if err != nil {
		return err
	}
	return writePrivate(path, data)
}

// restConfig reads a cluster's own kubeconfig. Clients are not slowed down: the
// API server takes what it can.
func restConfig(path string) (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		return nil, fmt.Errorf("read the cluster's kubeconfig: %w", err)
	}
	config.QPS = -1
	return config, nil
}
