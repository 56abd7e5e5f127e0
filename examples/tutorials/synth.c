/* Plucked notes at exact frames: Python sends notes, and gets the peak of each block. */

#include <math.h>
#include <pa_ringbuffer.h>
#include <stdint.h>

struct note { /* from Python */
    uint64_t frame;
    float frequency, level;
};

struct peak { /* to Python */
    uint64_t frame;
    float value;
};

struct synth {
    PaUtilRingBuffer *notes, *peaks;
    double samplerate;
    uint64_t frame; /* number of the next frame */
    double phase;
    float frequency, level;
    struct note next;
    int has_next;
};

int synth_callback(const void *input, void *output, unsigned long frames, const void *time,
                   unsigned long flags, void *userdata)
{
    struct synth *synth = userdata;
    float *samples = output;
    struct peak peak = {synth->frame, 0};
    unsigned long n;

    (void)input, (void)time, (void)flags;
    for (n = 0; n < frames; ++n, ++synth->frame) {
        if (!synth->has_next)
            synth->has_next = (int)PaUtil_ReadRingBuffer(synth->notes, &synth->next, 1);
        if (synth->has_next && synth->next.frame <= synth->frame) {
            synth->frequency = synth->next.frequency;
            synth->level = synth->next.level;
            synth->phase = 0;
            synth->has_next = 0;
        }
        samples[n] = synth->level * (float)sin(6.283185307179586 * synth->phase);
        peak.value = fmaxf(peak.value, fabsf(samples[n]));
        synth->phase += synth->frequency / synth->samplerate;
        synth->level *= 0.9998f;
    }
    /* A full ring takes nothing and returns 0: this peak is left out. */
    PaUtil_WriteRingBuffer(synth->peaks, &peak, 1);
    return 0; /* paContinue */
}
