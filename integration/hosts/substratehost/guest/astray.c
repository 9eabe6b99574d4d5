// A runtime that does what a host must be ready for. Built by ../../build.sh.

#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(name)))
#define HOST(name) __attribute__((import_module("env"), import_name(name)))

HOST("ext_allocator_malloc_version_1") void *host_malloc(uint32_t size);
HOST("ext_allocator_free_version_1") void host_free(void *block);

static uint64_t result(uintptr_t addr, uint64_t size) { return size << 32 | (uint32_t)addr; }

// What a runtime in Rust returns for (): no bytes, at an address that is none.
EXPORT("Astray_nothing") uint64_t nothing(void *data, uint32_t size) {
    (void)data, (void)size;
    return result(1, 0);
}

// Its result runs over the end of its block.
EXPORT("Astray_too_long") uint64_t too_long(void *data, uint32_t size) {
    (void)data, (void)size;
    return result((uintptr_t)host_malloc(64), 4096);
}

// Its result is not in a block.
EXPORT("Astray_elsewhere") uint64_t elsewhere(void *data, uint32_t size) {
    (void)data, (void)size;
    return result(16, 16);
}

// It writes to the eight bytes before a block of its own, and frees the block.
EXPORT("Astray_underrun") uint64_t underrun(void *data, uint32_t size) {
    (void)data, (void)size;
    uint64_t *block = host_malloc(64);
    block[-1] = UINT64_MAX;
    host_free(block);
    return result(1, 0);
}

// It frees its arguments, and then once more.
EXPORT("Astray_double_free") uint64_t double_free(void *data, uint32_t size) {
    (void)size;
    host_free(data);
    host_free(data);
    return result(1, 0);
}
