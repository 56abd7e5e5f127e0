/* A PortAudio callback that calls another one, and notes when that was called and how long it took. */

#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <time.h>

typedef int Callback(const void *input, void *output, unsigned long frames, const void *time,
                     unsigned long status, void *user_data);

struct timed {
    Callback *callback;
    void *user_data;
    long calls, room;
    /* Whether the thread that calls could be made one of the real-time class, as sound servers do. */
    long is_real_time;
    /* Nanoseconds, for each call. */
    uint64_t *begin;
    uint64_t *duration;
    /* What the callback gets as input; begins with the number of the call. */
    int64_t *input;
};

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

Callback timed_callback;

int timed_callback(const void *input, void *output, unsigned long frames, const void *time,
                   unsigned long status, void *user_data)
{
    struct timed *timed = user_data;
    (void)input;
    long n = timed->calls < timed->room ? timed->calls++ : timed->room - 1;
    if (n == 0) {
        const struct sched_param priority = {sched_get_priority_min(SCHED_FIFO)};
        timed->is_real_time = pthread_setschedparam(pthread_self(), SCHED_FIFO, &priority) == 0;
    }
    timed->input[0] = n;
    uint64_t begin = timed->begin[n] = now();
    int result = timed->callback(timed->input, output, frames, time, status, timed->user_data);
    timed->duration[n] = now() - begin;
    return result;
}
