package schema

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kwatt-sim/kwatt/internal/units"
)

// shop is a document with one field of every kind.
type shop struct {
	Name    string              `yaml:"name" kwatt:"required,name"`
	Mode    string              `yaml:"mode" kwatt:"default=Fast,enum=Fast|Slow"`
	Note    string              `yaml:"note,omitempty"`
	Open    bool                `yaml:"open" kwatt:"default=true"`
	Tills   int                 `yaml:"tills" kwatt:"default=2,min=1,max=9"`
	Seed    uint64              `yaml:"seed,omitempty"`
	Rate    float64             `yaml:"rate" kwatt:"default=1.5,exclusiveMin=0,max=1e6"`
	Wait    units.Duration      `yaml:"wait" kwatt:"default=1m,min=1s,max=1h"`
	Budget  *units.Grams        `yaml:"budget,omitempty"`
	Since   *time.Time          `yaml:"since,omitempty"`
	Limit   *int                `yaml:"limit,omitempty" kwatt:"min=0"`
	Shelf   shelf               `yaml:"shelf"`
	Extra   *shelf              `yaml:"extra,omitempty"`
	Shelves []shelf             `yaml:"shelves,omitempty" kwatt:"minItems=1"`
	Prices  map[string]float64  `yaml:"prices,omitempty" kwatt:"min=0"`
	Rooms   map[string]shelf    `yaml:"rooms,omitempty"`
	Grid    [][]float64         `yaml:"grid,omitempty" kwatt:"min=0"`
	Payment payment             `yaml:"payment"`
	Others  map[string]*payment `yaml:"others,omitempty"`
	Weight  load                `yaml:"weight,omitempty"`
	Small   *int32              `yaml:"small,omitempty"`
	Tags    map[string]string   `yaml:"tags,omitempty"`
	Sign    `yaml:",inline"`
}

// Sign is inlined: its field stands among shop's.
type Sign struct {
	Colour string `yaml:"colour" kwatt:"default=Red,enum=Red|Blue"`
}

type shelf struct {
	Rows  int            `yaml:"rows" kwatt:"default=3,min=1"`
	Label string         `yaml:"label" kwatt:"required"`
	Dry   units.Duration `yaml:"dry" kwatt:"default=10s"`
}

// load is a scalar that plugs itself in.
type load string

func (l load) MarshalText() ([]byte, error)     { return []byte(l), nil }
func (l *load) UnmarshalText(text []byte) error { *l = load(text); return nil }
func (load) SchemaScalar() ScalarSpec {
	return ScalarSpec{Want: "a load like 5 or 5k", Pattern: `^[0-9]+k?$`, Numbers: true}
}

// payment is a union.
type payment struct {
	key    string
	config any
}

type card struct {
	Fee float64 `yaml:"fee" kwatt:"default=0.02,min=0,max=1"`
}
type cash struct {
	Coins bool `yaml:"coins" kwatt:"default=true"`
}

func (*payment) SchemaUnion() []Alternative {
	return []Alternative{{Key: "card", New: func() any { return &card{} }}, {Key: "cash", New: func() any { return &cash{} }}}
}
func (p *payment) SetUnion(key string, config any) { p.key, p.config = key, config }
func (p *payment) GetUnion() (string, any)         { return p.key, p.config }

func TestDecodeFillsDefaultsEverywhere(t *testing.T) {
	var s shop
	_, errs := Decode([]byte(`
name: corner
seed: 18446744073709551615
budget: 12mg
since: 2017-12-02T00:00:00+08:00
extra: {label: a}
shelves: [{label: b, rows: 5}]
prices: {tea: 3}
rooms: {back: {label: c}}
grid: [[1, 2.5], []]
payment: {card: {}}
others: {night: {cash: {coins: false}}}
weight: 5
small: -2147483647
tags: {a: "", b: x}
`), "f.yaml", &s)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if s.Mode != "Fast" || s.Colour != "Red" || !s.Open || s.Tills != 2 || s.Rate != 1.5 || s.Wait.D() != time.Minute || s.Shelf.Rows != 3 {
		t.Errorf("defaults at the top are missing: %+v", s)
	}
	if s.Extra.Rows != 3 || s.Shelves[0].Dry.D() != 10*time.Second || s.Shelves[0].Rows != 5 || s.Rooms["back"].Rows != 3 {
		t.Errorf("defaults in pointers, lists and maps are missing: %+v", s)
	}
	if s.Seed != 1<<64-1 || float64(*s.Budget) != 0.012 || s.Since.UTC().Hour() != 16 || s.Limit != nil {
		t.Errorf("values are read wrongly: %+v", s)
	}
	if s.payment() != 0.02 || s.Others["night"].config.(*cash).Coins || s.Weight != "5" || s.Grid[0][1] != 2.5 || *s.Small != -2147483647 || s.Tags["b"] != "x" {
		t.Errorf("unions, scalars or lists of lists are read wrongly: %+v", s)
	}
}

