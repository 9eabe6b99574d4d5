// A guest that owns an allocator: the malloc of Debian's wasi-libc, which is dlmalloc, to be called from outside. It is a
// reactor: it has no entry point, and whoever calls it need not initialize it. Built by ../../build.sh.

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT(name) __attribute__((export_name(name)))

EXPORT("malloc") void *guest_malloc(size_t n) { return malloc(n); }
EXPORT("free") void guest_free(void *p) { free(p); }
EXPORT("realloc") void *guest_realloc(void *p, size_t n) { return realloc(p, n); }
EXPORT("aligned_alloc") void *guest_aligned_alloc(size_t align, size_t n) { return aligned_alloc(align, n); }

// The sum of the message's words of 64 bits, and then of the bytes that are left, times 1, 3, 5 and so on: it reads a
// message in little time, and tells where each word stands.
EXPORT("digest") uint64_t digest(const uint8_t *p, size_t len) {
    uint64_t sum = 0, factor = 1;
    for (; len >= 8; p += 8, len -= 8, factor += 2) {
        uint64_t word;
        memcpy(&word, p, 8);
        sum += word * factor;
    }
    for (; len > 0; p++, len--, factor += 2)
        sum += *p * factor;
    return sum;
}
