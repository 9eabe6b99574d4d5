//go:build cgo

package wasmtimemem

/*
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// Of wasmtime/config.h and wasmtime/error.h: see moving_linux.go.
typedef struct wasm_config_t wasm_config_t;
typedef struct wasm_memorytype_t wasm_memorytype_t;
typedef struct wasmtime_error wasmtime_error_t;

typedef struct {
	void *env;
	uint8_t *(*get_memory)(void *env, size_t *byte_size, size_t *byte_capacity);
	wasmtime_error_t *(*grow_memory)(void *env, size_t new_size);
	void (*finalizer)(void *env);
} wasmtime_linear_memory_t;

typedef struct {
	void *env;
	wasmtime_error_t *(*new_memory)(void *env, const wasm_memorytype_t *type, size_t minimum, size_t maximum,
	                                size_t reserved, size_t guard, wasmtime_linear_memory_t *memory);
	void (*finalizer)(void *env);
} wasmtime_memory_creator_t;

extern __attribute__((weak)) void wasmtime_config_host_memory_creator_set(wasm_config_t *, wasmtime_memory_creator_t *);
extern __attribute__((weak)) wasmtime_error_t *wasmtime_error_new(const char *);

// A memory is its size, with a guard behind it, and has no room to grow into.
typedef struct {
	uint8_t *base;
	size_t size, guard;
} fencing_memory;

static size_t whole_pages(size_t n) {
	size_t page = sysconf(_SC_PAGESIZE);
	return (n + page - 1) / page * page;
}

// enter maps a place of that size, and returns NULL if it cannot be had.
static uint8_t *enter(size_t size, size_t guard) {
	size_t accessible = whole_pages(size), all = accessible + whole_pages(guard) + sysconf(_SC_PAGESIZE);
	uint8_t *base = mmap(NULL, all, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		return NULL;
	if (accessible > 0 && mprotect(base, accessible, PROT_READ | PROT_WRITE) != 0) {
		munmap(base, all);
		return NULL;
	}
	return base;
}

// leave gives back a place, but for the addresses that views may have. These stay mapped, without access.
static void leave(fencing_memory *m) {
	size_t accessible = whole_pages(m->size);
	munmap(m->base + accessible, whole_pages(m->guard) + sysconf(_SC_PAGESIZE));
	if (accessible > 0)
		mmap(m->base, accessible, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
}

static uint8_t *fencing_get(void *env, size_t *size, size_t *capacity) {
	fencing_memory *m = env;
	*size = *capacity = m->size;
	return m->base;
}

static wasmtime_error_t *fencing_grow(void *env, size_t size) {
	fencing_memory *m = env;
	uint8_t *base = enter(size, m->guard);
	if (base == NULL)
		return wasmtime_error_new("the system refused the memory");
	memcpy(base, m->base, m->size < size ? m->size : size);
	leave(m);
	m->base = base;
	m->size = size;
	return NULL;
}

static void fencing_end(void *env) {
	leave(env);
	free(env);
}

static wasmtime_error_t *fencing_new(void *env, const wasm_memorytype_t *type, size_t minimum, size_t maximum,
                                     size_t reserved, size_t guard, wasmtime_linear_memory_t *memory) {
	fencing_memory *m = malloc(sizeof *m);
	if (m == NULL || (m->base = enter(minimum, guard)) == NULL) {
		free(m);
		return wasmtime_error_new("the system refused the memory");
	}
	m->size = minimum;
	m->guard = guard;
	*memory = (wasmtime_linear_memory_t){m, fencing_get, fencing_grow, fencing_end};
	return NULL;
}

static bool fence_on_growth(void *config) {
	if (!wasmtime_config_host_memory_creator_set || !wasmtime_error_new)
		return false;
	wasmtime_memory_creator_t creator = {NULL, fencing_new, NULL};
	wasmtime_config_host_memory_creator_set(config, &creator);
	return true;
}
*/
import "C"

import (
	"runtime"

	"github.com/bytecodealliance/wasmtime-go/v44"
	linmem "github.com/linmem/linmem/core"
)

// FenceOnGrowth is [MoveOnGrowth], and the memories also fence every place that they leave, by growth or with the store, at
// once: to use a view from before is a fault from the growth on, also while the guest runs on, and no matter how often it
// grows its memory in one call. So it finds what [WithFencedViews] finds only with the next call of a Memory, and needs no
// option. The places stay taken until the process ends.
//
// The memories are mapped by this package, through wasmtime's hook for that, without copy-on-write of data segments: do not
// set SetMemoryInitCOWSet(true) after it.
func FenceOnGrowth(cfg *wasmtime.Config) error {
	if err := MoveOnGrowth(cfg); err != nil {
		return err
	}
	cfg.SetMemoryInitCOWSet(false) // for which wasmtime needs memories of its own; it panics otherwise
	pointer, _ := configPointer(cfg)
	done := C.fence_on_growth(pointer)
	runtime.KeepAlive(cfg)
	if !done {
		return &linmem.Error{Op: "wasmtimemem.FenceOnGrowth", Err: errNoSettings}
	}
	return nil
}
