// Replays a trace (see the package traces; uncompressed, on standard input) on an allocator of C, and prints its name and
// version, and the ns that an operation took in the best round and in the median one.
//
//	gcc -O2 -DMIMALLOC -o replay replay.c -lmimalloc
//	gcc -O2 -o replay replay.c
//	zcat sed.trace.gz | ./replay ROUNDS
//
// A round is the whole trace, and a free of each block that it leaves, which counts as an operation. Nothing is done with
// the blocks. The trace was checked by whoever sends it, so this only reads numbers.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// mimalloc is called by its own names, so that it cannot be anything else that is timed.
#ifdef MIMALLOC
#include <mimalloc.h>
#define ALLOC mi_malloc
#define ALIGNED(align, size) mi_malloc_aligned(size, align)
#define REALLOC mi_realloc
#define FREE mi_free
#else
#include <gnu/libc-version.h>
#include <malloc.h>
#define ALLOC malloc
#define ALIGNED memalign
#define REALLOC realloc
#define FREE free
#endif

struct op {
	uint64_t size;
	uint32_t id, align; // align: 0 for none
	char kind;
};

static void die(const char *why) {
	fprintf(stderr, "replay: %s\n", why);
	exit(1);
}

static char *read_all(void) {
	size_t size = 0, capacity = 1 << 24;
	char *text = malloc(capacity);
	while (text) {
		size_t n = fread(text + size, 1, capacity - 1 - size, stdin);
		if (n == 0)
			break;
		size += n;
		if (size == capacity - 1)
			text = realloc(text, capacity *= 2);
	}
	if (!text)
		die("no memory for the trace");
	text[size] = 0;
	return text;
}

// parse fills ops with what text says. It returns how many there are, and the lowest ID that none has.
static size_t parse(const char *text, struct op *ops, uint32_t *ids) {
	size_t n = 0;
	*ids = 0;
	for (const char *line = text; *line;) {
		if (*line == 'a' || *line == 'f' || *line == 'r') {
			char *rest;
			struct op op = {.kind = *line, .id = strtoul(line + 1, &rest, 10)};
			if (*rest == ' ')
				op.size = strtoull(rest, &rest, 10);
			if (*rest == ' ')
				op.align = strtoul(rest, &rest, 10);
			if (op.id >= *ids)
				*ids = op.id + 1;
			ops[n++] = op;
		}
		line = strchr(line, '\n');
		if (!line)
			die("no newline at the end: the trace was cut");
		line++;
	}
	return n;
}

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

// play does a round and returns how many blocks were left. blocks are NULL before and after.
static size_t play(const struct op *ops, size_t n, void **blocks, uint32_t ids) {
	for (size_t i = 0; i < n; i++) {
		const struct op *op = &ops[i];
		void **block = &blocks[op->id];
		switch (op->kind) {
		case 'a':
			*block = op->align ? ALIGNED(op->align, op->size) : ALLOC(op->size);
			break;
		case 'r':
			// 0 bytes are a block here, and not the free that some make of it.
			*block = REALLOC(*block, op->size ? op->size : 1);
			break;
		default:
			FREE(*block);
			*block = NULL;
			continue;
		}
		if (!*block)
			die("out of memory");
	}
	size_t left = 0;
	for (uint32_t id = 0; id < ids; id++)
		if (blocks[id]) {
			FREE(blocks[id]);
			blocks[id] = NULL;
			left++;
		}
	return left;
}

static int ascending(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

int main(int argc, char **argv) {
	int rounds = argc == 2 ? atoi(argv[1]) : 0;
	if (rounds < 1)
		die("usage: replay ROUNDS <TRACE");
	char *text = read_all();
	size_t lines = 0;
	for (const char *c = text; *c; c++)
		lines += *c == '\n';
	struct op *ops = calloc(lines + 1, sizeof *ops);
	uint32_t ids;
	size_t n = ops ? parse(text, ops, &ids) : 0;
	if (!n)
		die("the trace has no operation");
	void **blocks = calloc(ids, sizeof *blocks);
	double *times = calloc(rounds, sizeof *times);
	if (!blocks || !times)
		die("no memory for the table of blocks");
	memset(times, 1, rounds * sizeof *times); // not to fault its pages in between
	memset(blocks, 0, ids * sizeof *blocks);
	free(text);
	for (int i = 0; i < rounds; i++) {
		double start = now();
		size_t left = play(ops, n, blocks, ids);
		times[i] = (now() - start) / (n + left);
	}
	qsort(times, rounds, sizeof *times, ascending);
#ifdef MIMALLOC
	printf("mimalloc-%d", mi_version());
#else
	printf("glibc-%s", gnu_get_libc_version());
#endif
	printf(" %.3f %.3f\n", times[0], times[rounds / 2]);
	return 0;
}
