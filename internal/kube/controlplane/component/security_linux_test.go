package component_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kwatt-sim/kwatt/internal/kube/controlplane"
)

// assertLoopback reads from the kernel what each process listens on.
func assertLoopback(t *testing.T, ctx context.Context, c *controlplane.Cluster) {
	t.Helper()
	st, err := c.Status(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range st.Components {
		addresses := listening(t, s.PID)
		var ports []int
		for _, a := range addresses {
			if !a.IP.IsLoopback() {
				t.Errorf("%s listens on %v", s.Name, a)
			}
			ports = append(ports, a.Port)
		}
		want := slices.Clone(s.Ports)
		slices.Sort(ports)
		slices.Sort(want)
		if !slices.Equal(ports, want) {
			t.Errorf("%s listens on ports %v, its status says %v", s.Name, ports, want)
		}
	}
}

// listening returns the addresses on which a process listens, TCP and UDP.
func listening(t *testing.T, pid int) (addresses []net.TCPAddr) {
	t.Helper()
	inodes := map[string]bool{}
	descriptors, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil || len(descriptors) == 0 {
		t.Fatalf("descriptors of %d: %v, %v", pid, descriptors, err)
	}
	for _, fd := range descriptors {
		link, err := os.Readlink(fd)
		if inode, ok := strings.CutPrefix(link, "socket:["); ok && err == nil {
			inodes[strings.TrimSuffix(inode, "]")] = true
		}
	}
	// State 0A is listening; 07 is a UDP socket without a peer.
	for table, state := range map[string]string{"tcp": "0A", "tcp6": "0A", "udp": "07", "udp6": "07"} {
		data, err := os.Open(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		if err != nil {
			t.Logf("no table %s: %v", table, err) // a kernel without IPv6
			continue
		}
		lines := bufio.NewScanner(data)
		for lines.Scan() {
			f := strings.Fields(lines.Text())
			if len(f) > 9 && f[3] == state && inodes[f[9]] {
				addresses = append(addresses, kernelAddress(t, f[1]))
			}
		}
		_ = data.Close()
	}
	return addresses
}

// kernelAddress reads an address as the kernel prints it: 32-bit words in the
// machine's order, which is the little end first on all that we build for.
func kernelAddress(t *testing.T, text string) net.TCPAddr {
	t.Helper()
	host, port, _ := strings.Cut(text, ":")
	ip, err := hex.DecodeString(host)
	if err != nil {
		t.Fatal(err)
	}
	for w := range slices.Chunk(ip, 4) {
		slices.Reverse(w)
	}
	n, err := strconv.ParseUint(port, 16, 16)
	if err != nil {
		t.Fatal(err)
	}
	return net.TCPAddr{IP: ip, Port: int(n)}
}

// assertStrangersRefused calls every port without a certificate, with one of
// another authority, and in plain HTTP.
func assertStrangersRefused(t *testing.T, ctx context.Context, c *controlplane.Cluster) {
	t.Helper()
	st, err := c.Status(ctx)
	if err != nil {
		t.Fatal(err)
	}
	stranger := selfSigned(t)
	ownEtcd, err := tls.LoadX509KeyPair(filepath.Join(c.Dir(), "pki", "apiserver-etcd-client.crt"), filepath.Join(c.Dir(), "pki", "apiserver-etcd-client.key"))
	if err != nil {
		t.Fatal(err)
	}
	ownAdmin, err := tls.LoadX509KeyPair(filepath.Join(c.Dir(), "pki", "admin.crt"), filepath.Join(c.Dir(), "pki", "admin.key"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range st.Components {
		ofAnother := ownEtcd // an authority of the cluster, but not of this component
		if s.Name == controlplane.Etcd {
			ofAnother = ownAdmin
		}
		for i, port := range s.Ports {
			for _, path := range []string{"/", "/healthz", "/readyz", "/livez", "/health", "/metrics", "/version", "/v3/kv/range", "/debug/pprof/"} {
				url := fmt.Sprintf("https://127.0.0.1:%d%s", port, path)
				for who, certs := range map[string][]tls.Certificate{"no certificate": nil, "a stranger's": {stranger}, "another authority's": {ofAnother}} {
					assertRefused(t, ctx, fmt.Sprintf("%s port %d with %s", s.Name, i, who), url, certs)
				}
				assertRefused(t, ctx, fmt.Sprintf("%s port %d without TLS", s.Name, i), strings.Replace(url, "https", "http", 1), nil)
			}
		}
	}
	// The same question is answered to who may ask.
	if status, err := ask(ctx, st.Server+"/version", []tls.Certificate{ownAdmin}); err != nil || status != http.StatusOK {
		t.Errorf("the administrator gets %d, %v", status, err)
	}
}

func assertRefused(t *testing.T, ctx context.Context, who, url string, certs []tls.Certificate) {
	t.Helper()
	status, err := ask(ctx, url, certs)
	if err == nil && status != http.StatusUnauthorized && status != http.StatusForbidden && status != http.StatusBadRequest {
		t.Errorf("%s: %s answers %d", who, url, status)
	}
}

func ask(ctx context.Context, url string, certs []tls.Certificate) (int, error) {
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true, Certificates: certs}}
	if len(certs) > 0 { // also when the server does not list the authority
		transport.TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &certs[0], nil }
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	resp, err := (&http.Client{Transport: transport, Timeout: 5 * time.Second}).Do(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

// selfSigned is a certificate for system:masters that nobody vouches for.
func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "kwatt-admin", Organization: []string{"system:masters"}},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// assertPrivate fails unless all of the folder is its owner's alone.
func assertPrivate(t *testing.T, dir string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if files++; info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return nil
	})
	if err != nil || files < 40 {
		t.Errorf("looked at %d files: %v", files, err)
	}
}
