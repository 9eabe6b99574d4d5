// A library for LD_PRELOAD that writes down what a program asks of malloc and its relatives, as a linmem trace (see the
// package traces for the format). For Linux with glibc.
//
//	gcc -O2 -shared -fPIC -o record.so record.c
//	LINMEM_TRACE=out LD_PRELOAD=$PWD/record.so PROGRAM ...
//	tr -d '\0' <out >PROGRAM.trace
//
// The real functions are glibc's own second names for them (__libc_malloc), so there is no dlsym, and none of the trouble
// with a dlsym that allocates before it has found malloc.
//
// The trace goes into a mapped file rather than through write: it is whole however the program ends (exit, _exit, a
// signal), and it holds no file descriptor that the program could close. The file is CAPACITY long; what follows the
// trace in it is zeros.
//
// Only the process that was started is recorded. The two variables leave the environment before main, so what it executes
// is not; and what it forks reads zero for `recording`, whose page the kernel wipes in a child. A child of vfork shares
// the parent's heap, so what it does to it belongs into the trace.
//
// One lock is held over the real call and the writing, so that the trace is one order in which everything can have
// happened. Frees of blocks that are not in the trace (from before libc was ready, or made by other means) are left out;
// a realloc of such a block is an allocation.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);
void __libc_free(void *);

#ifndef MAX_BLOCKS
#define MAX_BLOCKS (1 << 22) // live at the same time; tests take few, so that addresses collide in the table
#endif

