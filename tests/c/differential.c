/*
 * The same random operations on two rings, one driven by PortAudio's C and one by ours: after each
 * of them, every returned value, every field and every byte of the storage is the same.
 *
 * Only what PortAudio's C can do without leaving its storage is tried. Prints the number of steps.
 */

#include <stdint.h>
#include <string.h>

#include <pa_ringbuffer.h>

#include "check.h"
#include "genuine.h"
#include "random.h"

#define STEPS 10000000
#define LARGEST_STORAGE 4096
/* Memory that is compared from time to time has marks behind its end. */
#define MARK 0x5A

typedef struct Side {
    PaUtilRingBuffer ring;
    unsigned char storage[LARGEST_STORAGE + 8];
    unsigned char block[2 * LARGEST_STORAGE];
} Side;

static Side ours, theirs;
static Random generator = {20240229};

static void same(void)
{
    CHECK(ours.ring.bufferSize == theirs.ring.bufferSize);
    CHECK(ours.ring.writeIndex == theirs.ring.writeIndex);
    CHECK(ours.ring.readIndex == theirs.ring.readIndex);
    CHECK(ours.ring.bigMask == theirs.ring.bigMask);
    CHECK(ours.ring.smallMask == theirs.ring.smallMask);
    CHECK(ours.ring.elementSizeBytes == theirs.ring.elementSizeBytes);
    CHECK(ours.ring.buffer == (char *)ours.storage);
    CHECK(theirs.ring.buffer == (char *)theirs.storage);
    CHECK(PaUtil_GetRingBufferReadAvailable(&ours.ring) ==
          genuine_PaUtil_GetRingBufferReadAvailable(&theirs.ring));
    CHECK(PaUtil_GetRingBufferWriteAvailable(&ours.ring) ==
          genuine_PaUtil_GetRingBufferWriteAvailable(&theirs.ring));
}

static void same_memory(void)
{
    CHECK(memcmp(ours.storage, theirs.storage, sizeof ours.storage) == 0);
    CHECK(memcmp(ours.block, theirs.block, sizeof ours.block) == 0);
}

static void initialize(ring_buffer_size_t element_size, ring_buffer_size_t count)
{
    CHECK(PaUtil_InitializeRingBuffer(&ours.ring, element_size, count, ours.storage) ==
          genuine_PaUtil_InitializeRingBuffer(&theirs.ring, element_size, count, theirs.storage));
    same();
}

static void new_geometry(void)
{
    const ring_buffer_size_t count = (ring_buffer_size_t)1 << random_below(&generator, 8);

    initialize(random_below(&generator, LARGEST_STORAGE / 128) + 1, count);
    /* Refused by both; the rings stay as they are. */
    initialize(4, count * 3);
}

/* An offset within the storage; -1 for no region. */
static long offset(const Side *side, const void *region)
{
    return region ? (long)((const char *)region - (const char *)side->storage) : -1;
}

static void fill(void *first, size_t first_size, void *second, size_t second_size, int value)
{
    memset(first, value, first_size);
    if (second) {
        memset(second, value + 1, second_size);
    }
}

static void write_in_place(ring_buffer_size_t count)
{
    void *a1, *a2, *b1, *b2;
    ring_buffer_size_t an1, an2, bn1, bn2, total;
    const size_t size = (size_t)ours.ring.elementSizeBytes;
    const int value = (int)random_below(&generator, 256);

    total = PaUtil_GetRingBufferWriteRegions(&ours.ring, count, &a1, &an1, &a2, &an2);
    CHECK(total == genuine_PaUtil_GetRingBufferWriteRegions(&theirs.ring, count, &b1, &bn1, &b2,
                                                            &bn2));
    CHECK(an1 == bn1 && an2 == bn2);
    CHECK(offset(&ours, a1) == offset(&theirs, b1) && offset(&ours, a2) == offset(&theirs, b2));
    fill(a1, size * (size_t)an1, a2, size * (size_t)an2, value);
    fill(b1, size * (size_t)bn1, b2, size * (size_t)bn2, value);
    total = random_below(&generator, total + 1);
    CHECK(PaUtil_AdvanceRingBufferWriteIndex(&ours.ring, total) ==
          genuine_PaUtil_AdvanceRingBufferWriteIndex(&theirs.ring, total));
}

