// Package powerprofile is the file of what one GPU was measured to draw: its
// types and how it is read. `sim calibrate` writes it, fitting and the power
// catalogue read it. docs/calibrate.md tells how the figures come about.
package powerprofile
