/* What each of the ten functions promises, one at a time, from one thread. */

#include <limits.h>
#include <stdint.h>
#include <string.h>

#include <pa_ringbuffer.h>

#include "check.h"

#define N 8
/* The largest and the smallest ring_buffer_size_t, whose width depends on the system. */
#define HALF ((ring_buffer_size_t)1 << (8 * sizeof(ring_buffer_size_t) - 2))
#define LARGEST (HALF - 1 + HALF)
#define SMALLEST (-LARGEST - 1)

typedef struct Regions {
    void *first, *second;
    ring_buffer_size_t first_size, second_size, total;
} Regions;

static PaUtilRingBuffer ring;
static int32_t storage[N];

static const int32_t numbers[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};

static void start(void)
{
    memset(&ring, 0x55, sizeof ring);
    memset(storage, 0, sizeof storage);
    CHECK(PaUtil_InitializeRingBuffer(&ring, sizeof storage[0], N, storage) == 0);
}

static Regions write_regions(ring_buffer_size_t count)
{
    Regions r = {&r, &r, -1, -1, -1};
    r.total = PaUtil_GetRingBufferWriteRegions(&ring, count, &r.first, &r.first_size, &r.second,
                                               &r.second_size);
    CHECK(r.total == r.first_size + r.second_size);
    return r;
}

static Regions read_regions(ring_buffer_size_t count)
{
    Regions r = {&r, &r, -1, -1, -1};
    r.total = PaUtil_GetRingBufferReadRegions(&ring, count, &r.first, &r.first_size, &r.second,
                                              &r.second_size);
    CHECK(r.total == r.first_size + r.second_size);
    return r;
}

/* Moves both indices, so that the ring is empty and its next element is at `position`. */
static void start_at(ring_buffer_size_t position)
{
    start();
    CHECK(PaUtil_AdvanceRingBufferWriteIndex(&ring, position) == position);
    CHECK(PaUtil_AdvanceRingBufferReadIndex(&ring, position) == position);
}

static void initialize_fills_in_every_field(void)
{
    start();
    CHECK(ring.bufferSize == N);
    CHECK(ring.writeIndex == 0);
    CHECK(ring.readIndex == 0);
    CHECK(ring.bigMask == 2 * N - 1);
    CHECK(ring.smallMask == N - 1);
    CHECK(ring.elementSizeBytes == sizeof storage[0]);
    CHECK(ring.buffer == (char *)storage);
}

static void unfit_sizes_are_refused_and_change_nothing(void)
{
    const ring_buffer_size_t unfit[][2] = {
        /* counts */
        {4, 0},
        {4, -1},
        {4, -8},
        {4, 3},
        {4, 12},
        {4, SMALLEST},
        {4, LARGEST},
        /* element sizes */
        {0, 8},
        {-1, 8},
        {SMALLEST, 8},
        {0, 0},
        /* storage, or index, too large */
        {1, HALF},
        {8, HALF},
        {HALF, HALF},
        {LARGEST, HALF},
    };
    PaUtilRingBuffer before;
    size_t i;

    start();
    before = ring;
    for (i = 0; i < sizeof unfit / sizeof unfit[0]; ++i) {
        CHECK(PaUtil_InitializeRingBuffer(&ring, unfit[i][0], unfit[i][1], storage) == -1);
        CHECK(memcmp(&before, &ring, sizeof ring) == 0);
    }
}

static void a_ring_of_one_element_works(void)
{
    int32_t value = 0;

    CHECK(PaUtil_InitializeRingBuffer(&ring, 4, 1, storage) == 0);
    for (int i = 0; i < 5; ++i) {
        CHECK(PaUtil_WriteRingBuffer(&ring, numbers + i, 2) == 1);
        CHECK(PaUtil_WriteRingBuffer(&ring, numbers, 1) == 0);
        CHECK(PaUtil_ReadRingBuffer(&ring, &value, 2) == 1);
        CHECK(value == numbers[i]);
        CHECK(PaUtil_ReadRingBuffer(&ring, &value, 1) == 0);
    }
}

static void without_storage_there_are_no_elements(void)
{
    int32_t value = 42;

    CHECK(PaUtil_InitializeRingBuffer(&ring, 4, N, NULL) == 0);
    CHECK(ring.buffer == NULL);
    CHECK(PaUtil_GetRingBufferWriteAvailable(&ring) == 0);
    CHECK(PaUtil_WriteRingBuffer(&ring, &value, 1) == 0);
    CHECK(write_regions(1).total == 0);
    ring.buffer = (char *)storage;
    CHECK(PaUtil_GetRingBufferWriteAvailable(&ring) == N);
    CHECK(PaUtil_WriteRingBuffer(&ring, &value, 1) == 1);
    CHECK(storage[0] == 42);
}

