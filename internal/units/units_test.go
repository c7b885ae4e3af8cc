package units

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestDurationsRoundTrip(t *testing.T) {
	for text, want := range map[string]string{"24h": "24h", "90s": "1m30s", "1h30m": "1h30m", "0s": "0s", "1500ms": "1.5s", "60m": "1h", "1h0m5s": "1h0m5s"} {
		var d Duration
		if err := d.UnmarshalText([]byte(text)); err != nil || d.String() != want {
			t.Errorf("%s reads as %v, %v; want %s", text, d, err, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		d := Duration(rapid.Int64().Draw(t, "ns"))
		var back Duration
		if err := back.UnmarshalText([]byte(d.String())); err != nil || back != d {
			t.Fatalf("%d ns is written %s and read as %d, %v", d, d, back, err)
		}
	})
	var d Duration
	for _, bad := range []string{"", "300", "5 minutes", "1d"} {
		if err := d.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q was accepted as %v", bad, d.D())
		}
	}
}

func TestGrams(t *testing.T) {
	for text, want := range map[string]float64{"0.8g": 0.8, "12mg": 0.012, "1.5kg": 1500, "0g": 0} {
		var g Grams
		if err := g.UnmarshalText([]byte(text)); err != nil || float64(g) < want*0.999999 || float64(g) > want*1.000001 {
			t.Errorf("%s reads as %v g, %v", text, float64(g), err)
		}
		var back Grams
		if err := back.UnmarshalText([]byte(g.String())); err != nil || back != g {
			t.Errorf("%v is written %s and read as %v, %v", float64(g), g, float64(back), err)
		}
	}
	var g Grams
	for _, bad := range []string{"", "5", "g", "-1g", "NaNg", "Infkg", "1t"} {
		if err := g.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q was accepted as %v", bad, g)
		}
	}
}

func TestWatts(t *testing.T) {
	for text, want := range map[string]float64{"250W": 250, "0.7kW": 700, "1.5 kW": 1500, "0.5W": 0.5} {
		var w, back Watts
		if err := w.UnmarshalText([]byte(text)); err != nil || float64(w) < want*0.999999 || float64(w) > want*1.000001 {
			t.Errorf("%s reads as %v W, %v", text, float64(w), err)
		}
		if err := back.UnmarshalText([]byte(w.String())); err != nil || back != w {
			t.Errorf("%v is written %s and read as %v, %v", float64(w), w, float64(back), err)
		}
	}
	var w Watts
	for _, bad := range []string{"", "250", "W", "-1W", "0W", "NaNW", "InfkW", "1MW"} {
		if err := w.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q was accepted as %v", bad, w)
		}
	}
}

func TestConversions(t *testing.T) {
	if KWh(7.2e6) != 2 || Duration(90*time.Second).Seconds() != 90 {
		t.Error("7.2 MJ are 2 kWh, and 90 s are 90 s")
	}
}
