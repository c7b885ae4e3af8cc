package controlplane

import (
	"strings"
	"testing"
	"time"
)

func TestFailedChecks(t *testing.T) {
	t.Parallel()
	body := "[+]ping ok\n[-]etcd failed: reason withheld\n[+]log ok\nreadyz check failed\n"
	if got := failedChecks(body); got != "[-]etcd failed: reason withheld; readyz check failed" {
		t.Errorf("%q", got)
	}
}

// A health check answers only for the very cluster: another one's component on
// the same port is a stranger.
func TestHealthIsTheOwnClusters(t *testing.T) {
	t.Parallel()
	one := startFake(t, Config{Dir: fakeDir(t)})
	other := layout(t.TempDir())
	if err := makePKI(other, time.Now()); err != nil {
		t.Fatal(err)
	}
	for dir, healthy := range map[layout]bool{one.l: true, other: false} {
		p, err := newProber(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range Components() {
			err := p.ready(t.Context(), c, component(t, one, c).Ports[0])
			if (err == nil) != healthy || !healthy && !strings.Contains(err.Error(), "certificate") {
				t.Errorf("%s with the certificates of %s: %v", c, dir, err)
			}
		}
	}
}

func TestFolderIsPrivate(t *testing.T) {
	t.Parallel()
	dir := fakeDir(t)
	startFake(t, Config{Dir: dir})
	assertPrivate(t, dir)
}
