// The guest's side of the matrix: reads what the host wrote, writes what the host reads, and grows its memory.
// No allocator, no libc. Built by ../build.sh.

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

#define EXPORT(name) __attribute__((export_name(name)))

// 64-bit FNV-1a of len bytes at p.
EXPORT("fnv1a") u64 fnv1a(const u8 *p, u32 len) {
    u64 h = 0xcbf29ce484222325;
    for (u32 i = 0; i < len; i++)
        h = (h ^ p[i]) * 0x100000001b3;
    return h;
}

// Reverses len bytes at p in place.
EXPORT("reverse") void reverse(u8 *p, u32 len) {
    for (u32 i = 0, j = len; i + 1 < j; i++) {
        u8 b = p[i];
        p[i] = p[--j];
        p[j] = b;
    }
}

// memory.grow: the size before, in pages, or -1.
EXPORT("grow") int grow(u32 delta) { return __builtin_wasm_memory_grow(0, delta); }

// Bytes of the guest's own, to see that the host's pages leave it alone.
static u8 own[4096];
EXPORT("own") u8 *own_bytes(void) { return own; }

// Traps, whatever it is given.
EXPORT("trap") void trap(const u8 *p, u32 len) {
    (void)p, (void)len;
    __builtin_trap();
}
