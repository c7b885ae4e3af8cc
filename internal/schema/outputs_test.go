package schema

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/kwatt-sim/kwatt/internal/units"
)

const goodShop = `name: corner
note: "12"
limit: 0
since: 2017-12-02T00:00:00+08:00
shelf: {label: "line\nbreak"}
shelves: [{label: "true", rows: 5}]
prices: {tea: 3, Coffee: 1e-7}
payment: {card: {}}
others: {night: {cash: {coins: false}}, day: {card: {fee: 0}}}
`

func TestEncodeReadsBackToTheSame(t *testing.T) {
	var first, second shop
	if _, errs := Decode([]byte(goodShop), "f", &first); len(errs) > 0 {
		t.Fatal(errs)
	}
	out, err := Encode(&first)
	if err != nil {
		t.Fatal(err)
	}
	if _, errs := Decode(out, "g", &second); len(errs) > 0 {
		t.Fatalf("%v\n%s", errs, out)
	}
	if diff := cmp.Diff(first, second, cmp.AllowUnexported(payment{})); diff != "" {
		t.Errorf("(-first +second)\n%s", diff)
	}
	if again, _ := Encode(&second); !bytes.Equal(out, again) {
		t.Errorf("two encodings differ:\n%s\n%s", out, again)
	}
	for _, line := range []string{"tills: 2\n", "wait: 1m\n", "limit: 0\n", "  Coffee: 1e-07\n  tea: 3\n", "colour: Red\n"} {
		if !strings.Contains(string(out), line) {
			t.Errorf("%q is missing in\n%s", line, out)
		}
	}
	if strings.Contains(string(out), "budget") {
		t.Errorf("an unset value is written:\n%s", out)
	}
}

func TestSet(t *testing.T) {
	for _, tt := range []struct{ path, value, want string }{ // want is the error; empty when it must work
		{"tills", "3", ""},
		{"shelves[0].rows", "4", ""},
		{"shelves[true].rows", "4", "cannot set shelves[true]: the list has 1 elements and none of that name"},
		{"shelves[1].rows", "4", "cannot set shelves[1]: the list has 1 elements and none of that name"},
		{"extra.label", "12", ""},
		{"prices.milk", "2", ""},
		{"payment.card.fee", "0.5", ""},
		{"grid", "[[1]]", ""},
		{"tils", "3", "unknown path tils: did you mean tills? want one of name, mode, note, open, tills, seed, rate, wait, budget, since, limit, shelf, extra, shelves, prices, rooms, grid, payment, others, weight, small, tags, colour"},
		{"shelf.zzz", "3", "unknown path shelf.zzz: want one of rows, label, dry"},
		{"tills.zzz", "3", "unknown path tills.zzz: it lies below a value of type integer"},
		{"shelves.rows", "3", "cannot set shelves.rows: it lies in a list"},
		{"tills", "many", `--set tills:1:1: tills: want a whole number, found the text "many"`},
		{"wait", "90", `--set wait:1:1: wait: "90" is not a duration like 15s, 2m or 1h30m`},
		{"grid", "[[1, x]]", `--set grid:1:6: grid[0][1]: want a number, found the text "x"`},
		{"grid", "[", "--set grid:1:1: did not find expected node content"},
	} {
		t.Run(tt.path+"="+tt.value, func(t *testing.T) {
			d, errs := ParseDocument([]byte(goodShop), "f")
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			var s shop
			err := d.Set(Describe(&s), tt.path, tt.value)
			if err == nil {
				_, errs := d.Decode(&s)
				err = errs.Err()
			}
			if have := message(err); have != tt.want {
				t.Errorf("got  %s\nwant %s", have, tt.want)
			}
		})
	}
	d, _ := ParseDocument([]byte(goodShop), "f")
	var s shop
	if err := d.Set(Describe(&s), "extra.label", "12"); err != nil {
		t.Fatal(err)
	}
	if _, errs := d.Decode(&s); len(errs) > 0 || s.Extra.Label != "12" || s.Extra.Rows != 3 {
		t.Errorf("extra = %+v, %v", s.Extra, errs)
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestExplain(t *testing.T) {
	root := Describe(&shop{})
	for path, want := range map[string]string{
		"tills":            "PATH:  tills\nTYPE:  integer; default 2; 1 to 9\n",
		"shelves.dry":      "PATH:  shelves.dry\nTYPE:  duration; default 10s\n",
		"shelves[0].dry":   "PATH:  shelves[0].dry\nTYPE:  duration; default 10s\n",
		"payment.card.fee": "PATH:  payment.card.fee\nTYPE:  number; default 0.02; 0 to 1\n",
		"rooms.back.rows":  "PATH:  rooms.back.rows\nTYPE:  integer; default 3; at least 1\n",
		"payment":          "PATH:  payment\nTYPE:  object, one key\n\nFIELDS:\n  card <object>\n  cash <object>\n",
		"extra": "PATH:  extra\nTYPE:  object\n\nFIELDS:\n  rows <integer> default 3; at least 1\n" +
			"  label <string> required\n  dry <duration> default 10s\n",
	} {
		have, err := Explain(root, path, false)
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("%s (-want +got)\n%s", path, diff)
		}
	}
	all, err := Explain(root, "", true)
	if err != nil || !strings.Contains(all, "    card <object>\n      fee <number> default 0.02; 0 to 1\n") {
		t.Errorf("recursive: %v\n%s", err, all)
	}
	if _, err := Explain(root, "shelf.lable", false); message(err) != "unknown path shelf.lable: did you mean label? want one of rows, label, dry" {
		t.Errorf("unknown path: %v", err)
	}
}

func compile(t testing.TB, data []byte) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("s.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("s.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestScalarsHaveOneVerdict feeds text that is nearly a duration, a mass, a
// time or a name to the decoder and to the JSON Schema.
func TestScalarsHaveOneVerdict(t *testing.T) {
	data, err := JSONSchema(Describe(&shop{}), "https://example.test/shop.json", "shop")
	if err != nil {
		t.Fatal(err)
	}
	js := compile(t, data)
	near := map[string]*rapid.Generator[string]{
		"wait":   rapid.StringMatching(`[-+]?([0-9]{0,12}\.?[0-9]{0,3}(ns|us|µs|μs|ms|s|m|h|d)?){0,3}`),
		"budget": rapid.StringMatching(`[-+]?[0-9]{0,4}\.?[0-9]{0,3}([eE][-+]?[0-9]{0,3})? {0,2}(mg|g|kg|t|inf|nan|0x1)?`),
		"since":  rapid.StringMatching(`20[0-9]{2}-[01][0-9]-[0-3][0-9][T ]?[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{0,10})?(Z|[-+][0-2][0-9]:[0-6][0-9])?`),
		"name":   rapid.StringMatching(`[a-zA-Z0-9-]{0,66}`),
	}
	for field, generator := range near {
		t.Run(field, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				text := generator.Draw(t, "text")
				doc := map[string]any{"name": "a", "payment": map[string]any{"cash": map[string]any{}}}
				doc[field] = text
				raw, err := json.Marshal(doc) // JSON is YAML
				if err != nil {
					t.Fatal(err)
				}
				_, errs := Decode(raw, "f", &shop{})
				verdict := js.Validate(doc)
				if structural(errs) != (verdict != nil) {
					t.Fatalf("%s %q: Go says %v, JSON Schema %v", field, text, errs, verdict)
				}
				if len(errs) == 0 && !readable(field, text) {
					t.Fatalf("%s %q is accepted, but its own parser refuses it", field, text)
				}
			})
		})
	}
}

