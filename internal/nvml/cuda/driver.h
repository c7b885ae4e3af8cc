// The part of the CUDA driver API that kwatt calls, by its published binary
// interface: prototypes of our own, found in libcuda.so.1 at run time.
#ifndef KWATT_CUDA_DRIVER_H
#define KWATT_CUDA_DRIVER_H

#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef int cu_result; // 0 is success
typedef int cu_device;
typedef unsigned long long cu_ptr;
typedef void *cu_context, *cu_module, *cu_function, *cu_event;

enum {
	CU_BLOCKING_SYNC = 4,       // of a context: wait without spinning
	CU_EVENT_BLOCKING_SYNC = 1, // of an event, likewise
	CU_MULTIPROCESSORS = 16,    // device attributes
	CU_MAJOR = 75,
	CU_MINOR = 76,
	CU_JIT_LOG = 5, // options of module loading
	CU_JIT_LOG_SIZE = 6,
};

static struct {
	void *library;
	cu_result (*init)(unsigned);
	cu_result (*error_name)(cu_result, const char **);
	cu_result (*error_string)(cu_result, const char **);
	cu_result (*device_get)(cu_device *, int);
	cu_result (*device_attribute)(int *, int, cu_device);
	cu_result (*context_retain)(cu_context *, cu_device);
	cu_result (*context_release)(cu_device);
	cu_result (*context_flags)(cu_device, unsigned);
	cu_result (*context_set)(cu_context);
	cu_result (*module_load)(cu_module *, const void *, unsigned, int *, void **);
	cu_result (*module_function)(cu_function *, cu_module, const char *);
	cu_result (*occupancy)(int *, cu_function, int, size_t);
	cu_result (*memory_info)(size_t *, size_t *);
	cu_result (*memory_alloc)(cu_ptr *, size_t);
	cu_result (*memory_free)(cu_ptr);
	cu_result (*event_create)(cu_event *, unsigned);
	cu_result (*event_record)(cu_event, void *);
	cu_result (*event_synchronize)(cu_event);
	cu_result (*event_elapsed)(float *, cu_event, cu_event);
	cu_result (*launch)(cu_function, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void *, void **, void **);
} cu;

// cu_load finds the library and its functions; it returns what is missing, or
// NULL.
static const char *cu_load(void) {
	struct {
		void *at;
		const char *name, *older; // older drivers have only the latter
	} symbols[] = {
		{&cu.init, "cuInit", NULL},
		{&cu.error_name, "cuGetErrorName", NULL},
		{&cu.error_string, "cuGetErrorString", NULL},
		{&cu.device_get, "cuDeviceGet", NULL},
		{&cu.device_attribute, "cuDeviceGetAttribute", NULL},
		{&cu.context_retain, "cuDevicePrimaryCtxRetain", NULL},
		{&cu.context_release, "cuDevicePrimaryCtxRelease_v2", "cuDevicePrimaryCtxRelease"},
		{&cu.context_flags, "cuDevicePrimaryCtxSetFlags_v2", "cuDevicePrimaryCtxSetFlags"},
		{&cu.context_set, "cuCtxSetCurrent", NULL},
		{&cu.module_load, "cuModuleLoadDataEx", NULL},
		{&cu.module_function, "cuModuleGetFunction", NULL},
		{&cu.occupancy, "cuOccupancyMaxActiveBlocksPerMultiprocessor", NULL},
		{&cu.memory_info, "cuMemGetInfo_v2", NULL},
		{&cu.memory_alloc, "cuMemAlloc_v2", NULL},
		{&cu.memory_free, "cuMemFree_v2", NULL},
		{&cu.event_create, "cuEventCreate", NULL},
		{&cu.event_record, "cuEventRecord", NULL},
		{&cu.event_synchronize, "cuEventSynchronize", NULL},
		{&cu.event_elapsed, "cuEventElapsedTime", NULL},
		{&cu.launch, "cuLaunchKernel", NULL},
	};
	static char missing[256];
	if (!cu.library && !(cu.library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL))) {
		snprintf(missing, sizeof missing, "%s", dlerror());
		return missing;
	}
	for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
		void *f = dlsym(cu.library, symbols[i].name);
		if (!f && symbols[i].older)
			f = dlsym(cu.library, symbols[i].older);
		if (!f) {
			snprintf(missing, sizeof missing, "libcuda.so.1 has no %s: the driver is too old", symbols[i].name);
			return missing;
		}
		*(void **)symbols[i].at = f;
	}
	return NULL;
}

