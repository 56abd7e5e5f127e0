/*
 * A process callback of JACK that plays from one ring buffer and records into another. JACK has a
 * port for each channel; an element of the rings is a frame, with both channels.
 *
 *     cc -O2 -shared -fPIC process.c -o process.so $(python -m pa_ringbuffer --cflags --libs)
 *
 * JACK's headers are not needed: the program passes the one function of JACK that is called here.
 */

#include <stdint.h>

#include <pa_ringbuffer.h>

#define CHANNELS 2

/* What the callback works on; player.py has the same struct. */
struct duplex {
    void *(*get_buffer)(void *port, uint32_t frames);
    void *inputs[CHANNELS], *outputs[CHANNELS];
    PaUtilRingBuffer *played, *recorded;
    /* Frames of silence played because the ring was empty, and frames that found no room. */
    uint64_t missing, lost;
};

int process(uint32_t frames, void *userdata)
{
    struct duplex *duplex = userdata;
    const float *from[CHANNELS];
    float *to[CHANNELS];
    uint32_t played = 0, recorded = 0;

    for (int channel = 0; channel < CHANNELS; ++channel) {
        from[channel] = duplex->get_buffer(duplex->inputs[channel], frames);
        to[channel] = duplex->get_buffer(duplex->outputs[channel], frames);
    }
    for (; recorded < frames; ++recorded) {
        const float frame[CHANNELS] = {from[0][recorded], from[1][recorded]};

        if (PaUtil_WriteRingBuffer(duplex->recorded, frame, 1) == 0)
            break;
    }
    for (float frame[CHANNELS]; played < frames; ++played) {
        if (PaUtil_ReadRingBuffer(duplex->played, frame, 1) == 0)
            break;
        for (int channel = 0; channel < CHANNELS; ++channel)
            to[channel][played] = frame[channel];
    }
    duplex->missing += frames - played;
    duplex->lost += frames - recorded;
    for (; played < frames; ++played)
        for (int channel = 0; channel < CHANNELS; ++channel)
            to[channel][played] = 0;
    return 0;
}
