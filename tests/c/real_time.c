/*
 * Runs one function, named by the argument, where a system call (see guard.h) or an allocation ends
 * the process. Its exit status is one of those below.
 *
 * To be linked with -Wl,--wrap for malloc, calloc, realloc and free.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pa_ringbuffer_callback.h>

#include "guard.h"

enum { ALLOCATED = 10, WRONG = 11, UNKNOWN = 13 };

#define N 64
#define LARGEST 1000

/* What was promised besides; there is no way to say it. */
#define CHECK(promise)                                                                             \
    do {                                                                                           \
        if (!(promise)) {                                                                          \
            _exit(WRONG);                                                                          \
        }                                                                                          \
    } while (0)

static void refuse(void)
{
    if (is_guarded) {
        _exit(ALLOCATED);
    }
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void __wrap_free(void *block);

void *__wrap_malloc(size_t size)
{
    refuse();
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    refuse();
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    refuse();
    return __real_realloc(block, size);
}

void __wrap_free(void *block)
{
    refuse();
    __real_free(block);
}

/* Rings in all states, with elements that are copied in different ways. */

static const ring_buffer_size_t sizes[] = {1, 2, 3, 4, 7, 8, 12, 16, 17, LARGEST};
static const ring_buffer_size_t positions[] = {0, 1, N - 1, N, 2 * N - 1};
static const ring_buffer_size_t fillings[] = {0, 1, N / 2, N};
static const ring_buffer_size_t counts[] = {-1, 0, 1, 7, N, 2 * N};
/* What foreign code may leave in an index. */
static const ring_buffer_size_t foreign[] = {-1, 3 * N, 0x7fffffff, -0x7fffffff - 1};

static char storage[N * LARGEST], block[2 * N * LARGEST];

static void on_all(void (*call)(PaUtilRingBuffer *ring, ring_buffer_size_t count))
{
    PaUtilRingBuffer ring;
    size_t s, p, f, c;

    for (s = 0; s < COUNT(sizes); ++s) {
        for (c = 0; c < COUNT(counts); ++c) {
            for (p = 0; p < COUNT(positions); ++p) {
                for (f = 0; f < COUNT(fillings); ++f) {
                    CHECK(PaUtil_InitializeRingBuffer(&ring, sizes[s], N, storage) == 0);
                    ring.readIndex = positions[p];
                    ring.writeIndex = (positions[p] + fillings[f]) & ring.bigMask;
                    call(&ring, counts[c]);
                }
            }
            for (p = 0; p < COUNT(foreign); ++p) {
                CHECK(PaUtil_InitializeRingBuffer(&ring, sizes[s], N, storage) == 0);
                ring.readIndex = foreign[p];
                call(&ring, counts[c]);
                CHECK(PaUtil_InitializeRingBuffer(&ring, sizes[s], N, storage) == 0);
                ring.writeIndex = foreign[p];
                call(&ring, counts[c]);
            }
            /* As pastream makes it; with both indices behind the end of the storage. */
            CHECK(PaUtil_InitializeRingBuffer(&ring, sizes[s], N, storage) == 0);
            ring.bufferSize = 5;
            ring.readIndex = 6;
            ring.writeIndex = 7;
            call(&ring, counts[c]);
        }
    }
    memset(&ring, 0, sizeof ring);
    call(&ring, N);
}

static void call_initialize(PaUtilRingBuffer *ring, ring_buffer_size_t count)
{
    int fits = count == 1 || count == N || count == 2 * N;

    CHECK(PaUtil_InitializeRingBuffer(ring, 4, count, storage) == (fits ? 0 : -1));
}

static void call_flush(PaUtilRingBuffer *ring, ring_buffer_size_t count)
{
    (void)count;
    PaUtil_FlushRingBuffer(ring);
}

static void call_write_available(PaUtilRingBuffer *ring, ring_buffer_size_t count)
{
    (void)count;
    CHECK(PaUtil_GetRingBufferWriteAvailable(ring) <= N);
}

static void call_read_available(PaUtilRingBuffer *ring, ring_buffer_size_t count)
{
    (void)count;
    CHECK(PaUtil_GetRingBufferReadAvailable(ring) <= N);
}

static void call_write(PaUtilRingBuffer *ring, ring_buffer_size_t count)
{
    CHECK(PaUtil_WriteRingBuffer(ring, block, count) <= N);
}

static void call_read(PaUtilRingBuffer *ring, ring_buffer_size_t count)
{
    CHECK(PaUtil_ReadRingBuffer(ring, block, count) <= N);
}

static void call_write_regions(PaUtilRingBuffer *ring, ring_buffer_size_t count)
{
    void *first, *second;
    ring_buffer_size_t first_size, second_size;

    CHECK(PaUtil_GetRingBufferWriteRegions(ring, count, &first, &first_size, &second,
                                           &second_size) == first_size + second_size);
}

static void call_read_regions(PaUtilRingBuffer *ring, ring_buffer_size_t count)
{
    void *first, *second;
    ring_buffer_size_t first_size, second_size;

    CHECK(PaUtil_GetRingBufferReadRegions(ring, count, &first, &first_size, &second,
                                          &second_size) == first_size + second_size);
}

static void call_advance_write(PaUtilRingBuffer *ring, ring_buffer_size_t count)
{
    CHECK(PaUtil_AdvanceRingBufferWriteIndex(ring, count) == ring->writeIndex);
}

static void call_advance_read(PaUtilRingBuffer *ring, ring_buffer_size_t count)
{
    CHECK(PaUtil_AdvanceRingBufferReadIndex(ring, count) == ring->readIndex);
}

/* The callback. */

#define FRAME 6

static char output_storage[N * FRAME];
static PaUtilRingBuffer output_ring, input_ring;
static pa_ringbuffer_callback_state state;

static void callback_init(void)
{
    CHECK(pa_ringbuffer_callback_init(&state, sizeof state, &input_ring, FRAME, &output_ring, FRAME, 0x80) == 0);
    CHECK(pa_ringbuffer_callback_init(&state, sizeof state, NULL, 0, NULL, 0, 0) == 0);
}

static void version(void)
{
    CHECK(pa_ringbuffer_version() == PA_RINGBUFFER_VERSION);
}

static void callback_set_mode(void)
{
    int mode;

    for (mode = PA_RINGBUFFER_RUN; mode <= PA_RINGBUFFER_START; ++mode) {
        CHECK(pa_ringbuffer_callback_set_mode(&state, mode) == 0);
    }
    CHECK(pa_ringbuffer_callback_set_mode(&state, mode) == -1);
}

static void callback_set_on_underflow(void)
{
    CHECK(pa_ringbuffer_callback_set_on_underflow(&state, PA_RINGBUFFER_STOP) == 0);
    CHECK(pa_ringbuffer_callback_set_on_underflow(&state, 2) == -1);
}

static void callback_set_on_overflow(void)
{
    CHECK(pa_ringbuffer_callback_set_on_overflow(&state, PA_RINGBUFFER_STOP) == 0);
    CHECK(pa_ringbuffer_callback_set_on_overflow(&state, 2) == -1);
}

static void callback_finish_reason(void)
{
    CHECK(pa_ringbuffer_callback_finish_reason(&state) == 0);
}

static void callback_is_finished(void)
{
    CHECK(pa_ringbuffer_callback_is_finished(&state) == 0);
}

static void callback_times(void)
{
    pa_ringbuffer_block_times times;
    double time;

    callback_init();
    CHECK(pa_ringbuffer_callback_times(&state, &times) == -1);
    pa_ringbuffer_callback(NULL, NULL, 0, NULL, 0, &state);
    CHECK(pa_ringbuffer_callback_times(&state, &times) == 0);
    CHECK(pa_ringbuffer_callback_input_time(&state, 1, 1, &time) != PA_RINGBUFFER_TIME_KNOWN);
    CHECK(pa_ringbuffer_callback_output_time(&state, 1, 1, &time) != PA_RINGBUFFER_TIME_KNOWN);
    pa_ringbuffer_callback_read_position(&state);
    pa_ringbuffer_callback_write_position(&state);
}

static void callback_restart(void)
{
    pa_ringbuffer_callback_restart(&state);
}

static void callback_finished(void)
{
    pa_ringbuffer_callback_finished(NULL);
    pa_ringbuffer_callback_finished(&state);
    CHECK(pa_ringbuffer_callback_is_finished(&state) == 1);
}

static void callback_set_wake(void)
{
    CHECK(pa_ringbuffer_callback_set_wake(&state, 1) == 0);
    callback_init();
    CHECK(pa_ringbuffer_callback_set_wake(&state, 0) == 0);
}

/* Where there is a reason to sleep, they do. */
static void callback_sleep(void)
{
    CHECK(PaUtil_InitializeRingBuffer(&output_ring, FRAME, N, output_storage) == 0);
    CHECK(PaUtil_InitializeRingBuffer(&input_ring, FRAME, N, storage) == 0);
    CHECK(pa_ringbuffer_callback_init(&state, sizeof state, &input_ring, FRAME, &output_ring, FRAME, 0) == 0);
    CHECK(pa_ringbuffer_callback_set_wake(&state, 1) == 0);
    CHECK(pa_ringbuffer_callback_sleep_for_room(&state, N, 1000) == PA_RINGBUFFER_SLEPT_READY);
    pa_ringbuffer_callback_finished(&state);
    CHECK(pa_ringbuffer_callback_sleep_for_data(&state, 1, 1000) == PA_RINGBUFFER_SLEPT_FINISHED);
}

/* A stream with these rings, in one mode, with these actions. */
static void callback_calls(PaUtilRingBuffer *input, PaUtilRingBuffer *output, int mode,
                           int on_underflow, int on_overflow, int wake)
{
    static const unsigned long lengths[] = {0, 1, 40, 2 * N};
    const ring_buffer_size_t start = N - 5;
    size_t f, l;
    unsigned long status;

    for (f = 0; f < COUNT(fillings); ++f) {
        for (l = 0; l < COUNT(lengths); ++l) {
            CHECK(PaUtil_InitializeRingBuffer(&output_ring, FRAME, N, output_storage) == 0);
            CHECK(PaUtil_InitializeRingBuffer(&input_ring, FRAME, N, storage) == 0);
            output_ring.readIndex = input_ring.readIndex = start;
            output_ring.writeIndex = input_ring.writeIndex = start + fillings[f];
            CHECK(pa_ringbuffer_callback_init(&state, sizeof state, input, FRAME, output, FRAME, 0x80) == 0);
            CHECK(pa_ringbuffer_callback_set_wake(&state, wake) == 0);
            CHECK(pa_ringbuffer_callback_set_mode(&state, mode) == 0);
            CHECK(pa_ringbuffer_callback_set_on_underflow(&state, on_underflow) == 0);
            CHECK(pa_ringbuffer_callback_set_on_overflow(&state, on_overflow) == 0);
            for (status = 0; status < 32; ++status) {
                CHECK(pa_ringbuffer_callback(block, block, lengths[l], NULL, status, &state) <= 1);
                CHECK(pa_ringbuffer_callback(NULL, block, lengths[l], NULL, status, &state) <= 1);
                CHECK(pa_ringbuffer_callback(block, NULL, lengths[l], NULL, status, &state) <= 1);
            }
        }
    }
}

static void callback(void)
{
    int mode, stop, under, over, wake;

    CHECK(pa_ringbuffer_callback(block, block, 1, NULL, 0, NULL) == 2);
    for (mode = PA_RINGBUFFER_RUN; mode <= PA_RINGBUFFER_START; ++mode) {
        for (stop = 0; stop <= 7; ++stop) {
            under = stop & 1;
            over = stop >> 1 & 1;
            wake = stop >> 2;
            callback_calls(&input_ring, &output_ring, mode, under, over, wake);
            callback_calls(&input_ring, NULL, mode, under, over, wake);
            callback_calls(NULL, &output_ring, mode, under, over, wake);
            callback_calls(NULL, NULL, mode, under, over, wake);
        }
    }
}

/* The guard itself: a check that cannot fail is none. */

static void *volatile memory;

static void allocates(void)
{
    memory = malloc(16);
}

static void frees(void)
{
    free(memory);
}

static void calls_the_system(void)
{
    getppid();
}

static void prints(void)
{
    puts("here");
    fflush(stdout);
}

static void does_nothing(void)
{
}

/* The names. */

static const struct {
    const char *name;
    void (*call)(PaUtilRingBuffer *ring, ring_buffer_size_t count);
} ring_functions[] = {
    {"PaUtil_InitializeRingBuffer", call_initialize},
    {"PaUtil_FlushRingBuffer", call_flush},
    {"PaUtil_GetRingBufferWriteAvailable", call_write_available},
    {"PaUtil_GetRingBufferReadAvailable", call_read_available},
    {"PaUtil_WriteRingBuffer", call_write},
    {"PaUtil_ReadRingBuffer", call_read},
    {"PaUtil_GetRingBufferWriteRegions", call_write_regions},
    {"PaUtil_AdvanceRingBufferWriteIndex", call_advance_write},
    {"PaUtil_GetRingBufferReadRegions", call_read_regions},
    {"PaUtil_AdvanceRingBufferReadIndex", call_advance_read},
};

static const struct {
    const char *name;
    void (*call)(void);
} others[] = {
    {"pa_ringbuffer_version", version},
    {"pa_ringbuffer_callback", callback},
    {"pa_ringbuffer_callback_init", callback_init},
    {"pa_ringbuffer_callback_set_mode", callback_set_mode},
    {"pa_ringbuffer_callback_set_on_underflow", callback_set_on_underflow},
    {"pa_ringbuffer_callback_set_on_overflow", callback_set_on_overflow},
    {"pa_ringbuffer_callback_finish_reason", callback_finish_reason},
    {"pa_ringbuffer_callback_is_finished", callback_is_finished},
    {"pa_ringbuffer_callback_times", callback_times},
    {"pa_ringbuffer_callback_input_time", callback_times},
    {"pa_ringbuffer_callback_output_time", callback_times},
    {"pa_ringbuffer_callback_read_position", callback_times},
    {"pa_ringbuffer_callback_write_position", callback_times},
    {"pa_ringbuffer_callback_set_wake", callback_set_wake},
    {"pa_ringbuffer_callback_sleep_for_data", callback_sleep},
    {"pa_ringbuffer_callback_sleep_for_room", callback_sleep},
    {"pa_ringbuffer_callback_restart", callback_restart},
    {"pa_ringbuffer_callback_finished", callback_finished},
    {"allocates", allocates},
    {"frees", frees},
    {"calls the system", calls_the_system},
    {"prints", prints},
    {"does nothing", does_nothing},
};

int main(int argc, char *argv[])
{
    const char *name = argc == 2 ? argv[1] : "";
    size_t n;

    memory = malloc(16);
    for (n = 0; n < COUNT(ring_functions); ++n) {
        if (strcmp(name, ring_functions[n].name) == 0) {
            guard();
            on_all(ring_functions[n].call);
            _exit(PASSED);
        }
    }
    for (n = 0; n < COUNT(others); ++n) {
        if (strcmp(name, others[n].name) == 0) {
            guard();
            others[n].call();
            _exit(PASSED);
        }
    }
    return UNKNOWN;
}
