package report

import "unicode/utf8"

// The drawing area of a narrow dot chart in pixels, about, in a window of 1,200:
// what fits there fits in a wider one. And the size of what stands in it.
const (
	dotAreaWidth, dotAreaHeight = 420, 190
	dotRadius                   = 5
	labelHeight, runeWidth      = 15, 6.8
	labelMargin                 = 76 // to the right of the area
)

// box is a rectangle in pixels, y upwards.
type box struct{ left, bottom, right, top float64 }

func (b box) overlaps(o box) bool {
	return b.left < o.right && o.left < b.right && b.bottom < o.top && o.bottom < b.top
}

// placeLabels gives each dot's label a side on which it touches neither a dot
// nor an earlier label; where there is none, the legend has to do.
func (d *dotChart) placeLabels() {
	var taken []box
	at := make([][2]float64, len(d.Dots))
	for i, p := range d.Dots {
		x, y := dotAreaWidth*d.X.position(p.X.Mean), dotAreaHeight*d.Y.position(p.Y.Mean)
		at[i] = [2]float64{x, y}
		taken = append(taken, box{x - dotRadius, y - dotRadius, x + dotRadius, y + dotRadius})
	}
	for i := range d.Dots {
		w := runeWidth * float64(utf8.RuneCountInString(d.Dots[i].Name))
		for _, side := range []string{"right", "top", "bottom", "left"} {
			b := labelBox(side, at[i][0], at[i][1], w)
			if b.left < 0 || b.right > dotAreaWidth+labelMargin || b.bottom < 0 || b.top > dotAreaHeight+labelHeight || anyOverlap(b, taken) {
				continue
			}
			d.Dots[i].Side = side
			taken = append(taken, b)
			break
		}
	}
}

func anyOverlap(b box, taken []box) bool {
	for _, o := range taken {
		if b.overlaps(o) {
			return true
		}
	}
	return false
}

// labelBox is where a label of width w lies beside the dot at (x, y).
func labelBox(side string, x, y, w float64) box {
	const gap = dotRadius + 1
	switch side {
	case "left":
		return box{x - gap - w, y - labelHeight/2, x - gap, y + labelHeight/2}
	case "top":
		return box{x - w/2, y + gap, x + w/2, y + gap + labelHeight}
	case "bottom":
		return box{x - w/2, y - gap - labelHeight, x + w/2, y - gap}
	default:
		return box{x + gap, y - labelHeight/2, x + gap + w, y + labelHeight/2}
	}
}
