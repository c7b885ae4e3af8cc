package scenario

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed templates/*.yaml
var templates embed.FS

// Templates lists the starter scenarios, the smallest first.
func Templates() []string { return []string{"minimal", "flash-sale", "full"} }

// Init returns a commented starter scenario.
func Init(template string) ([]byte, error) {
	for _, name := range Templates() {
		if name == template {
			return templates.ReadFile("templates/" + name + ".yaml")
		}
	}
	return nil, fmt.Errorf("there is no template %q: want one of %s", template, strings.Join(Templates(), ", "))
}
