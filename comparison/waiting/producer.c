/*
 * A thread that writes the time into a ring now and then, without knowing of any waiting thread.
 *
 * The same to a pipe, which wakes its reader: what waiting costs where the producer may
 * call the system.
 */

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct ring {
    long buffer_size;
    long write_index;
    long read_index;
    long big_mask;
    long small_mask;
    long element_size;
    uint64_t *buffer;
};

struct job {
    struct ring *ring; /* or NULL for the pipe */
    int pipe;
    long count;
    long shortest, spread; /* microseconds between two writings */
    pthread_t thread;
};

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void *produce(void *argument)
{
    struct job *job = argument;
    unsigned int seed = 1;
    for (long n = 0; n < job->count; ++n) {
        /* No multiple of what the waiting side may sleep. */
        struct timespec pause = {0, 1000 * (job->shortest + rand_r(&seed) % job->spread)};
        nanosleep(&pause, NULL);
        if (job->ring) {
            long index = job->ring->write_index;
            job->ring->buffer[index & job->ring->small_mask] = now();
            __atomic_store_n(&job->ring->write_index, (index + 1) & job->ring->big_mask,
                             __ATOMIC_RELEASE);
        } else {
            uint64_t time = now();
            if (write(job->pipe, &time, sizeof time) != sizeof time) {
                break;
            }
        }
    }
    return NULL;
}

int start(struct job *job)
{
    return pthread_create(&job->thread, NULL, produce, job);
}

int join(struct job *job)
{
    return pthread_join(job->thread, NULL);
}
