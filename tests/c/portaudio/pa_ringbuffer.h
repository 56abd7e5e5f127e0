/*
 * Stands in for PortAudio's header of this name, which packages do not ship: the same include
 * guard, and declarations of the same types and functions.
 */

#ifndef PA_RINGBUFFER_H
#define PA_RINGBUFFER_H

#define STAND_IN_CAME_FIRST

#ifdef __cplusplus
extern "C" {
#endif

typedef long ring_buffer_size_t;

typedef struct PaUtilRingBuffer {
    ring_buffer_size_t bufferSize;
    volatile ring_buffer_size_t writeIndex, readIndex;
    ring_buffer_size_t bigMask, smallMask, elementSizeBytes;
    char *buffer;
} PaUtilRingBuffer;

ring_buffer_size_t PaUtil_InitializeRingBuffer(PaUtilRingBuffer *, ring_buffer_size_t,
                                               ring_buffer_size_t, void *);
ring_buffer_size_t PaUtil_GetRingBufferWriteAvailable(const PaUtilRingBuffer *);
ring_buffer_size_t PaUtil_WriteRingBuffer(PaUtilRingBuffer *, const void *, ring_buffer_size_t);
ring_buffer_size_t PaUtil_ReadRingBuffer(PaUtilRingBuffer *, void *, ring_buffer_size_t);

#ifdef __cplusplus
}
#endif

#endif
