// The guests that have the host allocate: MALLOC and FREE are the names under which they import it from env. There is no
// libc, and no allocator in the guest. Built by ../../build.sh.

#include "pattern.h"

#define IMPORT(name) __attribute__((import_module("env"), import_name(name)))

IMPORT(MALLOC) void *host_malloc(size_t size);
IMPORT(FREE) void host_free(void *block);

EXPORT("take") void *take(size_t size, uint32_t seed) { return fill(host_malloc(size), size, seed); }

EXPORT("give") void give(void *block, size_t size) {
    (void)size;
    host_free(block);
}

EXPORT("pairs") void pairs(uint32_t n, size_t size) {
    for (; n > 0; n--)
        host_free(host_malloc(size));
}