static void a_ring_of_zeros_has_no_elements(void)
{
    int32_t value = 42;

    memset(&ring, 0, sizeof ring);
    CHECK(PaUtil_GetRingBufferWriteAvailable(&ring) == 0);
    CHECK(PaUtil_GetRingBufferReadAvailable(&ring) == 0);
    CHECK(PaUtil_WriteRingBuffer(&ring, &value, 1) == 0);
    CHECK(PaUtil_ReadRingBuffer(&ring, &value, 1) == 0);
    CHECK(value == 42);
}

static void every_slot_can_be_used(void)
{
    int32_t out[N + 2];

    for (ring_buffer_size_t position = 0; position < 2 * N; ++position) {
        start_at(position);
        CHECK(PaUtil_GetRingBufferWriteAvailable(&ring) == N);
        CHECK(PaUtil_GetRingBufferReadAvailable(&ring) == 0);
        for (int i = 0; i < N; ++i) {
            CHECK(PaUtil_GetRingBufferWriteAvailable(&ring) == N - i);
            CHECK(PaUtil_WriteRingBuffer(&ring, numbers + i, 1) == 1);
            CHECK(PaUtil_GetRingBufferReadAvailable(&ring) == i + 1);
        }
        CHECK(PaUtil_WriteRingBuffer(&ring, numbers, 1) == 0);
        memset(out, 0, sizeof out);
        CHECK(PaUtil_ReadRingBuffer(&ring, out, N + 2) == N);
        CHECK(memcmp(out, numbers, N * sizeof out[0]) == 0);
        CHECK(out[N] == 0 && out[N + 1] == 0);
        CHECK(PaUtil_ReadRingBuffer(&ring, out, 1) == 0);
    }
}

static void counts_are_cut_to_what_is_there(void)
{
    int32_t out[10] = {0};

    start();
    CHECK(PaUtil_WriteRingBuffer(&ring, numbers, 5) == 5);
    CHECK(PaUtil_WriteRingBuffer(&ring, numbers + 5, 5) == 3);
    CHECK(PaUtil_ReadRingBuffer(&ring, out, 3) == 3);
    CHECK(PaUtil_ReadRingBuffer(&ring, out + 3, 7) == 5);
    CHECK(memcmp(out, numbers, N * sizeof out[0]) == 0);
    CHECK(out[8] == 0);
}

static void a_negative_count_transfers_nothing(void)
{
    const ring_buffer_size_t negative[] = {-1, -N, INT_MIN, SMALLEST};
    int32_t out = 42;

    start();
    CHECK(PaUtil_WriteRingBuffer(&ring, numbers, 4) == 4);
    const PaUtilRingBuffer before = ring;
    for (size_t i = 0; i < sizeof negative / sizeof negative[0]; ++i) {
        CHECK(PaUtil_WriteRingBuffer(&ring, numbers, negative[i]) == 0);
        CHECK(PaUtil_ReadRingBuffer(&ring, &out, negative[i]) == 0);
        CHECK(write_regions(negative[i]).total == 0);
        CHECK(write_regions(negative[i]).second == NULL);
        CHECK(read_regions(negative[i]).total == 0);
        CHECK(read_regions(negative[i]).second == NULL);
        CHECK(memcmp(&before, &ring, sizeof ring) == 0);
    }
    CHECK(out == 42);
}

static void a_count_of_zero_needs_no_data(void)
{
    start();
    CHECK(PaUtil_WriteRingBuffer(&ring, NULL, 0) == 0);
    CHECK(PaUtil_ReadRingBuffer(&ring, NULL, 5) == 0);
    CHECK(PaUtil_WriteRingBuffer(&ring, numbers, N) == N);
    CHECK(PaUtil_ReadRingBuffer(&ring, NULL, 0) == 0);
    CHECK(PaUtil_WriteRingBuffer(&ring, NULL, 5) == 0);
}

static void regions_in_one_piece_have_no_second_one(void)
{
    Regions r;

    start();
    r = write_regions(3);
    CHECK(r.first == storage && r.first_size == 3);
    CHECK(r.second == NULL && r.second_size == 0);
    r = write_regions(100);
    CHECK(r.first == storage && r.first_size == N);
    CHECK(r.second == NULL && r.second_size == 0);
    r = read_regions(1);
    CHECK(r.first == storage && r.first_size == 0);
    CHECK(r.second == NULL && r.second_size == 0);
    CHECK(PaUtil_WriteRingBuffer(&ring, numbers, 3) == 3);
    r = read_regions(100);
    CHECK(r.first == storage && r.first_size == 3);
    CHECK(r.second == NULL && r.second_size == 0);
    r = write_regions(0);
    CHECK(r.first == storage + 3 && r.total == 0 && r.second == NULL);
}

