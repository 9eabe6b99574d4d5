// Makes small pictures of large ones: decodes, resizes and encodes with Sean Barrett's stb libraries (public domain), as
// Debian's libstb-dev has them. All memory comes from the host, by imports: no allocator is linked, and nothing grows or
// measures the memory. Built by ../build.sh.
//
// Where the host has no memory, decoding and resizing fail and free what they took. Encoding traps, since stb_image_write
// does not look at what it gets everywhere.

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define EXPORT(name) __attribute__((export_name(name)))
#define IMPORT(name) __attribute__((import_module("env"), import_name(name)))

// Their names in C are not those of a libc, which would link its own.
IMPORT("malloc") void *host_malloc(size_t size);
IMPORT("realloc") void *host_realloc(void *block, size_t size);
IMPORT("free") void host_free(void *block);

static void require(int holds) {
    if (!holds)
        __builtin_trap();
}

static void *malloc_or_trap(size_t size) {
    void *block = host_malloc(size);
    require(block != NULL);
    return block;
}

static void *realloc_or_trap(void *block, size_t size) {
    block = host_realloc(block, size);
    require(block != NULL);
    return block;
}

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_NO_STDIO
#define STBI_NO_THREAD_LOCALS
#define STBI_FAILURE_USERMSG
#define STBI_ASSERT(x) require(x)
#define STBI_MALLOC(size) host_malloc(size)
#define STBI_REALLOC(block, size) host_realloc(block, size)
#define STBI_FREE(block) host_free(block)
#include <stb_image.h>

#define STB_IMAGE_RESIZE_IMPLEMENTATION
#define STB_IMAGE_RESIZE_STATIC
#define STBIR_ASSERT(x) require(x)
#define STBIR_MALLOC(size, context) ((void)(context), host_malloc(size))
#define STBIR_FREE(block, context) ((void)(context), host_free(block))
#include <stb_image_resize.h>

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#define STBIW_ASSERT(x) require(x)
#define STBIW_MALLOC(size) malloc_or_trap(size)
#define STBIW_REALLOC(block, size) realloc_or_trap(block, size)
#define STBIW_FREE(block) host_free(block)
#include <stb_image_write.h>

typedef struct {
    uint8_t *pixels; // rows from the top, without gaps
    int width, height, channels;
} picture;

// What a host reads: one block, which ends with the bytes of the PNG.
typedef struct {
    uint8_t *png;
    uint32_t len, width, height;
    uint8_t bytes[];
} result;

static const char *reason = "";

static void *fail(const char *why) {
    reason = why;
    return NULL;
}

// The side that belongs to max_side, if long_side becomes that.
static int scale(int side, int long_side, int max_side) {
    int scaled = (int)(((int64_t)side * max_side + long_side / 2) / long_side);
    return scaled > 0 ? scaled : 1;
}

// Makes p no larger than max_side. If it fails, p is as it was.
static int shrink(picture *p, int max_side) {
    int long_side = p->width > p->height ? p->width : p->height;
    if (long_side <= max_side)
        return 1;
    int width = scale(p->width, long_side, max_side), height = scale(p->height, long_side, max_side);
    uint8_t *pixels = host_malloc((size_t)width * height * p->channels);
    if (!pixels)
        return 0;
    int alpha = p->channels % 2 == 0 ? p->channels - 1 : STBIR_ALPHA_CHANNEL_NONE;
    if (!stbir_resize_uint8_srgb(p->pixels, p->width, p->height, 0, pixels, width, height, 0, p->channels, alpha, 0)) {
        host_free(pixels);
        return 0;
    }
    host_free(p->pixels);
    *p = (picture){pixels, width, height, p->channels};
    return 1;
}

static result *encode(const picture *p) {
    int len;
    uint8_t *png = stbi_write_png_to_mem(p->pixels, 0, p->width, p->height, p->channels, &len);
    result *r = malloc_or_trap(sizeof *r + len);
    *r = (result){r->bytes, len, p->width, p->height};
    memcpy(r->bytes, png, len);
    host_free(png);
    return r;
}

EXPORT("thumbnail") result *thumbnail(const uint8_t *file, uint32_t len, int max_side) {
    if (max_side < 1)
        return fail("max_side must be at least 1");
    if (len > INT_MAX)
        return fail("the file is larger than 2 GiB");
    picture p;
    p.pixels = stbi_load_from_memory(file, (int)len, &p.width, &p.height, &p.channels, 0);
    if (!p.pixels)
        return fail(stbi_failure_reason());
    result *r = shrink(&p, max_side) ? encode(&p) : fail("Out of memory");
    host_free(p.pixels);
    return r;
}

EXPORT("error") const char *error(void) { return reason; }
