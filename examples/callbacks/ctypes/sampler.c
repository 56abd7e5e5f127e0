/*
 * A sampler: a PortAudio callback that takes notes from one ring, and says through another one when
 * each of them has begun. A third ring takes what the input hears.
 *
 *     cc -O2 -shared -fPIC sampler.c -o sampler.so $(python -m pa_ringbuffer --cflags --libs)
 */

#include <stdint.h>
#include <string.h>

#include <pa_ringbuffer.h>

#define VOICES 16

/* A message, in both directions: a note, and the frame at which it begins. */
struct event {
    uint64_t frame;
    int32_t note;
    float velocity;
};

struct voice {
    uint64_t begin;
    double step;
    float velocity;
    int32_t playing;
};

/* What the callback works on; sampler.py has the same struct. */
struct sampler {
    PaUtilRingBuffer *events, *started, *recorded;
    const float *sound;
    uint64_t length;
    /* How fast each of the 128 notes plays the sound. */
    const double *steps;
    /* The number of the frame that is played next. */
    uint64_t frame;
    /* Recorded frames that found no room. */
    uint64_t lost;
    struct event next;
    uint32_t next_is_there, oldest;
    struct voice voices[VOICES];
};

static void begin_notes(struct sampler *sampler, uint64_t end)
{
    while (sampler->next_is_there
           || PaUtil_ReadRingBuffer(sampler->events, &sampler->next, 1) == 1) {
        struct event event = sampler->next;
        uint32_t number = sampler->oldest;

        sampler->next_is_there = 1;
        if (event.frame >= end)
            return;
        sampler->next_is_there = 0;
        /* A note that comes too late begins at once. */
        if (event.frame < sampler->frame)
            event.frame = sampler->frame;
        for (uint32_t n = 0; n < VOICES; ++n)
            if (!sampler->voices[n].playing)
                number = n;
        sampler->oldest = (number + 1) % VOICES;
        sampler->voices[number] = (struct voice){event.frame, sampler->steps[event.note & 127],
                                                 event.velocity, 1};
        /* If Python does not read, it misses messages; the sound goes on. */
        PaUtil_WriteRingBuffer(sampler->started, &event, 1);
    }
}

int sampler_callback(const void *input, void *output, unsigned long frames, const void *time,
                     unsigned long flags, void *userdata)
{
    struct sampler *sampler = userdata;
    const uint64_t end = sampler->frame + frames;
    float *block = output;

    (void)time;
    (void)flags;
    sampler->lost += frames - PaUtil_WriteRingBuffer(sampler->recorded, input, frames);
    memset(block, 0, frames * sizeof *block);
    begin_notes(sampler, end);
    for (struct voice *voice = sampler->voices; voice < sampler->voices + VOICES; ++voice) {
        uint64_t frame = voice->begin > sampler->frame ? voice->begin : sampler->frame;

        for (; voice->playing && frame < end; ++frame) {
            const uint64_t n = (uint64_t)((double)(frame - voice->begin) * voice->step);

            if (n < sampler->length)
                block[frame - sampler->frame] += voice->velocity * sampler->sound[n];
            else
                voice->playing = 0;
        }
    }
    sampler->frame = end;
    return 0;
}
