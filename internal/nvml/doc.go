// Package nvml shows the GPUs of this host to package calibrate, through
// NVIDIA's management library. It is the only importer of go-nvml, which needs
// cgo; where there is none, Open says so.
package nvml
