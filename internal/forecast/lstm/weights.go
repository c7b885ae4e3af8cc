package lstm

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sort"
	"sync"
	"time"

	"github.com/kwatt-sim/kwatt/internal/forecast"
)

// Format is the version of the weights file that this package reads.
const Format = "kwatt.dev/lstm/v1"

// Weights are a trained network with what it was trained on.
type Weights struct {
	Format string `json:"format"`
	// Hash is the SHA-256 of the file's JSON with this field empty.
	Hash    string     `json:"hash"`
	Command string     `json:"command"` // that makes this file again
	Seed    uint64     `json:"seed"`
	Trained []Training `json:"trained"` // what the network has seen
	Epochs  int        `json:"epochs"`  // of the training that were kept
	// Loss is the mean pinball loss of levels on the part of the data that was
	// kept for validation; Baseline that of the last value, for comparison.
	Loss     float64 `json:"validationLoss"`
	Baseline float64 `json:"validationLossOfLastValue"`
	Hidden   int     `json:"hidden"`
	// Scores[i][j] is the quantile Levels[j] of the validation's scores i+1 steps
	// ahead: how many of the network's own spreads a value lies from its median.
	Levels  []float64   `json:"levels"`
	Scores  [][]float64 `json:"scores"`
	Weights []float32   `json:"weights"`
}

// Training is a part of a trace that weights were fitted to.
type Training struct {
	Trace  string    `json:"trace"`
	Source string    `json:"source,omitempty"` // tells traces of one record apart from others
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Steps  []string  `json:"steps"` // the resolutions that it was used in
	SHA256 string    `json:"sha256"`
}

// reach of a file that is read; the builtin one has 60 kB.
const maxBytes = 16 << 20

// Read reads a weights file and checks its hash and its size.
func Read(r io.Reader, name string) (*Weights, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read weights %s: %w", name, err)
	}
	if len(data) > maxBytes {
		return nil, fmt.Errorf("read weights %s: more than %d bytes", name, maxBytes)
	}
	w := &Weights{}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(w); err != nil {
		return nil, fmt.Errorf("read weights %s: %w: want a file that sim forecast train wrote", name, err)
	}
	if err := w.check(); err != nil {
		return nil, fmt.Errorf("read weights %s: %w", name, err)
	}
	return w, nil
}

func (w *Weights) check() error {
	if w.Format != Format {
		return fmt.Errorf("format is %q, want %q", w.Format, Format)
	}
	if hash, err := w.hash(); err != nil || hash != w.Hash {
		return errors.Join(errors.New("the file does not match its hash: it was changed or cut; train it again with: "+w.Command), err)
	}
	if w.Hidden < 1 || w.Hidden > MaxHidden || len(w.Weights) != w.shape().size() {
		return fmt.Errorf("%d weights do not make a network of %d hidden units", len(w.Weights), w.Hidden)
	}
	if len(w.Scores) != Ahead || len(w.Levels) < 2 {
		return fmt.Errorf("scores of %d steps ahead, want %d", len(w.Scores), Ahead)
	}
	for _, s := range w.Scores {
		if len(s) != len(w.Levels) || !sort.Float64sAreSorted(s) {
			return errors.New("scores are not one for each level, rising")
		}
	}
	return nil
}

// hash is the digest of the file as it would be without it.
func (w *Weights) hash() (string, error) {
	bare := *w
	bare.Hash = ""
	data, err := json.Marshal(bare)
	if err != nil {
		return "", fmt.Errorf("hash weights: %w", err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

// Write writes the file: the same weights are the same bytes.
func (w *Weights) Write(to io.Writer) error {
	data, err := json.Marshal(w)
	if err == nil {
		_, err = to.Write(append(data, '\n'))
	}
	if err != nil {
		return fmt.Errorf("write weights: %w", err)
	}
	return nil
}

func (w *Weights) shape() shape { return shape{in: inputs, hidden: w.Hidden, out: 3 * Ahead} }

// network returns the weights as a network.
func (w *Weights) network() network {
	n := newNetwork(w.shape())
	for i, v := range w.Weights {
		n.w[i] = float64(v)
	}
	return n
}

// score returns the quantile q of the validation's scores at horizon i+1, on
// the line between two levels, and the outermost score beyond them.
func (w *Weights) score(i int, q float64) float64 {
	at := sort.SearchFloat64s(w.Levels, q)
	scores := w.Scores[i]
	if at == 0 || at == len(scores) {
		return scores[min(at, len(scores)-1)]
	}
	part := (q - w.Levels[at-1]) / (w.Levels[at] - w.Levels[at-1])
	return scores[at-1] + float64(part*(scores[at]-scores[at-1]))
}

// Method returns the forecast method that uses these weights.
func (w *Weights) Method() forecast.Method {
	return forecast.Method{Name: "LSTM", Title: "a recurrent network", Form: w.name(), Fit: w.fit}
}

// name is what a forecaster with these weights calls itself.
func (w *Weights) name() string { return "LSTM (" + w.Hash[:8] + ")" }

// Seen returns what the weights know of a record at or after from: the parts
// of it that they were trained on and that had not ended by then. The record is
// known by its source, or by the trace's name where it states none.
func (w *Weights) Seen(trace, source string, from time.Time) []Training {
	var seen []Training
	for _, t := range w.Trained {
		same := t.Trace == trace || source != "" && t.Source == source
		if same && t.To.After(from) {
			seen = append(seen, t)
		}
	}
	return seen
}

//go:generate go run ../../../cmd/sim forecast train servegen-m-mid taobao-2017 uci-retail-christmas worldcup98-final --quiet --out builtin.json

//go:embed builtin.json
var builtinFile []byte

// Builtin returns the weights that come with kwatt.
var Builtin = sync.OnceValue(func() *Weights {
	w, err := Read(bytes.NewReader(builtinFile), "builtin")
	if err != nil {
		panic(err) // a fault of the build: a test reads it
	}
	return w
})

func init() {
	forecast.Register(forecast.Method{
		Name: "LSTM", Title: "a recurrent network trained on the builtin traces",
		Fit: func(history []float64, o forecast.Options) (forecast.Forecaster, error) {
			return Builtin().fit(history, o)
		},
	})
}
