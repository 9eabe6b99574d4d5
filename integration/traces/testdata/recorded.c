// What TestRecorder records; the lines of the trace that it must give stand to the right.
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

void *__libc_malloc(size_t);

static void must(int ok, int line) {
	if (!ok)
		_exit(line % 256);
}
#define MUST(what) must(what, __LINE__)

// in_child runs what must not be recorded in a forked child, the start of another program included.
static void in_child(char **argv, void *inherited) {
	int status;
	pid_t pid = fork();
	if (!pid) {
		free(inherited);
		MUST(malloc(77) != NULL);
		if (argv)
			execv("/proc/self/exe", argv);
		_exit(0);
	}
	MUST(waitpid(pid, &status, 0) == pid && status == 0);
}

int main(int argc, char **argv) {
	void *volatile a, *b, *c, *d;
	if (argc > 1) // executed by in_child
		_exit(malloc(78) == NULL);

	a = malloc(10);                             // a 0 10
	b = calloc(3, 7);                           // a 1 21
	a = realloc(a, 1000);                       // r 0 1000
	c = memalign(48, 5);                        // a 2 5 64
	free(b);                                    // f 1
	MUST(!posix_memalign((void **)&b, 32, 6));  // a 1 6 32
	d = aligned_alloc(128, 256);                // a 3 256 128
	MUST((uintptr_t)b % 32 == 0 && (uintptr_t)c % 64 == 0 && (uintptr_t)d % 128 == 0);
	MUST((uintptr_t)valloc(1) % 4096 == 0);     // a 4 1 4096
	MUST((uintptr_t)pvalloc(1) % 4096 == 0);    // a 5 4096 4096
	a = reallocarray(a, 3, 5);                  // r 0 15
	free(NULL);
	d = realloc(NULL, 0);                       // a 6 0
	MUST(d != NULL && malloc(0) != d);          // a 7 0
	MUST(realloc(a, 0) == NULL);                // f 0

	// What fails leaves no trace, and its error.
	errno = 0;
	volatile size_t most = SIZE_MAX / 2 + 1;
	MUST(malloc(most) == NULL && errno == ENOMEM);
	MUST(calloc(most, 3) == NULL && realloc(c, most) == NULL && reallocarray(c, most, 3) == NULL);
	errno = 5;
	void *unset = &unset;
	MUST(posix_memalign(&unset, 24, 8) == EINVAL && posix_memalign(&unset, 8, most) == ENOMEM && unset == &unset && errno == 5);

	// Blocks from elsewhere: their frees are left out, and a resize makes them known.
	free(__libc_malloc(100));
	a = realloc(__libc_malloc(100), 50);        // a 0 50
	in_child(NULL, a);
	in_child((char *[]){"recorded", "again", NULL}, b);

	errno = 5;
	free(a);                                    // f 0
	MUST(errno == 5);
	a = malloc(1 << 20);                        // a 0 1048576
	MUST(a != NULL);
	MUST(getenv("LD_PRELOAD") == NULL && getenv("LINMEM_TRACE") == NULL);
	_exit(0); // the trace is whole without exit
}
