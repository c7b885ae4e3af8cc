package report

import (
	"bytes"
	"fmt"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// fittedCanvas remembers how wide each text is in the face that it was placed
// with. A reader's browser may have only a wider one.
type fittedCanvas struct {
	*vgsvg.Canvas
	widths []vg.Length
}

// FillString implements vg.Canvas.
func (c *fittedCanvas) FillString(f font.Face, pt vg.Point, text string) {
	c.widths = append(c.widths, f.Width(text))
	c.Canvas.FillString(f, pt, text)
}

// fit has the browser set each text of a drawing as wide as it was placed.
func (c *fittedCanvas) fit(drawing []byte) []byte {
	parts := bytes.Split(drawing, []byte("<text "))
	var out bytes.Buffer
	out.Write(parts[0])
	for i, part := range parts[1:] {
		fmt.Fprintf(&out, `<text textLength="%.5g" lengthAdjust="spacingAndGlyphs" `, c.widths[i].Points())
		out.Write(part)
	}
	return out.Bytes()
}
