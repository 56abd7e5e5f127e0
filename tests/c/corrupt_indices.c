/*
 * Whatever foreign code writes into the indices, no function touches memory outside the storage:
 * the pages before and behind it cannot be accessed.
 */

#define _DEFAULT_SOURCE

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <pa_ringbuffer.h>

#include "check.h"
#include "random.h"

#define STEPS 300000
#define HALF ((ring_buffer_size_t)1 << (8 * sizeof(ring_buffer_size_t) - 2))
#define LARGEST (HALF - 1 + HALF)
#define SMALLEST (-LARGEST - 1)

static PaUtilRingBuffer ring;
static size_t page;
static char *storage, *data;
static atomic_int done;

/* One page between two that cannot be accessed. */
static char *guarded_page(void)
{
    char *pages = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(pages != MAP_FAILED);
    CHECK(mprotect(pages, page, PROT_NONE) == 0);
    CHECK(mprotect(pages + 2 * page, page, PROT_NONE) == 0);
    return pages + page;
}

static ring_buffer_size_t any_number(Random *random)
{
    const ring_buffer_size_t size = (ring_buffer_size_t)page / 8;

    switch (random_below(random, 8)) {
    case 0:
        return SMALLEST;
    case 1:
        return LARGEST;
    case 2:
        return (ring_buffer_size_t)random_bits(random);
    default:
        return random_below(random, 6 * size) - 2 * size;
    }
}

static void inside(const void *region, ring_buffer_size_t size)
{
    CHECK(size >= 0);
    if (size != 0) {
        const char *start = region;
        CHECK(start >= storage);
        CHECK(start + size * ring.elementSizeBytes <= storage + page);
    }
}

static void use(Random *random)
{
    const ring_buffer_size_t elements = (ring_buffer_size_t)page / ring.elementSizeBytes;
    const ring_buffer_size_t count = any_number(random);
    ring_buffer_size_t first_size, second_size, result;
    void *first, *second;

    result = PaUtil_GetRingBufferReadAvailable(&ring);
    CHECK(result >= 0 && result <= elements);
    result = PaUtil_GetRingBufferWriteAvailable(&ring);
    CHECK(result >= 0 && result <= elements);
    /* The data ends where its page ends; as much as the ring can hold is there. */
    result = PaUtil_WriteRingBuffer(&ring, data, count);
    CHECK(result >= 0 && result <= elements);
    result = PaUtil_ReadRingBuffer(&ring, data, count);
    CHECK(result >= 0 && result <= elements);
    result = PaUtil_GetRingBufferWriteRegions(&ring, count, &first, &first_size, &second,
                                              &second_size);
    CHECK(result == first_size + second_size && result <= elements);
    inside(first, first_size);
    inside(second, second_size);
    result = PaUtil_GetRingBufferReadRegions(&ring, count, &first, &first_size, &second,
                                             &second_size);
    CHECK(result == first_size + second_size && result <= elements);
    inside(first, first_size);
    inside(second, second_size);
    PaUtil_AdvanceRingBufferWriteIndex(&ring, count);
    PaUtil_AdvanceRingBufferReadIndex(&ring, count);
}

static void start(ring_buffer_size_t element_size)
{
    CHECK(PaUtil_InitializeRingBuffer(&ring, element_size, (ring_buffer_size_t)page / element_size,
                                      storage) == 0);
}

static void wrong_before_a_call(Random *random)
{
    start((ring_buffer_size_t)1 << random_below(random, 5));
    switch (random_below(random, 8)) {
    /* One more field is wrong. */
    case 0:
        ring.bufferSize = any_number(random);
        break;
    case 1:
        ring.bigMask = any_number(random);
        break;
    case 2:
        ring.smallMask = any_number(random);
        break;
    /* A size as pastream sets it. */
    case 3:
        ring.bufferSize = random_below(random, ring.bufferSize) + 1;
        break;
    }
    ring.writeIndex = any_number(random);
    ring.readIndex = any_number(random);
    use(random);
}

static void *overwrite(void *unused)
{
    Random random = {99};

    while (!atomic_load_explicit(&done, memory_order_relaxed)) {
        ring.writeIndex = any_number(&random);
        ring.readIndex = any_number(&random);
    }
    return unused;
}

int main(void)
{
    Random random = {1};
    pthread_t foreign;

    page = (size_t)sysconf(_SC_PAGESIZE);
    storage = guarded_page();
    data = guarded_page();
    for (long step = 0; step < STEPS; ++step) {
        wrong_before_a_call(&random);
    }
    /* And while the functions are running. */
    start(8);
    CHECK(pthread_create(&foreign, NULL, overwrite, NULL) == 0);
    for (long step = 0; step < STEPS; ++step) {
        use(&random);
    }
    atomic_store(&done, 1);
    CHECK(pthread_join(foreign, NULL) == 0);
    return 0;
}
