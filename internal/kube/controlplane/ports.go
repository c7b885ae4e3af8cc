package controlplane

import (
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"strconv"
	"strings"
)

// Ports are chosen below those that the kernel gives to outgoing connections: a
// component that is restarted would otherwise find its port taken by one of
// them now and then.
const (
	firstPort          = 10_000
	usualEphemeralPort = 32_768
	portTries          = 200
)

// freePort finds a loopback port that nothing listens on. Another process may
// still be faster to take it, so a component that fails to bind gets a new one.
func freePort() (int, error) {
	limit := ephemeralPort()
	for range portTries {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(limit-firstPort)))
		if err != nil {
			return 0, fmt.Errorf("choose a port: %w", err)
		}
		port := firstPort + int(n.Int64())
		l, err := net.Listen("tcp4", loopback(port))
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			return 0, fmt.Errorf("choose a port: %w", err)
		}
		return port, nil
	}
	return 0, errors.New("choose a port: found none free on 127.0.0.1 in " + strconv.Itoa(portTries) + " tries")
}

// ephemeralPort is the first port of the kernel's range for outgoing
// connections, where that leaves enough room below it.
func ephemeralPort() int {
	data, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return usualEphemeralPort
	}
	fields := strings.Fields(string(data))
	if len(fields) == 0 {
		return usualEphemeralPort
	}
	if n, err := strconv.Atoi(fields[0]); err == nil && n >= 2*firstPort && n < 1<<16 {
		return n
	}
	return usualEphemeralPort
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

func loopbackURL(port int) string { return "https://" + loopback(port) }
