// Package manifest reads Kubernetes objects as an API server does: strictly,
// with upstream's defaults, and with upstream's messages for what is wrong.
package manifest

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"
	kjson "sigs.k8s.io/json"

	"github.com/kwatt-sim/kwatt/internal/policies"
)

// Decode makes an object of the kind that is wanted, defaults filled in, in the
// decoder's internal version. When nothing is wrong but fields that are unknown
// or stand twice, it returns the object without them as well.
func Decode(d runtime.Decoder, object map[string]any, kind string) (runtime.Object, []policies.Problem) {
	if is, ok := object["kind"]; ok && is != kind {
		return nil, []policies.Problem{{Path: "kind", Message: fmt.Sprintf("want a %s, found %v", kind, is)}}
	}
	data, err := json.Marshal(object)
	if err != nil {
		return nil, []policies.Problem{{Message: err.Error()}}
	}
	decoded, _, err := d.Decode(data, nil, nil)
	if err != nil {
		return decoded, decodingProblems(err)
	}
	return decoded, nil
}

// Unmarshal reads an object whose kind upstream's scheme does not know, as strictly,
// into a struct with JSON tags.
func Unmarshal(object map[string]any, apiVersion, kind string, into any) []policies.Problem {
	for _, x := range []struct{ path, want string }{{"apiVersion", apiVersion}, {"kind", kind}} {
		if is := object[x.path]; is != x.want {
			return []policies.Problem{{Path: x.path, Message: fmt.Sprintf("want %s, found %v", x.want, is), Hint: "head the file with apiVersion and kind"}}
		}
	}
	data, err := json.Marshal(object)
	if err != nil {
		return []policies.Problem{{Message: err.Error()}}
	}
	unknown, err := kjson.UnmarshalStrict(data, into)
	if err == nil && len(unknown) > 0 {
		err = runtime.NewStrictDecodingError(unknown)
	}
	if err != nil {
		return decodingProblems(err)
	}
	return nil
}

// unknownField and wrongType find the path in the decoder's messages; that of a
// wrong type leaves out the indices of lists.
var (
	unknownField = regexp.MustCompile(`^(unknown|duplicate) field "([^"]+)"$`)
	wrongType    = regexp.MustCompile(`Go struct field \w+\.(\S+) of type `)
)

// decodingProblems are the faults that the strict decoder found.
func decodingProblems(err error) []policies.Problem {
	strict, ok := runtime.AsStrictDecodingError(err)
	switch {
	case ok:
	case runtime.IsMissingKind(err):
		return []policies.Problem{{Path: "kind", Message: withoutObject(err), Hint: "head the file with apiVersion and kind"}}
	case runtime.IsMissingVersion(err):
		return []policies.Problem{{Path: "apiVersion", Message: withoutObject(err), Hint: "head the file with apiVersion and kind"}}
	case runtime.IsNotRegisteredError(err):
		return []policies.Problem{{Path: "apiVersion", Message: err.Error()}}
	default:
		p := policies.Problem{Message: err.Error()}
		if m := wrongType.FindStringSubmatch(p.Message); m != nil {
			p.Path = m[1]
		}
		return []policies.Problem{p}
	}
	var all []policies.Problem
	for _, e := range strict.Errors() {
		p := policies.Problem{Message: e.Error()}
		if m := unknownField.FindStringSubmatch(e.Error()); m != nil {
			p.Path = m[2]
		}
		all = append(all, p)
	}
	return all
}

// withoutObject is the message of an error that ends with the whole object.
func withoutObject(err error) string {
	message, _, _ := strings.Cut(err.Error(), " in '")
	return message
}

// Problems are the faults that upstream's validation found, in its words.
func Problems(errs field.ErrorList) []policies.Problem {
	var all []policies.Problem
	for _, e := range errs {
		all = append(all, policies.Problem{Path: e.Field, Message: e.ErrorBody()})
	}
	return all
}

// Aggregated are the faults in an error that may stand for several.
func Aggregated(err error) []policies.Problem {
	var many utilerrors.Aggregate
	var f *field.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &many):
		var all []policies.Problem
		for _, e := range many.Errors() {
			all = append(all, Aggregated(e)...)
		}
		return all
	case errors.As(err, &f):
		return Problems(field.ErrorList{f})
	}
	return []policies.Problem{{Message: err.Error()}}
}
