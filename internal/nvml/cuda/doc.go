// Package cuda runs kernels that keep a GPU busy, through the driver API alone:
// libcuda.so.1 is loaded when it is needed, the kernels are PTX text that the
// driver assembles, memory is plain device memory. No toolkit takes part.
package cuda