func structural(errs Errors) bool {
	for _, e := range errs {
		if e.Class != Meaning {
			return true
		}
	}
	return false
}

// readable asks the parser that the value's type names, without the schema.
func readable(field, text string) bool {
	var err error
	switch field {
	case "wait":
		_, err = time.ParseDuration(text)
	case "budget":
		err = new(units.Grams).UnmarshalText([]byte(text))
	case "since":
		_, err = time.Parse(time.RFC3339, text)
	}
	return err == nil
}

// TestCanonicalTextsAreAccepted holds the patterns to what the types write.
func TestCanonicalTextsAreAccepted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := units.Duration(rapid.Int64().Draw(t, "ns")).String()
		g := units.Grams(rapid.Float64Range(0, 1e15).Draw(t, "g")).String()
		at := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "s"), rapid.Int64Range(0, 1e9-1).Draw(t, "ns")).UTC().Format(time.RFC3339Nano)
		for pattern, text := range map[string]string{durationPattern: d, massPattern: g, timePattern: at} {
			if !matches(pattern, text) {
				t.Fatalf("%q does not match %s", text, pattern)
			}
		}
	})
}

func TestJSONSchemaIsDeterministic(t *testing.T) {
	a, err := JSONSchema(Describe(&shop{}), "id", "title")
	if err != nil {
		t.Fatal(err)
	}
	b, _ := JSONSchema(Describe(&shop{}), "id", "title")
	if !bytes.Equal(a, b) || !json.Valid(a) {
		t.Error("two runs differ, or the output is not JSON")
	}
}

func TestClosest(t *testing.T) {
	names := []string{"maxBatch", "maxQueueDelay", "instances"}
	for in, want := range map[string]string{"maxbatch": "maxBatch", "mxaBatch": "maxBatch", "instance": "instances", "x": "", "queue": "maxQueueDelay", "max": "", "": ""} {
		if have := Closest(in, names); have != want {
			t.Errorf("Closest(%q) = %q, want %q", in, have, want)
		}
	}
}