enum {
	CAPACITY = 1 << 26,     // bytes of trace
	SLOTS = 2 * MAX_BLOCKS, // of the hash table: half full at most
	PAGE = 4096,
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int started;
static volatile char *recording; // 1 in the process that was started
static char *out, *out_end;

// The blocks in the trace by address, in a table with linear probing. It takes memory only where it is touched.
static struct slot {
	void *addr; // NULL: empty
	uint32_t id;
} slots[SLOTS];

// The IDs in use, one bit each. No word before low_word has a zero.
static uint64_t used[MAX_BLOCKS / 64];
static uint32_t low_word;

static void die(const char *why) {
	(void)!write(2, why, strlen(why));
	abort();
}

static void start(void) {
	if (started || !environ)
		return;
	started = 1;
	const char *path = getenv("LINMEM_TRACE");
	if (!path)
		return;
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || ftruncate(fd, CAPACITY))
		die("record: cannot write the file that LINMEM_TRACE names\n");
	out = mmap(NULL, CAPACITY, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	recording = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (out == MAP_FAILED || recording == MAP_FAILED || madvise((void *)recording, PAGE, MADV_WIPEONFORK))
		die("record: no memory, or a kernel before Linux 4.14\n");
	close(fd);
	out_end = out + CAPACITY;
	out = stpcpy(out, "linmem-trace 1\n");
	unsetenv("LINMEM_TRACE");
	unsetenv("LD_PRELOAD");
	*recording = 1;
}

// A program that allocates nothing before it executes another must not be followed either.
__attribute__((constructor)) static void early(void) {
	pthread_mutex_lock(&lock);
	start();
	pthread_mutex_unlock(&lock);
}

// enter says whether the caller is to be recorded. If so, it holds the lock, and must leave.
static int enter(void) {
	if (started && !(recording && *recording))
		return 0; // before the lock, which may be held for good in a forked child
	pthread_mutex_lock(&lock);
	start();
	if (recording && *recording)
		return 1;
	pthread_mutex_unlock(&lock);
	return 0;
}

// leave keeps errno, which is the real call's.
static void leave(void) {
	int e = errno;
	pthread_mutex_unlock(&lock);
	errno = e;
}

static uint32_t home(void *addr) { return ((uintptr_t)addr >> 4) * 0x9E3779B97F4A7C15u >> 32 & (SLOTS - 1); }

// find returns the slot of a block, or the empty slot where it belongs.
static uint32_t find(void *addr) {
	uint32_t i = home(addr);
	while (slots[i].addr && slots[i].addr != addr)
		i = (i + 1) & (SLOTS - 1);
	return i;
}

// drop empties a slot and moves up what could no longer be found past it.
static void drop(uint32_t hole) {
	for (uint32_t i = (hole + 1) & (SLOTS - 1); slots[i].addr; i = (i + 1) & (SLOTS - 1)) {
		uint32_t from_home = (i - home(slots[i].addr)) & (SLOTS - 1), from_hole = (i - hole) & (SLOTS - 1);
		if (from_home >= from_hole) {
			slots[hole] = slots[i];
			hole = i;
		}
	}
	slots[hole].addr = NULL;
}

static uint32_t take_id(void) {
	while (used[low_word] == UINT64_MAX)
		if (++low_word == MAX_BLOCKS / 64)
			die("record: too many blocks; raise MAX_BLOCKS\n");
	int bit = __builtin_ctzll(~used[low_word]);
	used[low_word] |= 1ull << bit;
	return low_word * 64 + bit;
}

static void give_id(uint32_t id) {
	used[id / 64] &= ~(1ull << id % 64);
	if (id / 64 < low_word)
		low_word = id / 64;
}

static void put_number(uint64_t n) {
	char digits[20];
	int i = sizeof digits;
	do
		digits[--i] = '0' + n % 10;
	while (n /= 10);
	*out++ = ' ';
	out = mempcpy(out, digits + i, sizeof digits - i);
}

// put_op writes a line of n numbers.
static void put_op(char op, int n, uint64_t id, uint64_t size, uint64_t align) {
	if (out_end - out < 100)
		die("record: the trace is too long; raise CAPACITY\n");
	*out++ = op;
	uint64_t numbers[] = {id, size, align};
	for (int i = 0; i < n; i++)
		put_number(numbers[i]);
	*out++ = '\n';
}

static void note_alloc(void *addr, size_t size, size_t align) {
	if (!addr)
		return;
	uint32_t i = find(addr);
	if (slots[i].addr)
		die("record: malloc returned a live block: something frees past the recorder\n");
	slots[i] = (struct slot){addr, take_id()};
	put_op('a', align ? 3 : 2, slots[i].id, size, align);
}

static void note_free(void *addr) {
	uint32_t i = find(addr);
	if (!slots[i].addr)
		return;
	put_op('f', 1, slots[i].id, 0, 0);
	give_id(slots[i].id);
	drop(i);
}

static void note_realloc(void *from, void *to, size_t size) {
	uint32_t i = find(from), id = slots[i].id;
	if (!slots[i].addr) {
		note_alloc(to, size, 0);
		return;
	}
	put_op('r', 2, id, size, 0);
	drop(i);
	slots[find(to)] = (struct slot){to, id};
}

void *malloc(size_t size) {
	if (!enter())
		return __libc_malloc(size);
	void *addr = __libc_malloc(size);
	note_alloc(addr, size, 0);
	leave();
	return addr;
}

void *calloc(size_t n, size_t size) {
	if (!enter())
		return __libc_calloc(n, size);
	void *addr = __libc_calloc(n, size);
	note_alloc(addr, n * size, 0);
	leave();
	return addr;
}

void free(void *addr) {
	if (!addr)
		return;
	if (!enter()) {
		__libc_free(addr);
		return;
	}
	int e = errno;
	note_free(addr);
	__libc_free(addr);
	errno = e;
	leave();
}

void *realloc(void *from, size_t size) {
	if (!enter())
		return __libc_realloc(from, size);
	void *to = __libc_realloc(from, size);
	if (!from)
		note_alloc(to, size, 0);
	else if (to)
		note_realloc(from, to, size);
	else if (!size) // glibc frees
		note_free(from);
	leave();
	return to;
}

void *reallocarray(void *from, size_t n, size_t size) {
	size_t bytes;
	if (__builtin_mul_overflow(n, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(from, bytes);
}

void *memalign(size_t align, size_t size) {
	if (!enter())
		return __libc_memalign(align, size);
	void *addr = __libc_memalign(align, size);
	size_t power = 1; // glibc rounds the alignment up
	while (power < align)
		power *= 2;
	note_alloc(addr, size, power);
	leave();
	return addr;
}

void *aligned_alloc(size_t align, size_t size) { return memalign(align, size); }

void *valloc(size_t size) { return memalign(PAGE, size); }

void *pvalloc(size_t size) { return memalign(PAGE, (size + PAGE - 1) & -(size_t)PAGE); }

int posix_memalign(void **to, size_t align, size_t size) {
	if (align < sizeof(void *) || align & (align - 1))
		return EINVAL;
	int e = errno;
	void *addr = memalign(align, size);
	errno = e; // the error is returned instead
	if (!addr)
		return ENOMEM;
	*to = addr;
	return 0;
}
