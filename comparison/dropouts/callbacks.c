/* Two PortAudio callbacks that do not call Python: the control, and a sound card around any other
 * callback. */

#include <stdint.h>
#include <string.h>
#include <time.h>

enum { CHANNELS = 2, CONTINUE = 0, OUTPUT_UNDERFLOW = 4 };

typedef int stream_callback(const void *input, void *output, unsigned long frames, const void *time,
                            unsigned long status, void *userdata);

struct control {
    uint64_t key;
    uint64_t frames;
    uint64_t xruns;
};

/* Plays what frames.py describes. It touches no ring, so that what is lost of it, the machine has
 * lost. */
int control(const void *input, void *output, unsigned long frames, const void *time,
            unsigned long status, void *userdata)
{
    struct control *state = userdata;
    float *sample = output;
    uint32_t offset = (uint32_t)state->key * 12345u;

    (void)input;
    (void)time;
    state->xruns += (status & OUTPUT_UNDERFLOW) != 0;
    while (frames--) {
        uint32_t number = (uint32_t)++state->frames;
        *sample++ = (float)number;
        *sample++ = (float)((number * 40503u + offset) & 0xffff);
    }
    return CONTINUE;
}

struct card {
    stream_callback *callback;
    void *userdata;
    double samplerate;
    float *recording;
    uint64_t capacity; /* frames */
    uint64_t recorded; /* frames */
    uint64_t late;     /* blocks */
    uint64_t worst;    /* nanoseconds from a call's due time to its end */
    uint64_t begin;    /* nanoseconds */
};

static uint64_t nanoseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Records what a sound card with room for two blocks would have played: what the callback hands over
 * in time, and silence in the place of a block that comes when its turn has passed. */
int card(const void *input, void *output, unsigned long frames, const void *time,
         unsigned long status, void *userdata)
{
    struct card *card = userdata;
    uint64_t position = card->recorded;
    size_t size = frames * CHANNELS * sizeof(float);
    uint64_t due, limit, passed;
    int result;

    if (position == 0)
        card->begin = nanoseconds();
    due = card->begin + (uint64_t)((double)position / card->samplerate * 1e9);
    limit = (uint64_t)(2.0 * (double)frames / card->samplerate * 1e9);
    result = card->callback(input, output, frames, time, status, card->userdata);
    passed = nanoseconds() - due;
    if (position + frames > card->capacity)
        return result;
    if ((int64_t)passed > (int64_t)card->worst)
        card->worst = passed;
    if ((int64_t)passed > (int64_t)limit) {
        card->late++;
        memset(card->recording + position * CHANNELS, 0, size);
    } else {
        memcpy(card->recording + position * CHANNELS, output, size);
    }
    /* Python looks at this one while the stream runs. */
    __atomic_store_n(&card->recorded, position + frames, __ATOMIC_RELEASE);
    return result;
}
