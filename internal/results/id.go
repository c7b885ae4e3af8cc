package results

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// ID names a run by what determines it: the first twelve hex digits of a
// SHA-256 over the effective scenario, the policies and the seeds, in order.
// Equal inputs meet in one directory, whose bytes are then equal too.
func ID(effective []byte, policies []string, seeds []uint64) string {
	h := sha256.New()
	number := func(n uint64) {
		var b [8]byte
		binary.BigEndian.PutUint64(b[:], n)
		_, _ = h.Write(b[:]) // a hash never fails to write
	}
	// Lengths first: ("a", "bc") and ("ab", "c") must differ.
	text := func(s []byte) {
		number(uint64(len(s)))
		_, _ = h.Write(s)
	}
	text(effective)
	number(uint64(len(policies)))
	for _, p := range policies {
		text([]byte(p))
	}
	number(uint64(len(seeds)))
	for _, s := range seeds {
		number(s)
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}

func sha256Hex(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
