/*
 * The other side of a ring, as a C program of today would write it: C11 atomics, which
 * ThreadSanitizer understands. PortAudio's own C has volatile indices and fences, which it does not.
 *
 * PEER_ACQUIRE and PEER_RELEASE are the memory orders; a weaker one makes a ring that is broken.
 */

#ifndef PEER_H
#define PEER_H

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include <pa_ringbuffer.h>

#ifndef PEER_ACQUIRE
#define PEER_ACQUIRE memory_order_acquire
#endif
#ifndef PEER_RELEASE
#define PEER_RELEASE memory_order_release
#endif

static inline ring_buffer_size_t peer_load(const volatile ring_buffer_size_t *index,
                                           memory_order order)
{
    return atomic_load_explicit((const volatile _Atomic ring_buffer_size_t *)index, order);
}

static inline ring_buffer_size_t peer_advance(volatile ring_buffer_size_t *index,
                                              ring_buffer_size_t count, ring_buffer_size_t round)
{
    const ring_buffer_size_t next = (peer_load(index, memory_order_relaxed) + count) % round;

    atomic_store_explicit((volatile _Atomic ring_buffer_size_t *)index, next, PEER_RELEASE);
    return next;
}

static inline ring_buffer_size_t peer_GetRingBufferReadAvailable(const PaUtilRingBuffer *ring)
{
    const ring_buffer_size_t round = 2 * ring->bufferSize;
    const ring_buffer_size_t write = peer_load(&ring->writeIndex, PEER_ACQUIRE);

    return (write + round - peer_load(&ring->readIndex, memory_order_relaxed)) % round;
}

static inline ring_buffer_size_t peer_GetRingBufferWriteAvailable(const PaUtilRingBuffer *ring)
{
    const ring_buffer_size_t round = 2 * ring->bufferSize;
    const ring_buffer_size_t read = peer_load(&ring->readIndex, PEER_ACQUIRE);
    const ring_buffer_size_t write = peer_load(&ring->writeIndex, memory_order_relaxed);

    return ring->bufferSize - (write + round - read) % round;
}

static inline ring_buffer_size_t peer_regions(PaUtilRingBuffer *ring, ring_buffer_size_t index,
                                              ring_buffer_size_t count, void **first,
                                              ring_buffer_size_t *first_size, void **second,
                                              ring_buffer_size_t *second_size)
{
    const ring_buffer_size_t position = index % ring->bufferSize;
    const ring_buffer_size_t left = ring->bufferSize - position;

    *first = ring->buffer + position * ring->elementSizeBytes;
    *first_size = count < left ? count : left;
    *second = count < left ? NULL : ring->buffer;
    *second_size = count - *first_size;
    return count;
}

static inline ring_buffer_size_t
peer_GetRingBufferWriteRegions(PaUtilRingBuffer *ring, ring_buffer_size_t count, void **first,
                               ring_buffer_size_t *first_size, void **second,
                               ring_buffer_size_t *second_size)
{
    const ring_buffer_size_t room = peer_GetRingBufferWriteAvailable(ring);

    return peer_regions(ring, peer_load(&ring->writeIndex, memory_order_relaxed),
                        count < room ? count : room, first, first_size, second, second_size);
}

static inline ring_buffer_size_t
peer_GetRingBufferReadRegions(PaUtilRingBuffer *ring, ring_buffer_size_t count, void **first,
                              ring_buffer_size_t *first_size, void **second,
                              ring_buffer_size_t *second_size)
{
    const ring_buffer_size_t available = peer_GetRingBufferReadAvailable(ring);

    return peer_regions(ring, peer_load(&ring->readIndex, memory_order_relaxed),
                        count < available ? count : available, first, first_size, second,
                        second_size);
}

static inline ring_buffer_size_t peer_AdvanceRingBufferWriteIndex(PaUtilRingBuffer *ring,
                                                                  ring_buffer_size_t count)
{
    return peer_advance(&ring->writeIndex, count, 2 * ring->bufferSize);
}

static inline ring_buffer_size_t peer_AdvanceRingBufferReadIndex(PaUtilRingBuffer *ring,
                                                                 ring_buffer_size_t count)
{
    return peer_advance(&ring->readIndex, count, 2 * ring->bufferSize);
}

static inline ring_buffer_size_t peer_WriteRingBuffer(PaUtilRingBuffer *ring, const void *data,
                                                      ring_buffer_size_t count)
{
    void *first, *second;
    ring_buffer_size_t first_size, second_size;

    count = peer_GetRingBufferWriteRegions(ring, count, &first, &first_size, &second, &second_size);
    first_size *= ring->elementSizeBytes;
    second_size *= ring->elementSizeBytes;
    memcpy(first, data, (size_t)first_size);
    if (second_size) {
        memcpy(second, (const char *)data + first_size, (size_t)second_size);
    }
    peer_AdvanceRingBufferWriteIndex(ring, count);
    return count;
}

static inline ring_buffer_size_t peer_ReadRingBuffer(PaUtilRingBuffer *ring, void *data,
                                                     ring_buffer_size_t count)
{
    void *first, *second;
    ring_buffer_size_t first_size, second_size;

    count = peer_GetRingBufferReadRegions(ring, count, &first, &first_size, &second, &second_size);
    first_size *= ring->elementSizeBytes;
    second_size *= ring->elementSizeBytes;
    memcpy(data, first, (size_t)first_size);
    if (second_size) {
        memcpy((char *)data + first_size, second, (size_t)second_size);
    }
    peer_AdvanceRingBufferReadIndex(ring, count);
    return count;
}

static inline ring_buffer_size_t peer_InitializeRingBuffer(PaUtilRingBuffer *ring,
                                                           ring_buffer_size_t element_size,
                                                           ring_buffer_size_t count, void *storage)
{
    /* Making a ring is no race; this is only here to be complete. */
    return PaUtil_InitializeRingBuffer(ring, element_size, count, storage);
}

#endif
