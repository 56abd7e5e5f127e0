/*
 * A few of PortAudio's functions, with a thread in place of a sound card. At its end, it prints the energy of what was
 * played.
 */

#define _DEFAULT_SOURCE

#include <portaudio.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

static PaStreamCallback *callback;
static void *data;
static pthread_t thread;
static atomic_int active;
static double energy;

static void *play(void *unused) {
    float block[256];
    int result = paContinue;
    (void)unused;
    while (result == paContinue) {
        result = callback(NULL, block, 256, NULL, 0, data);
        for (int i = 0; i < 256; ++i) energy += block[i] * block[i];
        Pa_Sleep(1);
    }
    active = 0;
    return NULL;
}

PaError Pa_Initialize(void) { return paNoError; }

const char *Pa_GetErrorText(PaError error) { return error ? "error" : "no error"; }

PaError Pa_OpenDefaultStream(PaStream **stream, int inputs, int outputs, PaSampleFormat format, double rate,
                             unsigned long frames, PaStreamCallback *function, void *user_data) {
    if (inputs != 0 || outputs != 1 || format != paFloat32 || rate != 48000 || frames != 0) return paInvalidFlag;
    callback = function;
    data = user_data;
    *stream = &callback;
    return paNoError;
}

PaError Pa_StartStream(PaStream *stream) {
    (void)stream;
    active = 1;
    return pthread_create(&thread, NULL, play, NULL) ? paInternalError : paNoError;
}

PaError Pa_IsStreamActive(PaStream *stream) {
    (void)stream;
    return active;
}

PaError Pa_CloseStream(PaStream *stream) {
    (void)stream;
    pthread_join(thread, NULL);
    printf("energy %.2f\n", energy);
    return paNoError;
}

PaError Pa_Terminate(void) { return paNoError; }

void Pa_Sleep(long milliseconds) {
    struct timespec time = {0, milliseconds * 1000000};
    nanosleep(&time, NULL);
}
