package controlplane

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"time"
)

// The certificate authorities. They are apart so that a certificate for one
// thing opens no other: only etcd's own opens etcd, and only the front proxy's
// lets its holder speak for others.
const (
	clusterCA    = "ca"
	etcdCA       = "etcd-ca"
	frontProxyCA = "front-proxy-ca"
)

// The certificates that are no component's serving certificate.
const (
	adminCert      = "admin"
	etcdClientCert = "apiserver-etcd-client"
	etcdPeerCert   = "etcd-peer"
	frontProxyCert = "front-proxy-client"
	accountKey     = "service-account" // signs the tokens of service accounts
)

// certValidity is longer than any cluster lives.
const certValidity = 365 * 24 * time.Hour

// spec is a certificate to be made.
type spec struct {
	name, authority string
	user            string   // its common name
	groups          []string // its organisations
	server, client  bool     // what it is for
	dnsNames        []string // besides localhost, of a server
}

// serving is the name of a component's serving certificate.
func serving(c Component) string { return string(c) }

// clientOf is the name of the certificate with which a component calls the API server.
func clientOf(c Component) string { return string(c) + "-client" }

func certificates() []spec {
	return []spec{
		{name: serving(Etcd), authority: etcdCA, user: "etcd", server: true, client: true},
		{name: etcdPeerCert, authority: etcdCA, user: "etcd-peer", server: true, client: true},
		{name: etcdClientCert, authority: etcdCA, user: "kube-apiserver", client: true},
		{name: serving(APIServer), authority: clusterCA, user: "kube-apiserver", server: true, dnsNames: []string{
			"kubernetes", "kubernetes.default", "kubernetes.default.svc"}},
		{name: serving(ControllerManager), authority: clusterCA, user: "kube-controller-manager", server: true},
		{name: serving(Scheduler), authority: clusterCA, user: "kube-scheduler", server: true},
		{name: serving(Kwok), authority: clusterCA, user: "kwok", server: true},
		{name: adminCert, authority: clusterCA, user: "kwatt-admin", groups: []string{"system:masters"}, client: true},
		{name: clientOf(ControllerManager), authority: clusterCA, user: "system:kube-controller-manager", client: true},
		{name: clientOf(Scheduler), authority: clusterCA, user: "system:kube-scheduler", client: true},
		// kwok patches whatever its stages name, for which no role can be written beforehand.
		{name: clientOf(Kwok), authority: clusterCA, user: "kwatt-kwok", groups: []string{"system:masters"}, client: true},
		{name: frontProxyCert, authority: frontProxyCA, user: FrontProxyUser, client: true},
	}
}

// makePKI writes all keys and certificates anew.
func makePKI(l layout, now time.Time) error {
	if err := os.MkdirAll(l.path(pkiDir), 0o700); err != nil {
		return fmt.Errorf("make certificates: %w", err)
	}
	authorities := map[string]*authority{}
	for _, name := range []string{clusterCA, etcdCA, frontProxyCA} {
		a, err := newAuthority(name, now)
		if err != nil {
			return err
		}
		authorities[name] = a
		if err := writePair(l, name, a.cert.Raw, a.key); err != nil {
			return err
		}
	}
	for _, s := range certificates() {
		der, key, err := authorities[s.authority].issue(s, now)
		if err != nil {
			return err
		}
		if err := writePair(l, s.name, der, key); err != nil {
			return err
		}
	}
	return writeAccountKey(l)
}

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

func newAuthority(name string, now time.Time) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the authority %s: %w", name, err)
	}
	template, err := template(pkix.Name{CommonName: "kwatt " + name}, now)
	if err != nil {
		return nil, err
	}
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make the authority %s: %w", name, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("make the authority %s: %w", name, err)
	}
	return &authority{cert, key}, nil
}

// loadAuthority reads an authority back, to issue further certificates.
func loadAuthority(l layout, name string) (*authority, error) {
	pair, err := tls.LoadX509KeyPair(l.cert(name), l.key(name))
	if err != nil {
		return nil, fmt.Errorf("load the authority %s: %w", name, err)
	}
	signer, ok := pair.PrivateKey.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("load the authority %s: its key cannot sign", name)
	}
	return &authority{pair.Leaf, signer}, nil
}

func template(subject pkix.Name, now time.Time) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	// An hour back, for clocks that step.
	return &x509.Certificate{SerialNumber: serial, Subject: subject, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certValidity)}, nil
}

func (a *authority) issue(s spec, now time.Time) (der []byte, key crypto.Signer, err error) {
	key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make the certificate %s: %w", s.name, err)
	}
	t, err := template(pkix.Name{CommonName: s.user, Organization: s.groups}, now)
	if err != nil {
		return nil, nil, err
	}
	t.KeyUsage = x509.KeyUsageDigitalSignature
	if s.client {
		t.ExtKeyUsage = append(t.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
	}
	if s.server {
		t.ExtKeyUsage = append(t.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
		t.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
		t.DNSNames = append([]string{"localhost"}, s.dnsNames...)
	}
	der, err = x509.CreateCertificate(rand.Reader, t, a.cert, key.Public(), a.key)
	if err != nil {
		return nil, nil, fmt.Errorf("make the certificate %s: %w", s.name, err)
	}
	return der, key, nil
}

func writePair(l layout, name string, der []byte, key crypto.Signer) error {
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err == nil {
		err = errors.Join(
			writePrivate(l.key(name), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})),
			writePrivate(l.cert(name), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	}
	if err != nil {
		return fmt.Errorf("write the certificate %s: %w", name, err)
	}
	return nil
}

// writeAccountKey writes the key pair behind service account tokens.
func writeAccountKey(l layout) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make the service account key: %w", err)
	}
	private, err := x509.MarshalECPrivateKey(key) // the format that Kubernetes reads for every kind of key
	if err != nil {
		return fmt.Errorf("make the service account key: %w", err)
	}
	if err := writePrivate(l.key(accountKey), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private})); err != nil {
		return fmt.Errorf("write the service account key: %w", err)
	}
	return nil
}

// clientTLS is how to call a component: with its client certificate, trusting
// its authority alone.
func clientTLS(l layout, c Component) (*tls.Config, error) {
	cert, ca := adminCert, clusterCA
	if c == Etcd {
		cert, ca = etcdClientCert, etcdCA
	}
	pair, err := tls.LoadX509KeyPair(l.cert(cert), l.key(cert))
	if err != nil {
		return nil, fmt.Errorf("load the certificate %s: %w", cert, err)
	}
	pool, err := certPool(l.cert(ca))
	if err != nil {
		return nil, err
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}

func certPool(path string) (*x509.CertPool, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("load an authority: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("load an authority: %s holds no certificate", path)
	}
	return pool, nil
}
