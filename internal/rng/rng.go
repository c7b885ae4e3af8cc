// Package rng gives every source of chance a name. A stream is a function of
// the seed and its name alone, so two policies that run with one seed meet
// the same customers, and a new stream changes nobody else's numbers.
package rng

import (
	"hash/fnv"
	"math"
	"math/bits"
)

// Source makes the named streams of one replication.
type Source struct{ seed uint64 }

// New returns the source of the replication with this seed.
func New(seed uint64) Source { return Source{seed} }

// Stream returns the stream with this name, at its beginning. The parts are
// hashed with their lengths: ("a", "bc") and ("ab", "c") differ.
func (s Source) Stream(name ...string) *Stream {
	h := fnv.New64a()
	var b [8]byte
	put := func(v uint64) {
		for i := range b {
			b[i] = byte(v >> (8 * i))
		}
		_, _ = h.Write(b[:]) // a hash never fails to write
	}
	put(s.seed)
	for _, p := range name {
		put(uint64(len(p)))
		_, _ = h.Write([]byte(p))
	}
	return &Stream{state: mix(h.Sum64())}
}

// Stream is a SplitMix64 generator (Steele, Lea and Flood, OOPSLA 2014). It
// satisfies math/rand/v2's Source, so gonum's distributions can draw from it.
type Stream struct{ state uint64 }

const golden = 0x9e3779b97f4a7c15

func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Uint64 returns 64 random bits.
func (s *Stream) Uint64() uint64 {
	s.state += golden
	return mix(s.state)
}

// Float64 returns a number uniform on [0, 1) with 53 random bits.
func (s *Stream) Float64() float64 { return float64(s.Uint64()>>11) * 0x1p-53 }

// IntN returns an integer uniform on [0, n) for 0 < n < 2^32, by
// multiplication (Lemire 2019); its bias is below n/2^64.
func (s *Stream) IntN(n int) int {
	hi, _ := bits.Mul64(s.Uint64(), uint64(n))
	return int(hi)
}

// Exp returns an exponential number of mean 1, by the ziggurat of Marsaglia
// and Tsang (2000) with 256 layers.
func (s *Stream) Exp() float64 {
	u := s.Uint64()
	i := u & 0xff
	j := u >> 12 // 52 bits: exact in a float64
	x := float64(j) * expW[i]
	if j < expK[i] {
		return x
	}
	return s.expSlow(i, x)
}

func (s *Stream) expSlow(i uint64, x float64) float64 {
	for {
		if i == 0 {
			return expR - math.Log(1-s.Float64())
		}
		if expF[i]+float64(s.Float64()*(expF[i-1]-expF[i])) < math.Exp(-x) {
			return x
		}
		u := s.Uint64()
		i = u & 0xff
		j := u >> 12
		x = float64(j) * expW[i]
		if j < expK[i] {
			return x
		}
	}
}

// Norm returns a standard normal number, by the polar method (Marsaglia 1964).
// One of the pair is thrown away, so that a stream has no hidden state.
func (s *Stream) Norm() float64 {
	for {
		u := 2*s.Float64() - 1
		v := 2*s.Float64() - 1
		q := float64(u*u) + float64(v*v)
		if q > 0 && q < 1 {
			return u * math.Sqrt(-2*math.Log(q)/q)
		}
	}
}

// The tables of the exponential ziggurat: layer i is [0, x_i] wide, all have
// the area expV, and the lowest holds the tail beyond expR.
const (
	expR = 7.69711747013104972
	expV = 0.0039496598225815571993
)

var expK, expW, expF = expTables()

func expTables() (k [256]uint64, w, f [256]float64) {
	const m = 1 << 52
	d, t := expR, expR
	q := expV / math.Exp(-d)
	k[0] = uint64(d / q * m)
	k[1] = 0
	w[0] = q / m
	w[255] = d / m
	f[0] = 1
	f[255] = math.Exp(-d)
	for i := 254; i >= 1; i-- {
		d = -math.Log(expV/d + math.Exp(-d))
		k[i+1] = uint64(d / t * m)
		t = d
		f[i] = math.Exp(-d)
		w[i] = d / m
	}
	return k, w, f
}

// FillExp fills dst with exponential numbers of mean 1, the same as repeated
// calls of Exp; in bulk the generator's state stays in a register.
func (s *Stream) FillExp(dst []float64) {
	state := s.state
	for n := range dst {
		state += golden
		u := mix(state)
		i := u & 0xff
		j := u >> 12
		x := float64(j) * expW[i]
		if j >= expK[i] {
			s.state = state
			x = s.expSlow(i, x)
			state = s.state
		}
		dst[n] = x
	}
	s.state = state
}

// FillIntN fills dst with integers uniform on [0, n) for 0 < n < 2^31, two
// from each draw; their bias is below n/2^32.
func (s *Stream) FillIntN(dst []int32, n int) {
	state, m := s.state, uint64(n)
	for i := 0; i+1 < len(dst); i += 2 {
		state += golden
		u := mix(state)
		dst[i] = int32((u >> 32) * m >> 32)
		dst[i+1] = int32((u & 0xffffffff) * m >> 32)
	}
	if len(dst)%2 == 1 {
		state += golden
		dst[len(dst)-1] = int32((mix(state) >> 32) * m >> 32)
	}
	s.state = state
}
