/*
 * A lock-free ring buffer for one producer and one consumer, binary compatible with PortAudio's.
 *
 * The include guard is PortAudio's: a program may also include PortAudio's pa_ringbuffer.h, in any
 * order. The first one takes effect; both declare the same.
 *
 * A ring holds elementCount elements of elementSizeBytes bytes each (an audio frame, a sample, a
 * message) in memory that the program provides. All counts and sizes below are numbers of elements
 * unless they mention bytes.
 *
 * Threads: one thread may write while another one reads, without locks. Each side may be used by
 * only one thread at a time:
 *
 *     producer   PaUtil_WriteRingBuffer, PaUtil_GetRingBufferWriteRegions,
 *                PaUtil_AdvanceRingBufferWriteIndex
 *     consumer   PaUtil_ReadRingBuffer, PaUtil_GetRingBufferReadRegions,
 *                PaUtil_AdvanceRingBufferReadIndex
 *
 * All functions except PaUtil_InitializeRingBuffer and PaUtil_FlushRingBuffer are real-time safe:
 * they do not wait, allocate memory or make system calls, so an audio callback may use them.
 *
 * Pointers to a ring must not be NULL. Counts may have any value, and so may the indices of the
 * ring: if other code has damaged them, elements may be wrong, but no memory outside the ring's is
 * accessed.
 */

#ifndef PA_RINGBUFFER_H
#define PA_RINGBUFFER_H

#ifdef __APPLE__
#include <stdint.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Has 32 bits on Apple systems and on Windows. */
#ifdef __APPLE__
typedef int32_t ring_buffer_size_t;
#else
typedef long ring_buffer_size_t;
#endif

typedef struct PaUtilRingBuffer {
    /* Number of elements: a power of two. */
    ring_buffer_size_t bufferSize;
    /* Where the producer writes next, modulo twice the number of elements. */
    volatile ring_buffer_size_t writeIndex;
    /* Where the consumer reads next, modulo twice the number of elements. */
    volatile ring_buffer_size_t readIndex;
    /* Twice the number of elements, minus one. */
    ring_buffer_size_t bigMask;
    /* Number of elements minus one. */
    ring_buffer_size_t smallMask;
    /* Bytes per element. */
    ring_buffer_size_t elementSizeBytes;
    /* The elements. */
    char *buffer;
} PaUtilRingBuffer;

/*
 * Makes an empty ring.
 *
 * elementCount must be a power of two; all elements are usable. dataPtr points to elementSizeBytes
 * * elementCount bytes, which must stay valid as long as the ring is in use. It may be NULL: then
 * the ring has no elements until `buffer` is set.
 *
 * Returns 0. Returns -1 without changing the struct if elementCount is not a power of two, if
 * elementSizeBytes is not positive, or if the size exceeds the address space.
 *
 * Do not call this while another thread uses the ring.
 */
ring_buffer_size_t PaUtil_InitializeRingBuffer(PaUtilRingBuffer *rbuf,
                                               ring_buffer_size_t elementSizeBytes,
                                               ring_buffer_size_t elementCount,
                                               void *dataPtr);

/*
 * Empties the ring and sets both indices to 0.
 *
 * Do not call this while another thread uses the ring.
 */
void PaUtil_FlushRingBuffer(PaUtilRingBuffer *rbuf);

/*
 * Returns the number of elements that can be written.
 *
 * Any thread may call this. Until the producer writes, the number can only grow. Real-time safe.
 */
ring_buffer_size_t PaUtil_GetRingBufferWriteAvailable(const PaUtilRingBuffer *rbuf);

/*
 * Returns the number of elements that can be read.
 *
 * Any thread may call this. Until the consumer reads, the number can only grow. Real-time safe.
 */
ring_buffer_size_t PaUtil_GetRingBufferReadAvailable(const PaUtilRingBuffer *rbuf);

/*
 * Copies elementCount elements from data into the ring, or as many as there is room for.
 *
 * Returns the number of elements copied. Producer only. Real-time safe.
 */
ring_buffer_size_t PaUtil_WriteRingBuffer(PaUtilRingBuffer *rbuf, const void *data,
                                          ring_buffer_size_t elementCount);

/*
 * Moves elementCount elements from the ring to data, or as many as are available.
 *
 * Returns the number of elements moved; the rest of data does not change. Consumer only. Real-time
 * safe.
 */
ring_buffer_size_t PaUtil_ReadRingBuffer(PaUtilRingBuffer *rbuf, void *data,
                                         ring_buffer_size_t elementCount);

/*
 * Gets the regions for writing the next elementCount elements, or as many as there is room for, in
 * place: *sizePtr1 elements at *dataPtr1, then *sizePtr2 elements at *dataPtr2. If one region is
 * enough, *dataPtr2 is NULL and *sizePtr2 is 0.
 *
 * PaUtil_AdvanceRingBufferWriteIndex makes the elements readable.
 *
 * Returns the number of elements in both regions. No pointer may be NULL. Producer only. Real-time
 * safe.
 */
ring_buffer_size_t PaUtil_GetRingBufferWriteRegions(PaUtilRingBuffer *rbuf,
                                                    ring_buffer_size_t elementCount,
                                                    void **dataPtr1, ring_buffer_size_t *sizePtr1,
                                                    void **dataPtr2, ring_buffer_size_t *sizePtr2);

/*
 * Makes elementCount elements that were written in place available to the consumer.
 *
 * elementCount must be between 0 and the result of PaUtil_GetRingBufferWriteRegions. This is not
 * checked, and a wrong count makes the ring's contents meaningless.
 *
 * Returns the new write index. Producer only. Real-time safe.
 */
ring_buffer_size_t PaUtil_AdvanceRingBufferWriteIndex(PaUtilRingBuffer *rbuf,
                                                      ring_buffer_size_t elementCount);

/*
 * Gets the regions for reading the next elementCount elements, or as many as are available, in
 * place: *sizePtr1 elements at *dataPtr1, then *sizePtr2 elements at *dataPtr2. If one region is
 * enough, *dataPtr2 is NULL and *sizePtr2 is 0.
 *
 * The elements stay in the ring until PaUtil_AdvanceRingBufferReadIndex.
 *
 * Returns the number of elements in both regions. No pointer may be NULL. Consumer only. Real-time
 * safe.
 */
ring_buffer_size_t PaUtil_GetRingBufferReadRegions(PaUtilRingBuffer *rbuf,
                                                   ring_buffer_size_t elementCount,
                                                   void **dataPtr1, ring_buffer_size_t *sizePtr1,
                                                   void **dataPtr2, ring_buffer_size_t *sizePtr2);

/*
 * Returns the room of elementCount elements that were read in place to the producer.
 *
 * elementCount must be between 0 and the result of PaUtil_GetRingBufferReadRegions. This is not
 * checked, and a wrong count makes the ring's contents meaningless.
 *
 * Returns the new read index. Consumer only. Real-time safe.
 */
ring_buffer_size_t PaUtil_AdvanceRingBufferReadIndex(PaUtilRingBuffer *rbuf,
                                                     ring_buffer_size_t elementCount);

/*
 * The version of this header, and of the library that the program is linked with: 0x010203 for
 * 1.2.3. Programs keep working, without recompilation, with newer libraries of the same major
 * version (before 1.0, the same minor version). PortAudio's header lacks both. Real-time safe.
 */
#define PA_RINGBUFFER_VERSION 0x000200
unsigned int pa_ringbuffer_version(void);

#ifdef __cplusplus
}
#endif

#endif /* PA_RINGBUFFER_H */
