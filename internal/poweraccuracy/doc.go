// Package poweraccuracy holds kwatt's power model against measurements that
// nobody of the project made: small tables of published figures, carried with
// their sources, and the errors of what the model says instead. It makes
// docs/power-accuracy.md, which `sim power validate` prints.
package poweraccuracy
