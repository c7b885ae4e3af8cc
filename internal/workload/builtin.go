package workload

import (
	"bytes"
	"embed"
	"fmt"
	"strings"
)

//go:embed builtin/*.csv builtin/WORLDCUP98_NOTICE.txt
var builtinFiles embed.FS

// builtinNames in alphabetical order.
var builtinNames = []string{
	"servegen-m-mid",
	"taobao-2017",
	"uci-retail-christmas",
	"worldcup98-final",
	"worldcup98-peak",
}

// Builtin returns the builtin trace of a name.
func Builtin(name string) (*Trace, error) {
	b, err := builtinFiles.ReadFile("builtin/" + name + ".csv")
	if err != nil {
		return nil, fmt.Errorf("no builtin trace %q; there are %s", name, strings.Join(builtinNames, ", "))
	}
	return ReadCSV(bytes.NewReader(b), name, ReadOptions{})
}

// Builtins returns all builtin traces by name.
func Builtins() []*Trace {
	all := make([]*Trace, len(builtinNames))
	for i, name := range builtinNames {
		t, err := Builtin(name)
		if err != nil {
			panic(fmt.Sprintf("builtin trace %s: %v", name, err)) // a fault of the build, not of the user
		}
		all[i] = t
	}
	return all
}

// WorldCup98Notice returns the notice that has to go with every copy of the
// worldcup98 traces.
func WorldCup98Notice() string {
	b, err := builtinFiles.ReadFile("builtin/WORLDCUP98_NOTICE.txt")
	if err != nil {
		panic(err) // embedded above
	}
	return string(b)
}
