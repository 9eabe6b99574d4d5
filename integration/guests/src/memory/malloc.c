// The guests whose allocator is the malloc of a libc: wasi-libc's, or one of Emscripten's. Built by ../../build.sh.

#include <stdlib.h>

#include "pattern.h"

EXPORT("take") void *take(size_t size, uint32_t seed) { return fill(malloc(size), size, seed); }

EXPORT("give") void give(void *block, size_t size) {
    (void)size;
    free(block);
}

// The compiler knows malloc, and would leave out a block that nobody uses.
EXPORT("pairs") void pairs(uint32_t n, size_t size) {
    for (; n > 0; n--) {
        void *volatile block = malloc(size);
        free(block);
    }
}

#ifdef __EMSCRIPTEN__
// Emscripten imports this where nothing defines it, and has nothing for it to do outside of JavaScript.
void emscripten_notify_memory_growth(size_t memory) { (void)memory; }
#endif
