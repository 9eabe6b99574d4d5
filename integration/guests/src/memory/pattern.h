// The bytes that the guests in C fill a block with, and look for.

#include <stddef.h>
#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(name)))

static uint8_t pattern(size_t i, uint32_t seed) { return (uint8_t)((i * 7 + (i >> 8)) ^ seed); }

// Fills a block, and returns it. There is no block at 0.
static void *fill(uint8_t *block, size_t size, uint32_t seed) {
    if (block)
        for (size_t i = 0; i < size; i++)
            block[i] = pattern(i, seed);
    return block;
}

EXPORT("check") size_t check(const uint8_t *block, size_t size, uint32_t seed) {
    for (size_t i = 0; i < size; i++)
        if (block[i] != pattern(i, seed))
            return 1 + i;
    return 0;
}
