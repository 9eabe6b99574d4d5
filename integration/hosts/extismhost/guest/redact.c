// An Extism plugin that masks the digits of a text, without a libc and without an allocator. It talks to Extism as the
// plugin kits do: what it is given and what it gives lie in the memory of Extism's kernel, and it reaches them eight
// bytes at a time, by calls of the host. redact_in_place is the addition: the text is in the plugin's own memory. Built
// by ../../build.sh.

#include <stddef.h>
#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(name)))
#define EXTISM(name) __attribute__((import_module("extism:host/env"), import_name(name)))

EXTISM("input_length") uint64_t input_length(void);
EXTISM("input_load_u8") uint32_t input_load_u8(uint64_t at);
EXTISM("input_load_u64") uint64_t input_load_u64(uint64_t at);
EXTISM("alloc") uint64_t kernel_alloc(uint64_t size);
EXTISM("store_u8") void kernel_store_u8(uint64_t addr, uint32_t byte);
EXTISM("store_u64") void kernel_store_u64(uint64_t addr, uint64_t word);
EXTISM("output_set") void output_set(uint64_t addr, uint64_t size);
EXTISM("error_set") void error_set(uint64_t addr);

static uint8_t mask(uint8_t c) { return c >= '0' && c <= '9' ? 'x' : c; }

// Puts a text into the kernel's memory, and returns its address there.
static uint64_t store(const char *text, size_t size) {
    uint64_t addr = kernel_alloc(size);
    for (size_t i = 0; i < size; i++)
        kernel_store_u8(addr + i, (uint8_t)text[i]);
    return addr;
}

// What a host asks a plugin before it uses it.
EXPORT("describe") int32_t describe(void) {
    static const char text[] = "redact: masks digits";
    output_set(store(text, sizeof text - 1), sizeof text - 1);
    return 0;
}

EXPORT("redact") int32_t redact(void) {
    uint64_t size = input_length();
    uint64_t output = kernel_alloc(size);
    uint64_t i = 0;
    for (; i + 8 <= size; i += 8) {
        union {
            uint64_t word;
            uint8_t bytes[8];
        } eight = {input_load_u64(i)};
        for (int n = 0; n < 8; n++)
            eight.bytes[n] = mask(eight.bytes[n]);
        kernel_store_u64(output + i, eight.word);
    }
    for (; i < size; i++)
        kernel_store_u8(output + i, mask((uint8_t)input_load_u8(i)));
    output_set(output, size);
    return 0;
}

// The input is a word: the address of the text in its lower half, the number of its bytes in the upper one.
EXPORT("redact_in_place") int32_t redact_in_place(void) {
    static const char reason[] = "redact_in_place: the input must be an address and a length, of 4 bytes each";
    if (input_length() != 8) {
        error_set(store(reason, sizeof reason - 1));
        return 1;
    }
    uint64_t where = input_load_u64(0);
    uint8_t *text = (uint8_t *)(uintptr_t)(uint32_t)where;
    for (size_t i = 0; i < where >> 32; i++)
        text[i] = mask(text[i]);
    return 0;
}
