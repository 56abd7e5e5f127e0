/*
 * A program that uses PortAudio, to be linked with a PortAudio whose ring buffer is ours.
 *
 * Plays and records on JACK's device "system", where what is played comes back: first with our
 * compiled callback, then with blocking reads and writes, for which PortAudio uses its ring buffer.
 * What comes back must be what was played, without a gap and bit for bit.
 *
 * The linker puts the functions __wrap_... between PortAudio and the ring (its option --wrap); they
 * count the bytes that pass.
 */

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pa_ringbuffer_callback.h>
#include <portaudio.h>

#include "check.h"

#define RATE 48000
#define LENGTH (2 * RATE)
#define BLOCK 256
#define RING_SIZE (1 << 17)
/* How much must come back at least; the rest is delay. */
#define ENOUGH (RATE / 4)
/* A program that is held up for less than this loses nothing. PortAudio's JACK host API cuts it
 * to whole seconds. */
#define LATENCY 1.0

typedef struct Frame {
    float left, right;
} Frame;

static Frame recorded[LENGTH];
static atomic_long bytes_written, bytes_read;

ring_buffer_size_t __real_PaUtil_WriteRingBuffer(PaUtilRingBuffer *, const void *,
                                                 ring_buffer_size_t);
ring_buffer_size_t __real_PaUtil_ReadRingBuffer(PaUtilRingBuffer *, void *, ring_buffer_size_t);

ring_buffer_size_t __wrap_PaUtil_WriteRingBuffer(PaUtilRingBuffer *ring, const void *data,
                                                 ring_buffer_size_t count)
{
    const ring_buffer_size_t written = __real_PaUtil_WriteRingBuffer(ring, data, count);

    bytes_written += written * ring->elementSizeBytes;
    return written;
}

ring_buffer_size_t __wrap_PaUtil_ReadRingBuffer(PaUtilRingBuffer *ring, void *data,
                                                ring_buffer_size_t count)
{
    const ring_buffer_size_t read = __real_PaUtil_ReadRingBuffer(ring, data, count);

    bytes_read += read * ring->elementSizeBytes;
    return read;
}

static void pa(PaError error)
{
    if (error < 0) {
        fprintf(stderr, "PortAudio: %s\n", Pa_GetErrorText(error));
        exit(1);
    }
}

/* No two frames are the same, none is silence, and most exceed 1.0. */
static Frame frame(unsigned long number)
{
    const Frame result = {(float)(number + 1), -0.5f - (float)number};
    return result;
}

static void play_and_record(PaStreamParameters *parameters)
{
    static Frame output_storage[RING_SIZE], input_storage[RING_SIZE];
    PaUtilRingBuffer output_ring, input_ring;
    pa_ringbuffer_callback_state state;
    PaStream *stream;

    CHECK(PaUtil_InitializeRingBuffer(&output_ring, sizeof(Frame), RING_SIZE, output_storage) == 0);
    CHECK(PaUtil_InitializeRingBuffer(&input_ring, sizeof(Frame), RING_SIZE, input_storage) == 0);
    for (unsigned long i = 0; i < LENGTH; ++i) {
        const Frame next = frame(i);
        CHECK(PaUtil_WriteRingBuffer(&output_ring, &next, 1) == 1);
    }
    CHECK(pa_ringbuffer_callback_init(&state, sizeof state, &input_ring, sizeof(Frame), &output_ring,
                                      sizeof(Frame), 0) == 0);
    CHECK(pa_ringbuffer_callback_set_mode(&state, PA_RINGBUFFER_COMPLETE) == 0);
    pa(Pa_OpenStream(&stream, parameters, parameters, RATE, BLOCK, paClipOff | paDitherOff,
                     pa_ringbuffer_callback, &state));
    pa(Pa_StartStream(stream));
    while (Pa_IsStreamActive(stream) == 1) {
        Pa_Sleep(10);
    }
    pa(Pa_CloseStream(stream));
    CHECK(PaUtil_GetRingBufferReadAvailable(&output_ring) == 0);
    CHECK(PaUtil_ReadRingBuffer(&input_ring, recorded, LENGTH) == LENGTH);
}

static void read_and_write(PaStreamParameters *parameters)
{
    Frame out[BLOCK];
    PaStream *stream;

    pa(Pa_OpenStream(&stream, parameters, parameters, RATE, BLOCK, paClipOff | paDitherOff, NULL,
                     NULL));
    pa(Pa_StartStream(stream));
    for (unsigned long start = 0; start < LENGTH; start += BLOCK) {
        for (unsigned long i = 0; i < BLOCK; ++i) {
            out[i] = frame(start + i);
        }
        pa(Pa_WriteStream(stream, out, BLOCK));
        pa(Pa_ReadStream(stream, recorded + start, BLOCK));
    }
    pa(Pa_CloseStream(stream));
}

/* Returns the delay in frames. */
static unsigned long verify(void)
{
    unsigned long delay = 0;

    while (delay < LENGTH && recorded[delay].left == 0.0f) {
        CHECK(recorded[delay].right == 0.0f);
        ++delay;
    }
    CHECK(delay + ENOUGH <= LENGTH);
    for (unsigned long i = delay; i < LENGTH; ++i) {
        const Frame expected = frame(i - delay);
        CHECK(memcmp(recorded + i, &expected, sizeof expected) == 0);
    }
    return delay;
}

static PaDeviceIndex device_named_system(void)
{
    const PaHostApiIndex jack = Pa_HostApiTypeIdToHostApiIndex(paJACK);

    pa(jack);
    for (int i = 0; i < Pa_GetHostApiInfo(jack)->deviceCount; ++i) {
        const PaDeviceIndex device = Pa_HostApiDeviceIndexToDeviceIndex(jack, i);
        if (strcmp(Pa_GetDeviceInfo(device)->name, "system") == 0) {
            return device;
        }
    }
    fprintf(stderr, "there is no device \"system\"\n");
    exit(1);
}

int main(void)
{
    PaStreamParameters parameters = {0};

    CHECK(LENGTH % BLOCK == 0);
    pa(Pa_Initialize());
    parameters.device = device_named_system();
    parameters.channelCount = 2;
    parameters.sampleFormat = paFloat32;
    parameters.suggestedLatency = LATENCY;

    play_and_record(&parameters);
    printf("callback: delay of %lu frames\n", verify());

    memset(recorded, 0, sizeof recorded);
    bytes_written = bytes_read = 0;
    read_and_write(&parameters);
    printf("blocking: delay of %lu frames\n", verify());
    pa(Pa_Terminate());

    /* All that was played went through one ring, and all that was recorded through another. */
    CHECK(bytes_written >= (long)(2 * LENGTH * sizeof(Frame)));
    CHECK(bytes_read >= (long)(2 * LENGTH * sizeof(Frame)));
    printf("ring: %ld bytes in, %ld bytes out\n", bytes_written, bytes_read);
    return 0;
}
