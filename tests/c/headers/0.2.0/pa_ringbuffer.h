/*
 * A lock-free ring buffer for one producer and one consumer, binary compatible with PortAudio's.
 *
 * The include guard is PortAudio's too: a program may include PortAudio's pa_ringbuffer.h as well,
 * in any order; the first one counts, and both declare the same.
 *
 * A ring holds elementCount elements of elementSizeBytes bytes each (an audio frame, a sample, a
 * message) in memory that the program provides. All counts and sizes below are in elements, except
 * where bytes are named.
 *
 * Threads: one thread may write while another one reads, without locks. At most one thread at a
 * time may be on each side:
 *
 *     producer   PaUtil_WriteRingBuffer, PaUtil_GetRingBufferWriteRegions,
 *                PaUtil_AdvanceRingBufferWriteIndex
 *     consumer   PaUtil_ReadRingBuffer, PaUtil_GetRingBufferReadRegions,
 *                PaUtil_AdvanceRingBufferReadIndex
 *
 * Real-time safe are all functions but PaUtil_InitializeRingBuffer and PaUtil_FlushRingBuffer: they
 * do not wait, allocate memory or call the system, and so may be used in an audio callback.
 *
 * Pointers to a ring must not be NULL. Counts may be any number. The indices of the ring may hold
 * any number as well: if foreign code damaged them, elements may be wrong, but no memory outside
 * the ring's is touched.
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
 * elementCount must be a power of two; all of the elements can be used. dataPtr points to
 * elementSizeBytes * elementCount bytes, which must be there as long as the ring is used. It may
 * be NULL: then the ring has no elements until `buffer` is set.
 *
 * Returns 0. Returns -1, and leaves the struct as it was, if elementCount is not a power of two,
 * if elementSizeBytes is not positive, or if so many bytes cannot exist.
 *
 * Not while another thread uses the ring.
 */
ring_buffer_size_t PaUtil_InitializeRingBuffer(PaUtilRingBuffer *rbuf,
                                               ring_buffer_size_t elementSizeBytes,
                                               ring_buffer_size_t elementCount,
                                               void *dataPtr);

/*
 * Makes the ring empty, and both indices 0.
 *
 * Not while another thread uses the ring.
 */
void PaUtil_FlushRingBuffer(PaUtilRingBuffer *rbuf);

/*
 * Returns the number of elements that can be written.
 *
 * Any thread may ask. For the producer, it can only have become more by the time it writes.
 * Real-time safe.
 */
ring_buffer_size_t PaUtil_GetRingBufferWriteAvailable(const PaUtilRingBuffer *rbuf);

/*
 * Returns the number of elements that can be read.
 *
 * Any thread may ask. For the consumer, it can only have become more by the time it reads.
 * Real-time safe.
 */
ring_buffer_size_t PaUtil_GetRingBufferReadAvailable(const PaUtilRingBuffer *rbuf);

/*
 * Copies elementCount elements from data into the ring, or as many as there is room for.
 *
 * Returns how many were copied. Producer only. Real-time safe.
 */
ring_buffer_size_t PaUtil_WriteRingBuffer(PaUtilRingBuffer *rbuf, const void *data,
                                          ring_buffer_size_t elementCount);

/*
 * Moves elementCount elements from the ring to data, or as many as there are.
 *
 * Returns how many were moved; the rest of data keeps its contents. Consumer only. Real-time safe.
 */
ring_buffer_size_t PaUtil_ReadRingBuffer(PaUtilRingBuffer *rbuf, void *data,
                                         ring_buffer_size_t elementCount);

/*
 * Says where the next elementCount elements, or as many as there is room for, are to be written
 * in place: *sizePtr1 elements at *dataPtr1, followed by *sizePtr2 elements at *dataPtr2. If they
 * are in one piece, *dataPtr2 is NULL and *sizePtr2 is 0.
 *
 * The reader sees them after PaUtil_AdvanceRingBufferWriteIndex.
 *
 * Returns how many there are in both pieces. No pointer may be NULL. Producer only.
 * Real-time safe.
 */
ring_buffer_size_t PaUtil_GetRingBufferWriteRegions(PaUtilRingBuffer *rbuf,
                                                    ring_buffer_size_t elementCount,
                                                    void **dataPtr1, ring_buffer_size_t *sizePtr1,
                                                    void **dataPtr2, ring_buffer_size_t *sizePtr2);

/*
 * Hands elementCount elements, written in place, over to the reader.
 *
 * elementCount must be between 0 and what PaUtil_GetRingBufferWriteRegions returned; nothing
 * checks this, and a wrong count makes the ring's contents meaningless.
 *
 * Returns the new write index. Producer only. Real-time safe.
 */
ring_buffer_size_t PaUtil_AdvanceRingBufferWriteIndex(PaUtilRingBuffer *rbuf,
                                                      ring_buffer_size_t elementCount);

/*
 * Says where the next elementCount elements, or as many as there are, can be read in place:
 * *sizePtr1 elements at *dataPtr1, followed by *sizePtr2 elements at *dataPtr2. If they are in
 * one piece, *dataPtr2 is NULL and *sizePtr2 is 0.
 *
 * They stay in the ring until PaUtil_AdvanceRingBufferReadIndex.
 *
 * Returns how many there are in both pieces. No pointer may be NULL. Consumer only.
 * Real-time safe.
 */
ring_buffer_size_t PaUtil_GetRingBufferReadRegions(PaUtilRingBuffer *rbuf,
                                                   ring_buffer_size_t elementCount,
                                                   void **dataPtr1, ring_buffer_size_t *sizePtr1,
                                                   void **dataPtr2, ring_buffer_size_t *sizePtr2);

/*
 * Gives the room of elementCount elements, read in place, back to the writer.
 *
 * elementCount must be between 0 and what PaUtil_GetRingBufferReadRegions returned; nothing
 * checks this, and a wrong count makes the ring's contents meaningless.
 *
 * Returns the new read index. Consumer only. Real-time safe.
 */
ring_buffer_size_t PaUtil_AdvanceRingBufferReadIndex(PaUtilRingBuffer *rbuf,
                                                     ring_buffer_size_t elementCount);

/*
 * The version of this header, and of the library that the program is linked with: 0x010203 for 1.2.3.
 * Programs go on working with newer libraries that have the same major version (before 1.0, the same
 * minor version), without being compiled anew. Not in PortAudio's header. Real-time safe.
 */
#define PA_RINGBUFFER_VERSION 0x000200
unsigned int pa_ringbuffer_version(void);

#ifdef __cplusplus
}
#endif

#endif /* PA_RINGBUFFER_H */