static void read_in_place(ring_buffer_size_t count)
{
    void *a1, *a2, *b1, *b2;
    ring_buffer_size_t an1, an2, bn1, bn2, total;
    const size_t size = (size_t)ours.ring.elementSizeBytes;

    total = PaUtil_GetRingBufferReadRegions(&ours.ring, count, &a1, &an1, &a2, &an2);
    CHECK(total ==
          genuine_PaUtil_GetRingBufferReadRegions(&theirs.ring, count, &b1, &bn1, &b2, &bn2));
    CHECK(an1 == bn1 && an2 == bn2);
    CHECK(offset(&ours, a1) == offset(&theirs, b1) && offset(&ours, a2) == offset(&theirs, b2));
    CHECK(memcmp(a1, b1, size * (size_t)an1) == 0);
    CHECK(an2 == 0 || memcmp(a2, b2, size * (size_t)an2) == 0);
    total = random_below(&generator, total + 1);
    CHECK(PaUtil_AdvanceRingBufferReadIndex(&ours.ring, total) ==
          genuine_PaUtil_AdvanceRingBufferReadIndex(&theirs.ring, total));
}

static void write_copy(ring_buffer_size_t count)
{
    const size_t at = (size_t)random_below(&generator, LARGEST_STORAGE);

    ours.block[at] = theirs.block[at] = (unsigned char)random_bits(&generator);
    CHECK(PaUtil_WriteRingBuffer(&ours.ring, ours.block, count) ==
          genuine_PaUtil_WriteRingBuffer(&theirs.ring, theirs.block, count));
}

static void read_copy(ring_buffer_size_t count)
{
    CHECK(PaUtil_ReadRingBuffer(&ours.ring, ours.block, count) ==
          genuine_PaUtil_ReadRingBuffer(&theirs.ring, theirs.block, count));
}

static void flush(void)
{
    PaUtil_FlushRingBuffer(&ours.ring);
    genuine_PaUtil_FlushRingBuffer(&theirs.ring);
}

/* Any count, and then a fresh start: the C ring must not be used with such indices. */
static void advance_wildly(void)
{
    for (int i = 0; i < 4; ++i) {
        const ring_buffer_size_t count = (ring_buffer_size_t)random_bits(&generator);
        CHECK(PaUtil_AdvanceRingBufferWriteIndex(&ours.ring, count) ==
              genuine_PaUtil_AdvanceRingBufferWriteIndex(&theirs.ring, count));
        CHECK(PaUtil_AdvanceRingBufferReadIndex(&ours.ring, -count / 3) ==
              genuine_PaUtil_AdvanceRingBufferReadIndex(&theirs.ring, -count / 3));
        CHECK(ours.ring.writeIndex == theirs.ring.writeIndex);
        CHECK(ours.ring.readIndex == theirs.ring.readIndex);
    }
    flush();
}

static ring_buffer_size_t some_count(void)
{
    /* Sometimes more than fits, and often few, so that the ring is neither full nor empty. */
    const ring_buffer_size_t size = ours.ring.bufferSize;
    const long kind = random_below(&generator, 8);

    return kind == 0 ? 1000000000 : random_below(&generator, kind < 4 ? size + 3 : size / 4 + 2);
}

static void some_operation(void)
{
    switch (random_below(&generator, 4)) {
    case 0:
        write_copy(some_count());
        break;
    case 1:
        read_copy(some_count());
        break;
    case 2:
        write_in_place(some_count());
        break;
    default:
        read_in_place(some_count());
    }
    same();
}

/* pastream sets a size that is no power of two, for a buffer that is filled and emptied once. */
static void fill_once(void)
{
    const ring_buffer_size_t size = random_below(&generator, ours.ring.bufferSize) + 1;

    flush();
    ours.ring.bufferSize = theirs.ring.bufferSize = size;
    same();
    while (ours.ring.writeIndex < size || ours.ring.readIndex < size) {
        if (ours.ring.writeIndex < size) {
            /* Not beyond the end: PortAudio's C would leave the storage there. */
            const ring_buffer_size_t left = size - ours.ring.writeIndex;
            const ring_buffer_size_t count = random_below(&generator, left) + 1;
            if (random_below(&generator, 2)) {
                write_copy(count);
            } else {
                write_in_place(count);
            }
            same();
        }
        if (random_below(&generator, 2)) {
            read_copy(some_count());
        } else {
            read_in_place(some_count());
        }
        same();
    }
    same_memory();
}

int main(void)
{
    long step;

    memset(&ours, MARK, sizeof ours);
    memset(&theirs, MARK, sizeof theirs);
    new_geometry();
    for (step = 0; step < STEPS; ++step) {
        some_operation();
        if (step % 1000 == 0) {
            same_memory();
            advance_wildly();
            fill_once();
            new_geometry();
        }
    }
    printf("%ld\n", step);
    return 0;
}
