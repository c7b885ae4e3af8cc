package scenario

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"
	"pgregory.net/rapid"

	"github.com/kwatt-sim/kwatt/internal/golden"
	"github.com/kwatt-sim/kwatt/internal/schema"
	"github.com/kwatt-sim/kwatt/internal/units"
)

func osOpen(path string) (io.ReadCloser, error) { return os.Open(path) }

func sha(data []byte) [sha256.Size]byte { return sha256.Sum256(data) }

// TestGeneratedFiles holds the committed JSON Schema and reference page to the
// types they are made of.
func TestGeneratedFiles(t *testing.T) {
	data, err := JSONSchema()
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "../../schema/scenario.schema.json", data)
	golden.Check(t, "../../docs/scenario.md", []byte(Reference()))
}

func TestEveryFieldIsExplained(t *testing.T) {
	text, err := Explain("", true)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"maxBatch <integer> default 1; 1 to 65536", "energyAware <object>", "currency <string> default USD"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	one, err := Explain("spec.services.batching.maxQueueDelay", false)
	if err != nil || !strings.Contains(one, "how long a request may wait for its batch to fill") {
		t.Errorf("%v\n%s", err, one)
	}
	if _, err := Explain("spec.services.baching", false); err == nil || !strings.Contains(err.Error(), "did you mean batching?") {
		t.Errorf("unknown path: %v", err)
	}
}

func compileSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	data, err := JSONSchema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(schemaID, doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile(schemaID)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// notFinite stands for a number that JSON cannot write.
type notFinite struct{}

// toJSON is the JSON value of a YAML node, as an editor would see it. It panics
// with notFinite where there is none.
func toJSON(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			m[n.Content[i].Value] = toJSON(n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		list := []any{}
		for _, c := range n.Content {
			list = append(list, toJSON(c))
		}
		return list
	}
	switch n.Tag {
	case "!!null":
		return nil
	case "!!bool":
		return n.Value == "true" || n.Value == "True" || n.Value == "TRUE"
	case "!!int":
		var i int64
		if n.Decode(&i) == nil {
			return json.Number(strconv.FormatInt(i, 10))
		}
		var u uint64
		if n.Decode(&u) == nil {
			return json.Number(strconv.FormatUint(u, 10))
		}
	case "!!float":
		var f float64
		if n.Decode(&f) == nil {
			if math.IsNaN(f) || math.IsInf(f, 0) {
				panic(notFinite{})
			}
			return json.Number(strconv.FormatFloat(f, 'g', -1, 64))
		}
	}
	return n.Value
}

// oneVerdict holds the Go decoder and the JSON Schema to the same verdict on
// data's structure. Documents that are no JSON value must be refused by Go.
func oneVerdict(js *jsonschema.Schema, data []byte) (err error) {
	doc, errs := schema.ParseDocument(data, "f")
	if len(errs) > 0 {
		return nil
	}
	_, errs = doc.Decode(&Scenario{})
	broken := false
	for _, e := range errs {
		if e.Class == schema.Syntax {
			return nil
		}
		broken = broken || e.Class == schema.Structure
	}
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		return err
	}
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(notFinite); !ok {
				panic(r)
			}
			if !broken {
				err = errors.New("Go accepts a number that is not finite")
			}
		}
	}()
	if verdict := js.Validate(toJSON(root.Content[0])); (verdict != nil) != broken {
		return fmt.Errorf("Go says %s\nJSON Schema says %s", errs.Error(), fmt.Sprint(verdict))
	}
	return nil
}

func TestJSONSchemaAgreesOnFiles(t *testing.T) {
	js := compileSchema(t)
	for _, file := range append(goodFiles(t), badFiles(t)...) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := oneVerdict(js, data); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// TestJSONSchemaAgreesOnMutants changes good scenarios at random places.
func TestJSONSchemaAgreesOnMutants(t *testing.T) {
	js := compileSchema(t)
	var docs [][]byte
	for _, file := range goodFiles(t) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, data)
	}
	rapid.Check(t, func(t *rapid.T) {
		var root yaml.Node
		if err := yaml.Unmarshal(rapid.SampledFrom(docs).Draw(t, "doc"), &root); err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(1, 3).Draw(t, "mutations") {
			mutate(t, root.Content[0])
		}
		data, err := yaml.Marshal(&root)
		if err != nil {
			t.Fatal(err)
		}
		if err := oneVerdict(js, data); err != nil {
			t.Fatalf("%v\n%s", err, data)
		}
	})
}

