// A runtime as Substrate's are, with one runtime API: Clearing_net, which sums up transfers. An entry point takes the
// address and the number of bytes of its arguments, and returns those of its result in one i64, the address in the lower
// half. Both are SCALE-encoded. All memory comes from the host's two allocator functions. Built by ../../build.sh.
//
//     Clearing_net(transfers: Vec<(from: u32, to: u32, amount: u64)>) -> Vec<(account: u32, change: i64)>
//
// The accounts are in the order in which the transfers name them.

#include <stddef.h>
#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(name)))
#define HOST(name) __attribute__((import_module("env"), import_name(name)))

HOST("ext_allocator_malloc_version_1") void *host_malloc(uint32_t size); // traps if there is no memory
HOST("ext_allocator_free_version_1") void host_free(void *block);

typedef struct __attribute__((packed)) {
    uint32_t from, to;
    uint64_t amount;
} transfer;

typedef struct __attribute__((packed)) {
    uint32_t account;
    int64_t change;
} total;

// There is no libc for what the compiler calls.
__attribute__((no_builtin("memset"))) void *memset(void *block, int byte, size_t size) {
    for (uint8_t *p = block; size > 0; size--)
        *p++ = (uint8_t)byte;
    return block;
}

__attribute__((no_builtin("memcpy"))) void *memcpy(void *restrict to, const void *restrict from, size_t size) {
    uint8_t *p = to;
    for (const uint8_t *q = from; size > 0; size--)
        *p++ = *q++;
    return to;
}

// A runtime that cannot go on panics, which is a trap.
static void require(int holds) {
    if (!holds)
        __builtin_trap();
}

// SCALE's compact integers of up to 30 bits: the two lowest bits say how many bytes there are.
static const uint8_t *get_compact(const uint8_t *p, const uint8_t *end, uint32_t *value) {
    require(p < end && (*p & 3) != 3);
    int n = 1 << (*p & 3);
    require(end - p >= n);
    *value = 0;
    for (int i = 0; i < n; i++)
        *value |= (uint32_t)p[i] << 8 * i;
    *value >>= 2;
    return p + n;
}

static uint32_t put_compact(uint8_t *p, uint32_t value) {
    uint32_t log = value < 1 << 6 ? 0 : value < 1 << 14 ? 1 : 2;
    require(value < 1 << 30);
    value = value << 2 | log;
    for (uint32_t i = 0; i < 1u << log; i++)
        p[i] = (uint8_t)(value >> 8 * i);
    return 1u << log;
}

// Adds to the total of an account. The slots are a hash table of numbers of totals, from 1 on; 0 is a free one.
static void add(total *totals, uint32_t *n, uint32_t *slots, uint32_t last_slot, uint32_t account, uint64_t amount) {
    uint32_t slot = account * 2654435769u & last_slot;
    while (slots[slot] != 0 && totals[slots[slot] - 1].account != account)
        slot = (slot + 1) & last_slot;
    if (slots[slot] == 0) {
        totals[*n] = (total){account, 0};
        slots[slot] = ++*n;
    }
    total *t = &totals[slots[slot] - 1];
    t->change = (int64_t)((uint64_t)t->change + amount);
}

EXPORT("Clearing_net") uint64_t net(const uint8_t *data, uint32_t size) {
    const uint8_t *end = data + size;
    uint32_t n_transfers, n_slots = 4, n = 0;
    const uint8_t *first = get_compact(data, end, &n_transfers);
    const transfer *transfers = (const transfer *)first;
    require(n_transfers < 1 << 24 && (size_t)(end - first) == (uint64_t)n_transfers * sizeof *transfers);
    while (n_slots < 4 * n_transfers)
        n_slots *= 2;

    uint32_t *slots = host_malloc(n_slots * sizeof *slots);
    memset(slots, 0, n_slots * sizeof *slots);
    total *totals = host_malloc(2 * n_transfers * sizeof *totals);
    for (uint32_t i = 0; i < n_transfers; i++) {
        add(totals, &n, slots, n_slots - 1, transfers[i].from, -transfers[i].amount);
        add(totals, &n, slots, n_slots - 1, transfers[i].to, transfers[i].amount);
    }
    host_free(slots);

    uint8_t *output = host_malloc(4 + n * sizeof *totals);
    uint32_t prefix = put_compact(output, n);
    memcpy(output + prefix, totals, n * sizeof *totals);
    host_free(totals);
    return (uint64_t)(prefix + n * sizeof *totals) << 32 | (uint32_t)(uintptr_t)output;
}
