package hpa

import (
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strings"
)

// Quantity is a Kubernetes quantity as written: "5", "100m", "1.5k", "2Mi".
type Quantity string

// quantityForm is the grammar of apimachinery's resource.Quantity.
const quantityForm = `^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?[0-9]{1,3})?$`

var quantityPattern = regexp.MustCompile(quantityForm)

// SchemaScalar describes the textual form; the result is an unnamed struct so
// that policies need not import the package that reads it.
func (Quantity) SchemaScalar() struct {
	Want    string
	Pattern string
	Numbers bool
} {
	return struct {
		Want    string
		Pattern string
		Numbers bool
	}{"a quantity like 100, 500m or 2k", quantityForm, true}
}

// MarshalText is the quantity as written.
func (q Quantity) MarshalText() ([]byte, error) { return []byte(q), nil }

// UnmarshalText reads a quantity.
func (q *Quantity) UnmarshalText(text []byte) error {
	if _, err := Quantity(text).value(); err != nil {
		return err
	}
	*q = Quantity(text)
	return nil
}

// suffixes are the powers that scale a quantity.
var suffixes = map[string]struct{ base, exponent int64 }{
	"n": {10, -9}, "u": {10, -6}, "m": {10, -3}, "": {10, 0},
	"k": {10, 3}, "M": {10, 6}, "G": {10, 9}, "T": {10, 12}, "P": {10, 15}, "E": {10, 18},
	"Ki": {2, 10}, "Mi": {2, 20}, "Gi": {2, 30}, "Ti": {2, 40}, "Pi": {2, 50}, "Ei": {2, 60},
}

// value returns the exact number.
func (q Quantity) value() (*big.Rat, error) {
	if !quantityPattern.MatchString(string(q)) {
		return nil, fmt.Errorf("%q is not a quantity like 100, 500m or 2k", string(q))
	}
	number := strings.TrimRight(string(q), "numkKMGTPEi")
	r, ok := new(big.Rat).SetString(number) // reads 1e3 as well
	if !ok {
		return nil, fmt.Errorf("%q is not a quantity like 100, 500m or 2k", string(q))
	}
	s := suffixes[string(q)[len(number):]]
	power := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(s.base), big.NewInt(max(s.exponent, -s.exponent)), nil))
	if s.exponent < 0 {
		return r.Quo(r, power), nil
	}
	return r.Mul(r, power), nil
}

// milli returns the quantity in thousandths, rounded up as
// resource.Quantity.MilliValue does and capped at the largest int64.
func (q Quantity) milli() (int64, error) {
	r, err := q.value()
	if err != nil {
		return 0, err
	}
	r.Mul(r, big.NewRat(1000, 1))
	n, rest := new(big.Int).QuoRem(r.Num(), r.Denom(), new(big.Int))
	if rest.Sign() > 0 {
		n.Add(n, big.NewInt(1))
	}
	if !n.IsInt64() {
		if n.Sign() < 0 {
			return math.MinInt64, nil
		}
		return math.MaxInt64, nil
	}
	return n.Int64(), nil
}

// float returns the nearest float64.
func (q Quantity) float() (float64, error) {
	r, err := q.value()
	if err != nil {
		return 0, err
	}
	f, _ := r.Float64()
	return f, nil
}
