/*
 * Includes the headers in the order that the test asks for, and uses what they declare.
 * It is valid C89 and valid C++.
 */

#if defined(PORTAUDIO_FIRST)
#include "portaudio/pa_ringbuffer.h"
#include <pa_ringbuffer.h>
#include <pa_ringbuffer_callback.h>
#ifndef STAND_IN_CAME_FIRST
#error "the stand-in for PortAudio's header was not used"
#endif
#elif defined(OURS_FIRST)
#include <pa_ringbuffer_callback.h>
#include <pa_ringbuffer.h>
#include "portaudio/pa_ringbuffer.h"
#ifdef STAND_IN_CAME_FIRST
#error "PortAudio's include guard is another one"
#endif
#else
#include <pa_ringbuffer_callback.h>
#endif
#ifdef WITH_PORTAUDIO_H
#include <portaudio.h>
static PaStreamCallback *const stream_callback = pa_ringbuffer_callback;
#endif

int main(void)
{
    PaUtilRingBuffer ring;
    pa_ringbuffer_callback_state state;
    char storage[4], c = 'x';

#ifdef WITH_PORTAUDIO_H
    if (!stream_callback) {
        return 1;
    }
#endif
    if (PaUtil_InitializeRingBuffer(&ring, 1, 4, storage) != 0) {
        return 2;
    }
    if (PaUtil_WriteRingBuffer(&ring, &c, 1) != 1) {
        return 3;
    }
    pa_ringbuffer_callback_init(&state, sizeof state, NULL, 0, &ring, 1, 0);
    if (pa_ringbuffer_callback(NULL, storage, 2, NULL, 0, &state) != 0) {
        return 4;
    }
    return state.output_underflow_frames == 1 ? 0 : 5;
}
