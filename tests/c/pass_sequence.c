/*
 * Two threads pass a sequence through rings of several sizes: every element arrives once, whole
 * and in order.
 *
 * Which implementation drives which side is chosen by the test: WRITER and READER are the prefixes
 * of its functions.
 */

#define _DEFAULT_SOURCE

#include <pthread.h>
#include <stdint.h>
#include <time.h>

#include <pa_ringbuffer.h>

#include "check.h"
#include "genuine.h"
#include "random.h"

#ifndef WRITER
#define WRITER PaUtil_
#endif
#ifndef READER
#define READER PaUtil_
#endif
/* Tools that slow everything down pass fewer elements. */
#ifndef FEWER
#define FEWER 1
#endif
#define JOINED(a, b) a##b
#define JOIN(a, b) JOINED(a, b)
#define WRITE(name) JOIN(WRITER, name)
#define READ(name) JOIN(READER, name)

#define LARGEST_RING 1024
#define LONGEST_BLOCK 100

/* Larger than what a processor stores at once, so that half an element can be noticed. */
typedef struct Element {
    uint64_t number, inverted, tripled;
} Element;

static PaUtilRingBuffer ring;
static Element storage[LARGEST_RING];
static uint64_t length;

static Element element(uint64_t number)
{
    const Element result = {number, ~number, 3 * number};
    return result;
}

static void expect(const Element *found, uint64_t number)
{
    CHECK(found->number == number);
    CHECK(found->inverted == ~number);
    CHECK(found->tripled == 3 * number);
}

/* Trying again at once gives the most encounters. But now and then a pause is needed: where others
 * want the processors as well, the other thread would hardly ever run. sched_yield() is no pause. */
static void let_the_other_one(int *attempts)
{
    const struct timespec pause = {0, 1000};

    if (++*attempts % 1000 == 0) {
        nanosleep(&pause, NULL);
    }
}

static void *write_all(void *unused)
{
    Random random = {7};
    Element block[LONGEST_BLOCK];
    Element *first, *second;
    ring_buffer_size_t first_size, second_size, count, i;
    uint64_t next = 0;
    int attempts = 0;

    while (next < length) {
        count = random_below(&random, LONGEST_BLOCK) + 1;
        if ((uint64_t)count > length - next) {
            count = (ring_buffer_size_t)(length - next);
        }
        if (random_below(&random, 2)) {
            for (i = 0; i < count; ++i) {
                block[i] = element(next + (uint64_t)i);
            }
            count = WRITE(WriteRingBuffer)(&ring, block, count);
        } else {
            count = WRITE(GetRingBufferWriteRegions)(&ring, count, (void **)&first, &first_size,
                                                     (void **)&second, &second_size);
            for (i = 0; i < first_size; ++i) {
                first[i] = element(next + (uint64_t)i);
            }
            for (i = 0; i < second_size; ++i) {
                second[i] = element(next + (uint64_t)(first_size + i));
            }
            WRITE(AdvanceRingBufferWriteIndex)(&ring, count);
        }
        next += (uint64_t)count;
        if (count == 0) {
            let_the_other_one(&attempts);
        }
    }
    return unused;
}

static void read_all(void)
{
    Random random = {8};
    Element block[LONGEST_BLOCK];
    Element *first, *second;
    ring_buffer_size_t first_size, second_size, count, i;
    uint64_t next = 0;
    int attempts = 0;

    while (next < length) {
        count = random_below(&random, LONGEST_BLOCK) + 1;
        if (random_below(&random, 2)) {
            count = READ(ReadRingBuffer)(&ring, block, count);
            for (i = 0; i < count; ++i) {
                expect(block + i, next + (uint64_t)i);
            }
        } else {
            count = READ(GetRingBufferReadRegions)(&ring, count, (void **)&first, &first_size,
                                                   (void **)&second, &second_size);
            for (i = 0; i < first_size; ++i) {
                expect(first + i, next + (uint64_t)i);
            }
            for (i = 0; i < second_size; ++i) {
                expect(second + i, next + (uint64_t)(first_size + i));
            }
            READ(AdvanceRingBufferReadIndex)(&ring, count);
        }
        next += (uint64_t)count;
        if (count == 0) {
            let_the_other_one(&attempts);
        }
    }
    CHECK(READ(GetRingBufferReadAvailable)(&ring) == 0);
}

int main(void)
{
    const ring_buffer_size_t sizes[] = {1, 2, 16, 64, LARGEST_RING};
    /* The smaller the ring, the more often both threads have to take turns. */
    const uint64_t lengths[] = {5000, 10000, 300000, 2000000, 10000000};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
        pthread_t writer;
        length = lengths[i] / FEWER;
        CHECK(WRITE(InitializeRingBuffer)(&ring, sizeof(Element), sizes[i], storage) == 0);
        CHECK(pthread_create(&writer, NULL, write_all, NULL) == 0);
        read_all();
        CHECK(pthread_join(writer, NULL) == 0);
    }
    return 0;
}
