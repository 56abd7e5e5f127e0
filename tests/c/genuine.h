/* PortAudio's own compiled ring buffer; objcopy put the prefix before its names. */

#ifndef GENUINE_H
#define GENUINE_H

#include <pa_ringbuffer.h>

typedef ring_buffer_size_t size_type;

size_type genuine_PaUtil_InitializeRingBuffer(PaUtilRingBuffer *, size_type, size_type, void *);
void genuine_PaUtil_FlushRingBuffer(PaUtilRingBuffer *);
size_type genuine_PaUtil_GetRingBufferWriteAvailable(const PaUtilRingBuffer *);
size_type genuine_PaUtil_GetRingBufferReadAvailable(const PaUtilRingBuffer *);
size_type genuine_PaUtil_WriteRingBuffer(PaUtilRingBuffer *, const void *, size_type);
size_type genuine_PaUtil_ReadRingBuffer(PaUtilRingBuffer *, void *, size_type);
size_type genuine_PaUtil_GetRingBufferWriteRegions(PaUtilRingBuffer *, size_type, void **,
                                                   size_type *, void **, size_type *);
size_type genuine_PaUtil_AdvanceRingBufferWriteIndex(PaUtilRingBuffer *, size_type);
size_type genuine_PaUtil_GetRingBufferReadRegions(PaUtilRingBuffer *, size_type, void **,
                                                  size_type *, void **, size_type *);
size_type genuine_PaUtil_AdvanceRingBufferReadIndex(PaUtilRingBuffer *, size_type);

#endif
