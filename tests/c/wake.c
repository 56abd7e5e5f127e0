/* Threads that read and write, and only ever sleep, get and give every frame of a callback that wakes
 * them; and they learn that the stream is finished. */

#define _DEFAULT_SOURCE

#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <pa_ringbuffer_callback.h>

#include "check.h"

#define N 16
#define BLOCK 4
#define CALLS 20000
/* Longer than the test: a wake-up that is lost hangs. */
#define FOREVER 1000000000u

static uint32_t input_storage[N], output_storage[N];
static PaUtilRingBuffer input_ring, output_ring;
static pa_ringbuffer_callback_state state;

static void *read_all(void *unused)
{
    uint32_t block[BLOCK], expected = 0;
    int slept, n;

    for (;;) {
        slept = pa_ringbuffer_callback_sleep_for_data(&state, BLOCK, FOREVER);
        if (slept == PA_RINGBUFFER_SLEPT_FINISHED) {
            break;
        }
        CHECK(slept != PA_RINGBUFFER_SLEPT_OFF);
        if (slept == PA_RINGBUFFER_SLEPT_READY) {
            CHECK(PaUtil_ReadRingBuffer(&input_ring, block, BLOCK) == BLOCK);
            for (n = 0; n < BLOCK; ++n) {
                CHECK(block[n] == expected++);
            }
        }
    }
    CHECK(expected == CALLS * BLOCK);
    return unused;
}

static void *write_all(void *unused)
{
    uint32_t number = 0;
    int slept;

    while (number < CALLS * BLOCK) {
        slept = pa_ringbuffer_callback_sleep_for_room(&state, 1, FOREVER);
        CHECK(slept == PA_RINGBUFFER_SLEPT_READY || slept == PA_RINGBUFFER_SLEPT_EARLY);
        if (slept == PA_RINGBUFFER_SLEPT_READY) {
            CHECK(PaUtil_WriteRingBuffer(&output_ring, &number, 1) == 1);
            ++number;
        }
    }
    return unused;
}

/* As a device would, but no sooner than the other threads have got there. */
static void *call(void *unused)
{
    const struct timespec moment = {0, 1000};
    uint32_t input[BLOCK], output[BLOCK], recorded = 0, played = 0;
    int n;

    while (played < CALLS * BLOCK) {
        while (PaUtil_GetRingBufferWriteAvailable(&input_ring) < BLOCK ||
               PaUtil_GetRingBufferReadAvailable(&output_ring) < BLOCK) {
            nanosleep(&moment, NULL);
        }
        for (n = 0; n < BLOCK; ++n) {
            input[n] = recorded++;
        }
        CHECK(pa_ringbuffer_callback(input, output, BLOCK, NULL, 0, &state) == 0);
        for (n = 0; n < BLOCK; ++n) {
            CHECK(output[n] == played++);
        }
    }
    pa_ringbuffer_callback_finished(&state);
    return unused;
}

int main(void)
{
    void *(*const work[])(void *) = {read_all, write_all, call};
    pthread_t threads[3];
    int n;

    CHECK(PaUtil_InitializeRingBuffer(&input_ring, 4, N, input_storage) == 0);
    CHECK(PaUtil_InitializeRingBuffer(&output_ring, 4, N, output_storage) == 0);
    CHECK(pa_ringbuffer_callback_init(&state, sizeof state, &input_ring, 4, &output_ring, 4, 0) == 0);
    if (pa_ringbuffer_callback_set_wake(&state, 1) != 0) {
        return 0;
    }
    for (n = 0; n < 3; ++n) {
        CHECK(pthread_create(&threads[n], NULL, work[n], NULL) == 0);
    }
    for (n = 0; n < 3; ++n) {
        CHECK(pthread_join(threads[n], NULL) == 0);
    }
    CHECK(state.output_underflows == 0 && state.input_overflows == 0);
    return 0;
}