func (s *shop) payment() float64 { return s.Payment.config.(*card).Fee }

func TestErrors(t *testing.T) {
	const head = "name: a\npayment: {cash: {}}\n"
	for _, tt := range []struct{ name, doc, want string }{
		{"empty", "", "f:1:1: the file is empty"},
		{"comments only", "# nothing\n", "f:1:1: the file holds nothing but comments"},
		{"a list", "- 1\n", "f:1:1: want an object, found a list"},
		{"second document", "name: a\n---\nname: b\n", "f:2:1: a second document starts here (hint: keep one document in a file)"},
		{"syntax", "name: a\nshelf:\n  label: [1, 2\nopen: true\n", "f:3:3: did not find expected ',' or ']'"},
		{"tab", "name: a\nshelf:\n\tlabel: x\n", "f:3:2: found character that cannot start any token (hint: YAML indents with spaces, not tabs)"},
		{"bad first line", "name: 'a\n", "f:1:1: found unexpected end of stream"},
		{"alias", "name: &x a\nnote: *x\n", "f:1:7: anchors are not supported: &x (hint: write the value out where it is needed)\n" +
			"f:2:7: aliases are not supported: *x (hint: write the value out)"},
		{"yaml tag", "name: !!str 5\n", "f:1:7: YAML tags are not supported: !!str (hint: leave the tag out)"},
		{"key is a list", "[a]: 1\n", "f:1:1: a field name must be text, found a list"},
		{"required and typo", "nme: a\n", "f:1:1: nme: unknown field (hint: did you mean name?)"},
		{"required", "note: x\n", "f:1:1: name: is required"},
		{"unknown without a neighbour", head + "zzzzzz: 1\nshelf: {label: a, zzzzzz: 1}", "f:3:1: zzzzzz: unknown field (hint: want one of name, mode, note, open, tills, seed, rate, wait, budget, since, limit, shelf, extra, shelves, prices, rooms, grid, payment, others, weight, small, tags, colour)\n" +
			"f:4:19: shelf.zzzzzz: unknown field (hint: want one of rows, label, dry)"},
		{"belongs below", head + "label: x\n", "f:3:1: label: unknown field (hint: it belongs below shelf)"},
		{"twice", head + "name: b\n", "f:3:1: name: name is set twice, first on line 1"},
		{"null", head + "shelf:\nopen:\n", "f:3:7: shelf: want an object, found nothing (hint: leave the field out, or give it a value)\n" +
			"f:4:6: open: want true or false, found nothing"},
		{"number for a duration", head + "wait: 300\n", "f:3:7: wait: want a duration with its unit, found the number 300 (hint: write 300s if seconds are meant)"},
		{"bad duration", head + "wait: 5 minutes\n", "f:3:7: wait: \"5 minutes\" is not a duration like 15s, 2m or 1h30m"},
		{"duration bound", head + "wait: 2h\n", "f:3:7: wait: must be at most 1h, found 2h"},
		{"duration overflow", head + "wait: 99999999999h\n", "f:3:7: wait: \"99999999999h\" is out of range or does not exist"},
		{"number for a mass", head + "budget: 3\n", "f:3:9: budget: want a mass like 0.8g, 12mg or 1.5kg, found the number 3 (hint: add the unit: 3g)"},
		{"no such day", head + "since: 2017-02-30T00:00:00Z\n", "f:3:8: since: \"2017-02-30T00:00:00Z\" is out of range or does not exist"},
		{"no time zone", head + "since: 2017-02-03\n", "f:3:8: since: \"2017-02-03\" is not a time like 2017-12-02T00:00:00+08:00"},
		{"enum", head + "mode: fast\n", "f:3:7: mode: \"fast\" is not Fast or Slow (hint: did you mean Fast?)"},
		{"name", "name: A_b\n", "f:1:7: name: \"A_b\" is not a name (hint: use lower-case letters, digits and dashes, with a letter or digit at both ends)"},
		{"long name", "name: " + strings.Repeat("a", 64) + "\n", "f:1:7: name: the name has 64 characters (hint: use at most 63)"},
		{"number for a name", "name: 7\n", "f:1:7: name: want a string, found the number 7 (hint: quote it: \"7\")"},
		{"empty text", head + "note: ''\n", "f:3:7: note: must not be empty (hint: leave the field out)"},
		{"nan", head + "rate: .nan\nprices: {tea: .inf}\n", "f:3:7: rate: want a finite number, found .nan\nf:4:15: prices.tea: want a finite number, found .inf"},
		{"bounds", head + "rate: 0\ntills: 10\nlimit: -1\nprices: {tea: -3}\ngrid: [[-1]]\n", "f:3:7: rate: must be greater than 0, found 0\n" +
			"f:4:8: tills: must be at most 9, found 10\nf:5:8: limit: must be at least 0, found -1\n" +
			"f:6:15: prices.tea: must be at least 0, found -3\nf:7:9: grid[0][0]: must be at least 0, found -1"},
		{"fraction", head + "tills: 2.5\n", "f:3:8: tills: want a whole number, found the number 2.5"},
		{"negative seed", head + "seed: -1\n", "f:3:7: seed: must lie between 0 and 18446744073709551615, found -1"},
		{"no element", head + "shelves: []\n", "f:3:10: shelves: wants at least 1, has 0"},
		{"element", head + "shelves:\n- rows: 1\n", "f:4:3: shelves[0].label: is required"},
		{"empty union", "name: a\npayment: {}\n", "f:2:10: payment: wants exactly one key, has 0 (hint: card or cash)"},
		{"two choices", "name: a\npayment: {card: {}, cash: {}}\n", "f:2:10: payment: wants exactly one key, has 2 (hint: card or cash)"},
		{"unknown choice", "name: a\npayment: {crad: {}}\n", "f:2:11: payment.crad: unknown field (hint: did you mean card?)"},
		{"typo in a union", "name: a\npayment: {card: {fe: 1}}\n", "f:2:18: payment.card.fe: unknown field (hint: did you mean fee?)"},
		{"bad scalar", head + "weight: heavy\n", "f:3:9: weight: \"heavy\" is not a load like 5 or 5k"},
		{"not finite scalar", head + "weight: .nan\n", "f:3:9: weight: \".nan\" is not a load like 5 or 5k"},
		{"32 bits", head + "small: 2147483648\n", "f:3:8: small: must lie between -2147483647 and 2147483647, found 2147483648"},
		{"control characters", head + "\"a\\e[31mb\": 1\nnote: [\"\\e\"]\n", "f:3:1: a\uFFFD[31mb: unknown field (hint: want one of name, mode, note, open, tills, seed, rate, wait, budget, since, limit, shelf, extra, shelves, prices, rooms, grid, payment, others, weight, small, tags, colour)\n" +
			"f:4:7: note: want a string, found a list"},
		{"too deep", head + "note: " + strings.Repeat("[", 70) + strings.Repeat("]", 70), "f:3:70: nested deeper than 64 levels"},
		{"too large", "# " + strings.Repeat("x", MaxBytes), "f:1:1: the file has 10485762 bytes, more than the 10485760 allowed"},
		{"all at once, by line", "mode: 1\nname: 2\nwait: 3\n", "f:1:7: mode: want a string, found the number 1 (hint: quote it: \"1\")\n" +
			"f:2:7: name: want a string, found the number 2 (hint: quote it: \"2\")\n" +
			"f:3:7: wait: want a duration with its unit, found the number 3 (hint: write 3s if seconds are meant)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, errs := Decode([]byte(tt.doc), "f", &shop{})
			if diff := cmp.Diff(tt.want, errs.Error()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if errs.Err() == nil {
				t.Error("Err() is nil")
			}
		})
	}
}

func TestPositionsFallBackToTheNearestAncestor(t *testing.T) {
	p, errs := Decode([]byte("name: a\nshelf:\n  label: x\nshelves:\n- label: y\n"), "f", &shop{})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	for path, want := range map[string]Position{
		"name":             {"f", 1, 7},
		"shelf":            {"f", 2, 1},
		"shelf.label":      {"f", 3, 10},
		"shelf.rows":       {"f", 2, 1},
		"shelves[0].rows":  {"f", 5, 3},
		"shelves[7].label": {"f", 4, 1},
		"nowhere.at.all":   {"f", 1, 1},
	} {
		if have := p.At(path); have != want {
			t.Errorf("At(%s) = %v, want %v", path, have, want)
		}
	}
}

func TestTouches(t *testing.T) {
	errs := Errors{{Path: "a.b[1].c"}}
	for path, want := range map[string]bool{"a.b[1].c": true, "a.b[1]": true, "a.b[1].c.d": true, "a.b": true, "a.b[10]": false, "a.bc": false, "a.b[1].cd": false} {
		if have := errs.Touches(path); have != want {
			t.Errorf("Touches(%s) = %v", path, have)
		}
	}
}
