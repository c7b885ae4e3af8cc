package gate

import (
	"encoding/xml"
	"fmt"
	"strconv"

	"github.com/kwatt-sim/kwatt/internal/tty"
)

// The part of JUnit's format that CI systems read.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Name    string       `xml:"name,attr"`
		Tests   int          `xml:"tests,attr"`
		Fails   int          `xml:"failures,attr"`
		Errors  int          `xml:"errors,attr"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name   string      `xml:"name,attr"`
		Tests  int         `xml:"tests,attr"`
		Fails  int         `xml:"failures,attr"`
		Errors int         `xml:"errors,attr"`
		Cases  []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class      string          `xml:"classname,attr"`
		Name       string          `xml:"name,attr"`
		File       string          `xml:"file,attr"`
		Line       int             `xml:"line,attr"`
		Properties []junitProperty `xml:"properties>property"`
		Failure    *junitProblem   `xml:"failure"`
		Error      *junitProblem   `xml:"error"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitProblem struct {
		Type    string `xml:"type,attr"`
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// JUnit writes the verdicts as JUnit XML, a test case for each check. A check
// that is inconclusive is an error, never a skipped test: it must not look green.
func (r *Report) JUnit() ([]byte, error) {
	suite := junitSuite{Name: r.Gate, Tests: len(r.Outcomes), Fails: r.Count(Fail), Errors: r.Count(Inconclusive)}
	for _, o := range r.Outcomes {
		c := junitCase{Class: r.Gate + "." + o.Policy, Name: o.name(), File: r.Path, Line: o.Line, Properties: o.properties()}
		problem := &junitProblem{Type: string(o.Verdict), Message: tty.Plain(o.Reason), Text: tty.Plain(fmt.Sprintf("%s:%d: %s", r.Path, o.Line, o.Reason))}
		switch o.Verdict {
		case Fail:
			c.Failure = problem
		case Inconclusive:
			c.Error = problem
		}
		suite.Cases = append(suite.Cases, c)
	}
	text, err := xml.MarshalIndent(junitSuites{Name: "kwatt gate", Tests: suite.Tests, Fails: suite.Fails, Errors: suite.Errors, Suites: []junitSuite{suite}}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write JUnit XML: %w", err)
	}
	return append(append([]byte(xml.Header), text...), '\n'), nil
}

// name is the check in the terms of the gate file.
func (o *Outcome) name() string {
	name := o.Metric
	if o.Service != "" {
		name = o.Service + " " + name
	}
	return name + " " + o.Limit
}

func (o *Outcome) properties() []junitProperty {
	out := []junitProperty{{"seeds", strconv.Itoa(o.Seeds)}}
	for _, p := range []struct {
		name string
		x    *float64
	}{{"value", o.Value}, {"baseline", o.Baseline}, {"measured", o.Measured}, {"low", o.Low}, {"high", o.High}} {
		if p.x != nil {
			out = append(out, junitProperty{p.name, strconv.FormatFloat(*p.x, 'g', 9, 64)})
		}
	}
	return out
}