static void regions_wrap_around_the_end(void)
{
    Regions r;

    start_at(N - 3);
    r = write_regions(5);
    CHECK(r.first == storage + N - 3 && r.first_size == 3);
    CHECK(r.second == storage && r.second_size == 2);
    memcpy(r.first, numbers, 3 * sizeof storage[0]);
    memcpy(r.second, numbers + 3, 2 * sizeof storage[0]);
    CHECK(PaUtil_GetRingBufferReadAvailable(&ring) == 0);
    CHECK(PaUtil_AdvanceRingBufferWriteIndex(&ring, r.total) == N + 2);
    CHECK(PaUtil_GetRingBufferReadAvailable(&ring) == 5);
    r = read_regions(100);
    CHECK(r.first == storage + N - 3 && r.first_size == 3);
    CHECK(r.second == storage && r.second_size == 2);
    CHECK(memcmp(r.first, numbers, 3 * sizeof storage[0]) == 0);
    CHECK(memcmp(r.second, numbers + 3, 2 * sizeof storage[0]) == 0);
    CHECK(PaUtil_GetRingBufferReadAvailable(&ring) == 5);
    CHECK(PaUtil_AdvanceRingBufferReadIndex(&ring, 4) == N + 1);
    r = read_regions(100);
    CHECK(r.first == storage + 1 && r.first_size == 1 && r.second == NULL);
}

static void advancing_is_arithmetic_and_no_check(void)
{
    start();
    CHECK(PaUtil_AdvanceRingBufferWriteIndex(&ring, 2 * N + 3) == 3);
    CHECK(PaUtil_AdvanceRingBufferWriteIndex(&ring, -4) == 2 * N - 1);
    CHECK(PaUtil_AdvanceRingBufferReadIndex(&ring, -1) == 2 * N - 1);
    CHECK(PaUtil_AdvanceRingBufferReadIndex(&ring, 1) == 0);
    CHECK(ring.writeIndex == 2 * N - 1 && ring.readIndex == 0);
}

static void flush_makes_it_empty(void)
{
    start();
    CHECK(PaUtil_WriteRingBuffer(&ring, numbers, 5) == 5);
    CHECK(PaUtil_ReadRingBuffer(&ring, storage, 1) == 1);
    PaUtil_FlushRingBuffer(&ring);
    CHECK(ring.writeIndex == 0 && ring.readIndex == 0);
    CHECK(PaUtil_GetRingBufferWriteAvailable(&ring) == N);
    CHECK(PaUtil_GetRingBufferReadAvailable(&ring) == 0);
}

/* pastream does this with a buffer that is filled and emptied once. */
static void a_size_that_is_no_power_of_two_may_be_set_afterwards(void)
{
    int32_t out[10] = {0};

    start();
    ring.bufferSize = 5;
    CHECK(PaUtil_GetRingBufferWriteAvailable(&ring) == 5);
    CHECK(write_regions(100).first_size == 5);
    CHECK(PaUtil_WriteRingBuffer(&ring, numbers, 10) == 5);
    CHECK(PaUtil_GetRingBufferWriteAvailable(&ring) == 0);
    CHECK(PaUtil_WriteRingBuffer(&ring, numbers, 1) == 0);
    CHECK(PaUtil_GetRingBufferReadAvailable(&ring) == 5);
    CHECK(PaUtil_ReadRingBuffer(&ring, out, 2) == 2);
    CHECK(PaUtil_ReadRingBuffer(&ring, out + 2, 8) == 3);
    CHECK(memcmp(out, numbers, 5 * sizeof out[0]) == 0);
    CHECK(out[5] == 0 && storage[5] == 0);
}

static void element_sizes_may_be_odd(void)
{
    char bytes[4 * 7], out[4 * 7];

    for (ring_buffer_size_t size = 1; size <= 7; ++size) {
        CHECK(PaUtil_InitializeRingBuffer(&ring, size, 4, bytes) == 0);
        for (int i = 0; i < 20; ++i) {
            memset(out, 0, sizeof out);
            CHECK(PaUtil_WriteRingBuffer(&ring, "abcdefghijklmnopqrstu", 3) == 3);
            CHECK(PaUtil_ReadRingBuffer(&ring, out, 4) == 3);
            CHECK(memcmp(out, "abcdefghijklmnopqrstu", 3 * (size_t)size) == 0);
            CHECK(out[3 * size] == 0);
        }
    }
}

static void data_may_overlap_the_storage(void)
{
    start();
    CHECK(PaUtil_WriteRingBuffer(&ring, numbers, 6) == 6);
    CHECK(PaUtil_ReadRingBuffer(&ring, storage + 1, 6) == 6);
    CHECK(memcmp(storage + 1, numbers, 6 * sizeof storage[0]) == 0);
}

int main(void)
{
    initialize_fills_in_every_field();
    unfit_sizes_are_refused_and_change_nothing();
    a_ring_of_one_element_works();
    without_storage_there_are_no_elements();
    a_ring_of_zeros_has_no_elements();
    every_slot_can_be_used();
    counts_are_cut_to_what_is_there();
    a_negative_count_transfers_nothing();
    a_count_of_zero_needs_no_data();
    regions_in_one_piece_have_no_second_one();
    regions_wrap_around_the_end();
    advancing_is_arithmetic_and_no_check();
    flush_makes_it_empty();
    a_size_that_is_no_power_of_two_may_be_set_afterwards();
    element_sizes_may_be_odd();
    data_may_overlap_the_storage();
    return 0;
}
