package backtest

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/kwatt-sim/kwatt/internal/forecast/lstm"
	"github.com/kwatt-sim/kwatt/internal/units"
)

// resolutions are the steps, beside its own, that a network is trained in.
var resolutions = []time.Duration{10 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour}

// Resolutions returns the series' own step and the coarser ones of up to an
// hour that it can be joined to.
func (s *Series) Resolutions() []time.Duration {
	out := []time.Duration{s.Step}
	for _, step := range resolutions {
		if step > s.Step && step%s.Step == 0 && s.Season%step == 0 {
			out = append(out, step)
		}
	}
	return out
}

// TrainingSeries returns the part of the series before the held-out days, in
// each of its resolutions, for training a network.
func (s *Series) TrainingSeries() []lstm.Series {
	known := s.Values[:s.HeldFrom]
	digest := digestOf(known)
	var out []lstm.Series
	for _, step := range s.Resolutions() {
		out = append(out, lstm.Series{
			Training: lstm.Training{
				Trace: s.Trace.Name, Source: s.Trace.Source, From: s.Trace.Start, To: s.HeldStart(),
				Steps: []string{units.Duration(step).String()}, SHA256: digest,
			},
			Season: int(s.Season / step), Values: join(known, int(step/s.Step)),
		})
	}
	return out
}

// digestOf is the SHA-256 of values, one a line.
func digestOf(v []float64) string {
	h := sha256.New()
	var b []byte
	for _, y := range v {
		b = append(strconv.AppendFloat(b[:0], y, 'g', -1, 64), '\n')
		h.Write(b) // a hash never fails
	}
	return hex.EncodeToString(h.Sum(nil))
}
