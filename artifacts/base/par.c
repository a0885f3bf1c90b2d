/* SPDX-License-Identifier: Apache-2.0 */
#include "artifacts/base/par.h"

#include <pthread.h>
#include <stdatomic.h>

#include "artifacts/base/base.h"

struct worker {
	struct ax_pool *pool;
	unsigned index;
	pthread_t id;
};

/* A thread's share of a loop, on a cache line of its own. */
struct share {
	_Alignas(64) atomic_size_t next;
	size_t end;
};

struct ax_pool {
	unsigned threads;
	struct worker *workers; /* threads - 1 of them */
	pthread_mutex_t lock;
	pthread_cond_t start, done;
	atomic_ulong turn; /* counts the loops given out */
	atomic_uint busy;
	bool stop;
	void (*fn)(void *, size_t, unsigned);
	void *arg;
	struct share *shares; /* one for each thread */
};

/* A thread's own share first, and the same one in every loop of as many: what
 * it wrote in one loop is near when the next reads it. Then what others have
 * left of theirs. */
static void
work(struct ax_pool *p, unsigned thread)
{
	struct share *s;
	size_t i;

	for (unsigned k = 0; k < p->threads; k++) {
		s = &p->shares[(thread + k) % p->threads];
		while ((i = atomic_fetch_add(&s->next, 1)) < s->end)
			p->fn(p->arg, i, thread);
	}
}

/* Some 20 us: the next loop of a layer mostly comes sooner than a thread that
 * sleeps would wake up. */
#define LOOKS 1000

static void
rest(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

static void *
worker_main(void *arg)
{
	struct worker *w = arg;
	struct ax_pool *p = w->pool;
	unsigned long seen = 0;

	for (;;) {
		for (unsigned k = 0; k < LOOKS && p->turn == seen; k++)
			rest();
		pthread_mutex_lock(&p->lock);
		while (!p->stop && p->turn == seen)
			pthread_cond_wait(&p->start, &p->lock);
		if (p->stop)
			break;
		seen = p->turn;
		pthread_mutex_unlock(&p->lock);
		work(p, w->index);
		pthread_mutex_lock(&p->lock);
		if (--p->busy == 0)
			pthread_cond_signal(&p->done);
		pthread_mutex_unlock(&p->lock);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

struct ax_pool *
ax_pool_new(unsigned threads)
{
	struct ax_pool *p = ax_calloc(1, sizeof(*p));
	unsigned i;

	p->threads = threads ? threads : 1;
	p->workers = ax_calloc(p->threads, sizeof(*p->workers));
	p->shares = ax_aligned(p->threads, sizeof(*p->shares));
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->start, NULL);
	pthread_cond_init(&p->done, NULL);
	for (i = 0; i + 1 < p->threads; i++) {
		p->workers[i].pool = p;
		p->workers[i].index = i + 1;
		/* fewer threads give the same results, only later */
		if (pthread_create(&p->workers[i].id, NULL, worker_main,
				   &p->workers[i]) != 0) {
			p->threads = i + 1;
			break;
		}
	}
	return p;
}

void
ax_pool_free(struct ax_pool *p)
{
	unsigned i;

	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_broadcast(&p->start);
	pthread_mutex_unlock(&p->lock);
	for (i = 0; i + 1 < p->threads; i++)
		pthread_join(p->workers[i].id, NULL);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->start);
	pthread_cond_destroy(&p->done);
	free(p->shares);
	free(p->workers);
	free(p);
}

unsigned
ax_pool_threads(const struct ax_pool *p)
{
	return p ? p->threads : 1;
}

void
ax_pool_for(struct ax_pool *p, size_t n,
	    void (*fn)(void *arg, size_t i, unsigned thread), void *arg)
{
	size_t i;

	if (!p || p->threads == 1 || n < 2) {
		for (i = 0; i < n; i++)
			fn(arg, i, 0);
		return;
	}
	pthread_mutex_lock(&p->lock);
	p->fn = fn;
	p->arg = arg;
	for (i = 0; i < p->threads; i++) {
		atomic_store(&p->shares[i].next, i * n / p->threads);
		p->shares[i].end = (i + 1) * n / p->threads;
	}
	p->busy = p->threads - 1;
	p->turn++;
	pthread_cond_broadcast(&p->start);
	pthread_mutex_unlock(&p->lock);
	work(p, 0);
	for (unsigned k = 0; k < LOOKS && p->busy; k++)
		rest();
	pthread_mutex_lock(&p->lock);
	while (p->busy)
		pthread_cond_wait(&p->done, &p->lock);
	pthread_mutex_unlock(&p->lock);
}

enum ax_simd
ax_simd(void)
{
	const char *want = getenv("AXPIPE_SIMD");
	enum ax_simd have = AX_SIMD_SCALAR;

#if defined(__x86_64__)
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		have = AX_SIMD_AVX2;
	if (have && __builtin_cpu_supports("avx512f") &&
	    __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512dq") &&
	    __builtin_cpu_supports("avx512vl"))
		have = AX_SIMD_AVX512;
	if (have == AX_SIMD_AVX512 && __builtin_cpu_supports("avx512vbmi") &&
	    __builtin_cpu_supports("avx512vnni"))
		have = AX_SIMD_VBMI;
#endif
	if (ax_streq(want, "scalar"))
		return AX_SIMD_SCALAR;
	if (ax_streq(want, "avx2"))
		return AX_MIN(have, AX_SIMD_AVX2);
	if (ax_streq(want, "avx512"))
		return AX_MIN(have, AX_SIMD_AVX512);
	return have;
}

const char *
ax_simd_name(enum ax_simd level)
{
	static const char *const names[] = {"scalar", "avx2", "avx512",
					    "avx512vbmi"};

	return names[level];
}
