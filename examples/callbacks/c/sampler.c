/*
 * A sampler in C alone, with PortAudio. Three rings connect the callback with the main thread: notes
 * to play, at exact frames; notes that have begun; and what the input hears.
 *
 *     cc -O2 sampler.c -o sampler $(pkg-config --cflags --libs pa_ringbuffer portaudio-2.0) -lm
 */

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pa_ringbuffer.h>
#include <portaudio.h>

#define RATE 48000
#define VOICES 16
#define EVENTS 256
#define NOTES 8
#define SOUND (RATE * 2 / 5)
/* Longer than the tune, and what is recorded of it: a power of two, as all rings. */
#define LENGTH (3 * RATE)
#define RECORDED (1 << 18)

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
    int playing;
};

/* What the callback works on. */
struct sampler {
    PaUtilRingBuffer events, started, recorded;
    const float *sound;
    /* The number of the frame that is played next. */
    uint64_t frame;
    /* Recorded frames that found no room. */
    uint64_t lost;
    struct event next;
    int next_is_there;
    unsigned int oldest;
    struct voice voices[VOICES];
};

static struct event event_memory[EVENTS], started_memory[EVENTS];
static float recorded_memory[RECORDED];
static float sound[SOUND], heard[RECORDED], expected[LENGTH];

/* How fast a note plays the sound: every twelve notes, twice as fast. */
static double speed(int32_t note)
{
    return pow(2, (note - 60) / 12.0);
}

static void begin_notes(struct sampler *sampler, uint64_t end)
{
    while (sampler->next_is_there
           || PaUtil_ReadRingBuffer(&sampler->events, &sampler->next, 1) == 1) {
        struct event event = sampler->next;
        unsigned int number = sampler->oldest;

        sampler->next_is_there = event.frame >= end;
        if (sampler->next_is_there)
            return;
        /* A note that comes too late begins at once. */
        if (event.frame < sampler->frame)
            event.frame = sampler->frame;
        for (unsigned int n = 0; n < VOICES; ++n)
            if (!sampler->voices[n].playing)
                number = n;
        sampler->oldest = (number + 1) % VOICES;
        sampler->voices[number] =
            (struct voice){event.frame, speed(event.note), event.velocity, 1};
        /* If the main thread does not read, it misses messages; the sound goes on. */
        PaUtil_WriteRingBuffer(&sampler->started, &event, 1);
    }
}

static int callback(const void *input, void *output, unsigned long frames,
                    const PaStreamCallbackTimeInfo *time, PaStreamCallbackFlags flags,
                    void *userdata)
{
    struct sampler *sampler = userdata;
    const uint64_t end = sampler->frame + frames;
    float *block = output;

    (void)time;
    (void)flags;
    sampler->lost += frames - (unsigned long)PaUtil_WriteRingBuffer(&sampler->recorded, input,
                                                                    (ring_buffer_size_t)frames);
    memset(block, 0, frames * sizeof *block);
    begin_notes(sampler, end);
    for (struct voice *voice = sampler->voices; voice < sampler->voices + VOICES; ++voice) {
        uint64_t frame = voice->begin > sampler->frame ? voice->begin : sampler->frame;

        for (; voice->playing && frame < end; ++frame) {
            const uint64_t n = (uint64_t)((double)(frame - voice->begin) * voice->step);

            if (n < SOUND)
                block[frame - sampler->frame] += voice->velocity * sampler->sound[n];
            else
                voice->playing = 0;
        }
    }
    sampler->frame = end;
    return paContinue;
}

/* Prints the notes that have begun, and adds to `expected` what is to be heard of them. */
static int print_started(struct sampler *sampler)
{
    struct event event;
    int count = 0;

    for (; PaUtil_ReadRingBuffer(&sampler->started, &event, 1) == 1; ++count) {
        printf("note %d at %.3f s\n", (int)event.note, (double)event.frame / RATE);
        for (uint64_t n = 0; event.frame + n < LENGTH; ++n) {
            const uint64_t index = (uint64_t)((double)n * speed(event.note));

            if (index >= SOUND)
                break;
            expected[event.frame + n] += event.velocity * sound[index];
        }
    }
    return count;
}

/* A device without sound: it records what it has played a block before. */
static int play_virtually(struct sampler *sampler)
{
    float blocks[2][256] = {{0}};
    int notes = 0;

    for (unsigned int n = 0; PaUtil_GetRingBufferReadAvailable(&sampler->recorded) < LENGTH + 8192;
         ++n) {
        callback(blocks[n % 2], blocks[(n + 1) % 2], 256, NULL, 0, sampler);
        notes += print_started(sampler);
    }
    return notes;
}

