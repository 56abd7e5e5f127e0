/* A sine. The program sets frequency, samplerate and volume; phase is the callback's own. */

#include <math.h>

struct tone {
    double frequency;  /* Hz */
    double samplerate; /* frames per second */
    double phase;      /* of the next frame, from 0 to 1 */
    float volume;
};

int tone_callback(const void *input, void *output, unsigned long frames, const void *time,
                  unsigned long flags, void *userdata)
{
    struct tone *tone = userdata;
    float *samples = output;
    unsigned long n;

    (void)input, (void)time, (void)flags;
    for (n = 0; n < frames; ++n) {
        samples[n] = tone->volume * (float)sin(6.283185307179586 * tone->phase);
        tone->phase += tone->frequency / tone->samplerate;
        tone->phase -= floor(tone->phase);
    }
    return 0; /* paContinue */
}
