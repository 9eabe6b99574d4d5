// What TestRecorderThreads records: threads that free each other's blocks, and fork meanwhile.
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4, ROUNDS = 20000, SHARED = 64 };

static _Atomic(void *) shared[SHARED];

static void *work(void *seed) {
	unsigned x = (unsigned)(size_t)seed;
	for (int i = 0; i < ROUNDS; i++) {
		x = x * 1664525 + 1013904223;
		void *mine = malloc(x >> 24);
		if (x & 1 << 20)
			mine = realloc(mine, (x >> 23) + 1);
		free(atomic_exchange(&shared[x >> 8 & (SHARED - 1)], mine));
	}
	return NULL;
}

int main(void) {
	pthread_t threads[THREADS];
	for (size_t i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, work, (void *)(i + 1)))
			return 1;
	for (int i = 0; i < 20; i++) {
		pid_t pid = fork();
		if (!pid) {
			free(malloc(1));
			_exit(0);
		}
		int status;
		if (waitpid(pid, &status, 0) != pid || status)
			return 2;
	}
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < SHARED; i++)
		free(shared[i]);
	return 0;
}
