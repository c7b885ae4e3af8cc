// Package archtest holds the architecture to its word, in tests: imports go
// down one list of layers, some libraries belong to one package, and only the
// edges of the program read the clock.
package archtest
