package controlplane

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// ErrNotFound says that there is no cluster of that name, or in that folder.
var ErrNotFound = errors.New("no such cluster")

// Cluster is a control plane, held by this process or by another one. Its
// methods may be called from several goroutines.
type Cluster struct {
	l        layout
	name     string
	launcher *launcher // nil when another process holds the cluster
	once     sync.Once // of Down
	downErr  error
}

// Up starts a control plane and returns once all of it is ready: every
// component, and the service account that pods need. The context is for the
// start; the cluster lives until Down, or until the calling process ends,
// however that comes about.
func Up(ctx context.Context, cfg Config) (*Cluster, error) {
	n, err := launch(ctx, cfg, false)
	if err != nil {
		return nil, err
	}
	return &Cluster{l: n.l, name: n.cfg.Name, launcher: n}, nil
}

// Find returns the cluster of that name, which some process has started. It is
// refused with a *VersionError when that was another binary than this: it might
// speak or measure differently.
func Find(name string) (*Cluster, error) {
	dir, err := DirOf(name)
	if err != nil {
		return nil, err
	}
	c, err := Open(dir)
	if err != nil {
		return nil, err
	}
	return c, c.CheckBinary()
}

// Open returns the cluster in a folder, whoever has started it, dead or alive.
func Open(dir string) (*Cluster, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		abs = real
	}
	l := layout(abs)
	if _, err := os.Stat(l.path(lockFile)); err != nil {
		return nil, fmt.Errorf("%w: %s", ErrNotFound, abs)
	}
	name := filepath.Base(abs)
	if s, err := readState(l); err == nil {
		name = s.Name
	}
	return &Cluster{l: l, name: name}, nil
}

// CheckBinary returns a *VersionError when another binary started the cluster.
func (c *Cluster) CheckBinary() error {
	s, err := readState(c.l)
	if err != nil {
		return err
	}
	return s.checkBinary(c.l)
}

// Name of the cluster.
func (c *Cluster) Name() string { return c.name }

// Dir is the cluster's folder.
func (c *Cluster) Dir() string { return string(c.l) }

// Kubeconfig is the path of the administrator's kubeconfig, which needs no other file.
func (c *Cluster) Kubeconfig() string { return c.l.path(adminFile) }

// Placements is the path of the file in which the scheduler writes down what its
// plugins say, if its configuration asks for that.
func (c *Cluster) Placements() string { return c.l.path(placementsFile) }

// LogFile is the path of a component's log.
func (c *Cluster) LogFile(component Component) string { return c.l.log(component) }

// RESTConfig is how to call the API server as its administrator, without a
// limit on the client's side.
func (c *Cluster) RESTConfig() (*rest.Config, error) { return restConfig(c.Kubeconfig()) }

// Exits gives the ends of components that nobody had asked for, as they come,
// and closes with the cluster. It is nil for a cluster that another process
// holds: ask for its Status.
func (c *Cluster) Exits() <-chan Exit {
	if c.launcher == nil {
		return nil
	}
	return c.launcher.exits
}

// Kill ends a component at once, with SIGKILL, as a fault does: Config.OnExit
// says what follows.
func (c *Cluster) Kill(component Component) error {
	p, err := c.processOf(component)
	if err == nil {
		err = p.signal(syscall.SIGKILL)
	}
	if err != nil {
		return fmt.Errorf("kill %s: %w", component, err)
	}
	return nil
}

func (c *Cluster) processOf(component Component) (process, error) {
	s, err := readState(c.l)
	if err != nil {
		return process{}, err
	}
	if _, err := ParseComponent(string(component)); err != nil {
		return process{}, err
	}
	return s.member(component).Process, nil
}

// Restart ends a component gracefully, if it runs, starts it again and returns
// once it is ready. It keeps its ports.
func (c *Cluster) Restart(ctx context.Context, component Component) error {
	if _, err := ParseComponent(string(component)); err != nil {
		return err
	}
	var err error
	if c.launcher != nil {
		err = c.launcher.restart(ctx, component)
	} else {
		err = c.restartElsewhere(ctx, component)
	}
	if err != nil {
		return fmt.Errorf("restart %s: %w", component, err)
	}
	return nil
}

// Down ends the control plane and removes its folder. For a cluster that
// another process holds, that process is asked to; what is left of one whose
// launcher is gone is cleared.
func (c *Cluster) Down(ctx context.Context) error {
	if c.launcher == nil {
		return c.downElsewhere(ctx)
	}
	c.once.Do(func() { c.downErr = c.launcher.down() })
	return c.downErr
}

// awaitDefaultAccount waits for the service account that pods of the namespace
// default get: the controller manager works.
func awaitDefaultAccount(ctx context.Context, l layout) error {
	config, err := restConfig(l.path(adminFile))
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	for {
		_, err := client.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
		if err == nil {
			return nil
		}
		if !apierrors.IsNotFound(err) && ctx.Err() == nil {
			return fmt.Errorf("wait for the default service account: %w", err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the default service account: %w", context.Cause(ctx))
		case <-time.After(probePeriod):
		}
	}
}