static void check(PaError error)
{
    if (error < 0) {
        fprintf(stderr, "sampler: %s\n", Pa_GetErrorText(error));
        exit(2);
    }
}

/* The first device for input and output whose name contains the text, or the default ones. */
static void choose(const char *name, PaStreamParameters *input, PaStreamParameters *output)
{
    input->device = Pa_GetDefaultInputDevice();
    output->device = Pa_GetDefaultOutputDevice();
    for (int n = Pa_GetDeviceCount() - 1; name && n >= 0; --n) {
        const PaDeviceInfo *info = Pa_GetDeviceInfo(n);

        if (strstr(info->name, name) && info->maxInputChannels && info->maxOutputChannels)
            input->device = output->device = n;
    }
    if (input->device == paNoDevice || output->device == paNoDevice) {
        fprintf(stderr, "sampler: there is no device for input and output\n");
        exit(2);
    }
    input->suggestedLatency = Pa_GetDeviceInfo(input->device)->defaultLowInputLatency;
    output->suggestedLatency = Pa_GetDeviceInfo(output->device)->defaultLowOutputLatency;
}

static int play(struct sampler *sampler, const char *name)
{
    PaStreamParameters input = {0, 1, paFloat32, 0, NULL}, output = {0, 1, paFloat32, 0, NULL};
    PaStream *stream;
    int notes = 0;

    check(Pa_Initialize());
    choose(name, &input, &output);
    check(Pa_OpenStream(&stream, &input, &output, RATE, paFramesPerBufferUnspecified, paNoFlag,
                        callback, sampler));
    check(Pa_StartStream(stream));
    while (PaUtil_GetRingBufferReadAvailable(&sampler->recorded) < LENGTH + 8192) {
        Pa_Sleep(10);
        notes += print_started(sampler);
    }
    check(Pa_CloseStream(stream));
    check(Pa_Terminate());
    return notes;
}

/* Compares what was heard with what it has to be, from the first sound on. */
static int compare(struct sampler *sampler)
{
    const long count = PaUtil_ReadRingBuffer(&sampler->recorded, heard, RECORDED);
    long first = 0, delay = 0, wrong = 0;

    while (first < LENGTH && expected[first] == 0)
        ++first;
    while (first + delay < count && heard[first + delay] == 0)
        ++delay;
    for (long n = 0; n < LENGTH; ++n)
        wrong += n + delay >= count || fabsf(heard[n + delay] - expected[n]) > 1e-5f;
    printf("%d frames came back %ld frames later, %ld of them wrong\n", LENGTH, delay, wrong);
    return wrong != 0 || sampler->lost != 0;
}

int main(int argc, char *argv[])
{
    static const int32_t tune[NOTES] = {48, 60, 67, 72, 64, 60, 55, 48};
    static struct sampler sampler;
    const char *device = NULL;
    int with_check = 0, virtually = 0, notes;

    for (int n = 1; n < argc; ++n) {
        if (strcmp(argv[n], "--virtual") == 0) {
            virtually = with_check = 1;
        } else if (strcmp(argv[n], "--check") == 0) {
            with_check = 1;
        } else if (strcmp(argv[n], "-d") == 0 && n + 1 < argc) {
            device = argv[++n];
        } else {
            fprintf(stderr, "usage: sampler [--virtual] [-d DEVICE] [--check]\n");
            return 2;
        }
    }
    for (int n = 0; n < SOUND; ++n) {
        const double time = (double)n / RATE;

        sound[n] = (float)(exp(-8 * time) * cos(2 * 3.141592653589793 * 220 * time));
    }
    sampler.sound = sound;
    PaUtil_InitializeRingBuffer(&sampler.events, sizeof(struct event), EVENTS, event_memory);
    PaUtil_InitializeRingBuffer(&sampler.started, sizeof(struct event), EVENTS, started_memory);
    PaUtil_InitializeRingBuffer(&sampler.recorded, sizeof(float), RECORDED, recorded_memory);
    for (int n = 0; n < NOTES; ++n) {
        const struct event event = {(uint64_t)RATE / 4 * (uint64_t)(n + 1), tune[n], 0.25f};

        PaUtil_WriteRingBuffer(&sampler.events, &event, 1);
    }
    notes = virtually ? play_virtually(&sampler) : play(&sampler, device);
    return (with_check && compare(&sampler)) || notes != NOTES;
}