// cu_gpu is a device with a context, the kernels and a buffer.
typedef struct {
	cu_device device;
	cu_context context;
	cu_module module;
	cu_event begin, end;
	cu_ptr buffer;
	uint64_t bytes; // of the buffer, a power of two
	int multiprocessors, major, minor;
} cu_gpu;

#define CU_TRY(call)                     \
	do {                                 \
		cu_result failed = (call);       \
		if (failed)                      \
			return *what = #call, failed; \
	} while (0)

// cu_open makes the context of the first visible device. On failure what names
// the call that failed.
static cu_result cu_open(cu_gpu *g, const char **what) {
	CU_TRY(cu.init(0));
	CU_TRY(cu.device_get(&g->device, 0));
	CU_TRY(cu.device_attribute(&g->multiprocessors, CU_MULTIPROCESSORS, g->device));
	CU_TRY(cu.device_attribute(&g->major, CU_MAJOR, g->device));
	CU_TRY(cu.device_attribute(&g->minor, CU_MINOR, g->device));
	cu.context_flags(g->device, CU_BLOCKING_SYNC); // spinning works too, if it must
	CU_TRY(cu.context_retain(&g->context, g->device));
	CU_TRY(cu.context_set(g->context));
	CU_TRY(cu.event_create(&g->begin, CU_EVENT_BLOCKING_SYNC));
	CU_TRY(cu.event_create(&g->end, CU_EVENT_BLOCKING_SYNC));
	return 0;
}

// cu_assemble has the driver assemble the kernels; its complaints go to log.
static cu_result cu_assemble(cu_gpu *g, const char *ptx, char *log, size_t size, const char **what) {
	int options[] = {CU_JIT_LOG, CU_JIT_LOG_SIZE};
	void *values[] = {log, (void *)(uintptr_t)size};
	CU_TRY(cu.context_set(g->context));
	CU_TRY(cu.module_load(&g->module, ptx, 2, options, values));
	return 0;
}

// cu_allocate takes the largest power of two of bytes up to most that leaves
// half of the free memory.
static cu_result cu_allocate(cu_gpu *g, uint64_t most, const char **what) {
	size_t available, total;
	CU_TRY(cu.context_set(g->context));
	CU_TRY(cu.memory_info(&available, &total));
	for (g->bytes = most; g->bytes > available / 2 && g->bytes > 1 << 20;)
		g->bytes /= 2;
	CU_TRY(cu.memory_alloc(&g->buffer, g->bytes));
	return 0;
}

// cu_kernel finds a kernel and how many of its blocks one multiprocessor takes.
static cu_result cu_kernel(cu_gpu *g, const char *name, int block, cu_function *f, int *resident, const char **what) {
	CU_TRY(cu.context_set(g->context));
	CU_TRY(cu.module_function(f, g->module, name));
	CU_TRY(cu.occupancy(resident, *f, block, 0));
	return 0;
}

// cu_burst launches a kernel so many times, start moving by stride each time,
// waits for the end and says how long the GPU took.
static cu_result cu_burst(cu_gpu *g, cu_function f, unsigned blocks, unsigned block, uint64_t start, uint64_t stride,
		uint32_t rounds, int launches, float *milliseconds, const char **what) {
	uint64_t mask = g->bytes - 1;
	void *parameters[] = {&g->buffer, &mask, &start, &rounds};
	CU_TRY(cu.context_set(g->context));
	CU_TRY(cu.event_record(g->begin, NULL));
	for (int i = 0; i < launches; i++) {
		CU_TRY(cu.launch(f, blocks, 1, 1, block, 1, 1, 0, NULL, parameters, NULL));
		start = (start + stride) & mask;
	}
	CU_TRY(cu.event_record(g->end, NULL));
	CU_TRY(cu.event_synchronize(g->end));
	CU_TRY(cu.event_elapsed(milliseconds, g->begin, g->end));
	return 0;
}

// cu_close gives everything back; the context takes the module and the events
// with it.
static cu_result cu_close(cu_gpu *g, const char **what) {
	if (!g->context)
		return 0;
	CU_TRY(cu.context_set(g->context));
	if (g->buffer)
		CU_TRY(cu.memory_free(g->buffer));
	CU_TRY(cu.context_release(g->device));
	g->context = NULL;
	return 0;
}

static const char *cu_name(cu_result r) {
	const char *name = NULL;
	return cu.error_name && !cu.error_name(r, &name) && name ? name : "unknown CUDA error";
}

static const char *cu_text(cu_result r) {
	const char *text = NULL;
	return cu.error_string && !cu.error_string(r, &text) && text ? text : "";
}

#endif