var replacements = []string{"0", "1", "-1", "0.5", "1.0", "1e3", "1e20", "9007199254740993", "18446744073709551615", "18446744073709551616", ".nan", ".inf",
	"true", "null", "~", "''", "'1'", "text", "a-b", "A", "5s", "-5s", "5", "0.5h", "1h30", "99999999h", "3g", "3 g", "-3g", "1e400g", "1e5kg",
	"2017-12-02", "2017-02-30T00:00:00Z", "2017-12-02T00:00:00+08:00", "[]", "{}", "[1]", "{a: 1}", "Poisson", "Default", "nvidia-t4", "0x10", "1_000", "'µs'", "1µs"}

// mutate replaces, removes, renames or copies one member below n.
func mutate(t *rapid.T, n *yaml.Node) {
	var parents []*yaml.Node
	var walk func(*yaml.Node)
	walk = func(n *yaml.Node) {
		if n.Kind != yaml.ScalarNode && len(n.Content) > 0 {
			parents = append(parents, n)
		}
		for _, c := range n.Content {
			walk(c)
		}
	}
	walk(n)
	if len(parents) == 0 {
		return
	}
	p := rapid.SampledFrom(parents).Draw(t, "parent")
	size := 1
	if p.Kind == yaml.MappingNode {
		size = 2
	}
	at := size * rapid.IntRange(0, len(p.Content)/size-1).Draw(t, "member")
	value := &p.Content[at+size-1]
	switch rapid.SampledFrom([]string{"replace", "replace", "remove", "rename", "copy"}).Draw(t, "mutation") {
	case "replace":
		var v yaml.Node
		if err := yaml.Unmarshal([]byte(rapid.SampledFrom(replacements).Draw(t, "value")), &v); err != nil {
			t.Fatal(err)
		}
		*value = v.Content[0]
	case "remove":
		p.Content = append(append([]*yaml.Node(nil), p.Content[:at]...), p.Content[at+size:]...)
	case "rename":
		if size == 2 {
			key := *p.Content[at]
			key.Value = rapid.SampledFrom([]string{key.Value + "s", "name", "max", " ", "zz"}).Draw(t, "key")
			key.Tag, key.Style = "!!str", yaml.DoubleQuotedStyle
			p.Content[at] = &key
		}
	case "copy":
		from := rapid.SampledFrom(parents).Draw(t, "from")
		if from != p && !holds(from, p) {
			*value = from
		}
	}
}

// holds reports whether n is below root: copying root there would make a loop.
func holds(root, n *yaml.Node) bool {
	for _, c := range root.Content {
		if c == n || holds(c, n) {
			return true
		}
	}
	return false
}

// FuzzParse: no input panics, a refused one has an error with a place, and an
// accepted one loads again from its effective form.
func FuzzParse(f *testing.F) {
	for _, file := range append(goodFiles(f), badFiles(f)...) {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	open := func(path string) (io.ReadCloser, error) {
		if strings.ContainsRune(path, 0) || filepath.IsAbs(path) || strings.Contains(path, "..") {
			return nil, fs.ErrNotExist
		}
		return os.Open(path)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var shape Scenario
		if _, errs := schema.Decode(data, "f.yaml", &shape); len(errs) == 0 && shape.Spec.Duration.D() > 48*time.Hour {
			shape.Spec.Duration = units.Duration(48 * time.Hour) // a longer window is only slower
			data, _ = schema.Encode(&shape)
		}
		file, err := Parse(data, "testdata/good/f.yaml", open)
		if err == nil {
			roundTrip(t, file, open)
			return
		}
		var errs schema.Errors
		if !errors.As(err, &errs) || len(errs) == 0 || errs[0].Line < 1 {
			t.Errorf("refused without a place: %v", err)
		}
	})
}
