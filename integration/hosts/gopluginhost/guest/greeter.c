// A plugin in C for the service Greeter of go-plugin's example helloworld, as greet.proto there has it:
//
//     message GreetRequest { string name = 1; }
//     message GreetReply { string message = 1; }
//
// It exports what go-plugin's generated host code looks for: the version, the method, and malloc and free, which are
// those of wasi-libc. Built by ../../build.sh.

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT(name) __attribute__((export_name(name)))

// The first byte of field 1 of a message, if its bytes follow with their number before them.
enum { field_1 = 1 << 3 | 2 };

// What says in a result that it is an error's text.
#define IS_ERROR (UINT64_C(1) << 31)

EXPORT("greeter_api_version") uint64_t greeter_api_version(void) { return 1; }

static uint64_t result(const void *block, uint32_t size) { return (uint64_t)(uintptr_t)block << 32 | size; }

static uint64_t fail(const char *reason) {
    size_t size = strlen(reason);
    void *block = malloc(size);
    if (!block)
        __builtin_trap();
    return result(memcpy(block, reason, size), (uint32_t)size) | IS_ERROR;
}

// Reads a varint of at most 32 bits, and returns what is behind it; NULL if it is broken.
static const uint8_t *varint(const uint8_t *p, const uint8_t *end, uint32_t *value) {
    *value = 0;
    for (int shift = 0; p < end && shift < 32; shift += 7) {
        *value |= (uint32_t)(*p & 0x7f) << shift;
        if (!(*p++ & 0x80))
            return p;
    }
    return NULL;
}

// Writes a varint, and returns what is behind it.
static uint8_t *put_varint(uint8_t *p, uint32_t value) {
    for (; value >= 0x80; value >>= 7)
        *p++ = (uint8_t)value | 0x80;
    *p++ = (uint8_t)value;
    return p;
}

// A message has no other field, and none at all if the name is empty.
EXPORT("greeter_greet") uint64_t greeter_greet(const uint8_t *request, uint32_t size) {
    static const char greeting[] = "Good morning, ";
    const uint8_t *name = request, *end = request + size;
    uint32_t name_size = 0;
    if (size > 0 && (*name != field_1 || !(name = varint(name + 1, end, &name_size)) || (size_t)(end - name) != name_size))
        return fail("greeter_greet: the request is no GreetRequest");

    uint32_t message_size = (uint32_t)(sizeof greeting - 1) + name_size;
    uint8_t *reply = malloc(message_size + 6); // the field, and five bytes at most of its size
    if (!reply)
        return fail("greeter_greet: there is no memory for the reply");
    *reply = field_1;
    uint8_t *p = put_varint(reply + 1, message_size);
    p = (uint8_t *)memcpy(p, greeting, sizeof greeting - 1) + sizeof greeting - 1;
    if (name_size > 0) // without a request there is no name to copy from
        memcpy(p, name, name_size);
    return result(reply, (uint32_t)(p - reply) + name_size);
}
