package controlplane

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The tests of the launcher run with components that are only as much as it
// sees of them: a process, its ports, its health check. They are this test
// binary, so they start at once and can be told to misbehave; the real ones are
// in the tests of package component.

// upHelper is the environment variable that makes the test binary a program
// that starts a detached cluster in the folder it names.
const upHelper = "KWATT_TEST_UP"

func TestMain(m *testing.M) {
	mains := map[Component]Main{}
	for _, c := range Components() {
		mains[c] = fakeComponent
	}
	Dispatch(mains)
	if dir := os.Getenv(upHelper); dir != "" {
		if _, err := UpDetached(context.Background(), Config{Dir: dir}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// Arguments that make a fake component misbehave.
const (
	fakeDies       = "--fake-dies"        // it ends at once, with exit code 3
	fakeNeverReady = "--fake-never-ready" // its health check fails
	fakeStubborn   = "--fake-stubborn"    // it ignores SIGTERM and SIGHUP
)

func fakeComponent(args []string) int {
	set := map[string]string{}
	for _, a := range args {
		name, value, _ := strings.Cut(a, "=")
		set[name] = value
	}
	if _, ok := set[fakeDies]; ok {
		fmt.Fprintln(os.Stderr, "fake: told to die")
		return 3
	}
	if _, ok := set[fakeStubborn]; ok {
		signal.Ignore(syscall.SIGTERM, syscall.SIGHUP)
	}
	if err := serveFake(set); err != nil {
		fmt.Fprintln(os.Stderr, "fake:", err)
	}
	return 1
}

func serveFake(set map[string]string) error {
	address, cert, key, ca := "127.0.0.1:"+set["--secure-port"], set["--tls-cert-file"], set["--tls-private-key-file"], set["--client-ca-file"]
	if listen, ok := set["--listen"]; ok {
		address = listen
	}
	if client, ok := set["--listen-client-urls"]; ok {
		address, cert, key, ca = strings.TrimPrefix(client, "https://"), set["--cert-file"], set["--key-file"], set["--trusted-ca-file"]
		peer, err := net.Listen("tcp", strings.TrimPrefix(set["--listen-peer-urls"], "https://"))
		if err != nil {
			return err
		}
		defer func() { _ = peer.Close() }()
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return err
	}
	pool, err := certPool(ca)
	if err != nil {
		return err
	}
	listener, err := tls.Listen("tcp", address, &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	health := func(w http.ResponseWriter, _ *http.Request) {
		if _, ok := set[fakeNeverReady]; ok {
			http.Error(w, "[+]ping ok\n[-]soul failed", http.StatusInternalServerError)
		}
	}
	mux.HandleFunc("/readyz", health)
	mux.HandleFunc("/healthz", health)
	mux.HandleFunc("/api/v1/namespaces/default/serviceaccounts/default", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"default"}}`)
	})
	return http.Serve(listener, mux)
}

// fakeDir is a folder for a cluster that is cleared of processes at the end,
// whatever the test left.
func fakeDir(t *testing.T) string {
	t.Helper()
	l, err := makeLayout(t.TempDir() + "/cluster")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		left, err := processesOf(l)
		if err == nil {
			err = killAll(left)
		}
		if err != nil {
			t.Error(err)
		}
	})
	return string(l)
}

// startFake starts a cluster of fake components that ends with the test.
func startFake(t *testing.T, cfg Config) *Cluster {
	t.Helper()
	c, err := Up(testContext(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Down(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return c
}

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// eventually asks until it holds; what says what was awaited.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("not within 30 s: %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// assertNothingLeft fails when a process or a file of the cluster is there.
func assertNothingLeft(t *testing.T, dir string) {
	t.Helper()
	left, err := processesOf(layout(dir))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range left {
		t.Errorf("process %d is left: %v", p.PID, p.Args)
	}
	if _, err := os.Lstat(dir); !os.IsNotExist(err) {
		entries, _ := os.ReadDir(dir)
		t.Errorf("the folder is left, with %v", entries)
	}
}
