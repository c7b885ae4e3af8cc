package controlplane

import (
	"crypto/x509"
	"encoding/pem"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Each certificate is good for what it is made for, and for nothing else.
func TestCertificates(t *testing.T) {
	t.Parallel()
	l := layout(t.TempDir())
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	if err := makePKI(l, now); err != nil {
		t.Fatal(err)
	}
	pools := map[string]*x509.CertPool{}
	for _, name := range []string{clusterCA, etcdCA, frontProxyCA} {
		pool, err := certPool(l.cert(name))
		if err != nil {
			t.Fatal(err)
		}
		pools[name] = pool
	}
	for _, s := range certificates() {
		cert := readCert(t, l.cert(s.name))
		for ca, pool := range pools {
			for usage, wanted := range map[x509.ExtKeyUsage]bool{x509.ExtKeyUsageServerAuth: s.server, x509.ExtKeyUsageClientAuth: s.client} {
				o := x509.VerifyOptions{Roots: pool, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{usage}}
				if _, err := cert.Verify(o); (err == nil) != (wanted && ca == s.authority) {
					t.Errorf("%s, authority %s, usage %v: %v", s.name, ca, usage, err)
				}
			}
		}
		if s.server && (cert.VerifyHostname("127.0.0.1") != nil || cert.VerifyHostname("example.com") == nil) {
			t.Errorf("%s serves %v %v", s.name, cert.IPAddresses, cert.DNSNames)
		}
		if cert.IsCA {
			t.Errorf("%s may sign others", s.name)
		}
		o := x509.VerifyOptions{Roots: pools[s.authority], CurrentTime: now.Add(certValidity + time.Second), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
		if _, err := cert.Verify(o); err == nil {
			t.Errorf("%s is good for ever", s.name)
		}
	}
	assertPrivate(t, string(l))
}

func readCert(t *testing.T, path string) *x509.Certificate {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(data)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// assertPrivate fails unless everything below a folder is its owner's alone.
func assertPrivate(t *testing.T, dir string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		files++
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return nil
	})
	if err != nil || files == 0 {
		t.Errorf("looked at %d files: %v", files, err)
	}
}
