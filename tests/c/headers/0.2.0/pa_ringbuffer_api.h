/*
 * The functions of pa_ringbuffer.h and pa_ringbuffer_callback.h for Python extension modules that are
 * linked with no library: they call the functions in the installed package pa_ringbuffer.
 *
 *     #include <pa_ringbuffer_api.h>
 *
 *     PyMODINIT_FUNC PyInit_meter(void)
 *     {
 *         if (import_pa_ringbuffer() < 0) return NULL;
 *         ...
 *     }
 *
 * After import_pa_ringbuffer(), the functions are called by their usual names; before, that would
 * follow a null pointer. Each source file that includes this header has a pointer of its own to the
 * table of functions, and calls import_pa_ringbuffer() itself.
 *
 * The module needs the package when it is imported, of the same version as this header or a newer
 * one with the same major version (before 1.0, the same minor version).
 */

#ifndef PA_RINGBUFFER_API_H
#define PA_RINGBUFFER_API_H

#include <Python.h>

#include "pa_ringbuffer.h"
#include "pa_ringbuffer_callback.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How many functions there are in the table that is declared here. */
#define PA_RINGBUFFER_API_COUNT 28

/* Later versions append functions. */
typedef struct pa_ringbuffer_api {
    /* The version of the package: 0x010203 for 1.2.3. */
    unsigned int version;
    /* How many functions it has. */
    unsigned int count;
    ring_buffer_size_t (*PaUtil_InitializeRingBuffer)(PaUtilRingBuffer *rbuf,
        ring_buffer_size_t elementSizeBytes, ring_buffer_size_t elementCount, void *dataPtr);
    void (*PaUtil_FlushRingBuffer)(PaUtilRingBuffer *rbuf);
    ring_buffer_size_t (*PaUtil_GetRingBufferWriteAvailable)(const PaUtilRingBuffer *rbuf);
    ring_buffer_size_t (*PaUtil_GetRingBufferReadAvailable)(const PaUtilRingBuffer *rbuf);
    ring_buffer_size_t (*PaUtil_WriteRingBuffer)(PaUtilRingBuffer *rbuf, const void *data,
        ring_buffer_size_t elementCount);
    ring_buffer_size_t (*PaUtil_ReadRingBuffer)(PaUtilRingBuffer *rbuf, void *data,
        ring_buffer_size_t elementCount);
    ring_buffer_size_t (*PaUtil_GetRingBufferWriteRegions)(PaUtilRingBuffer *rbuf,
        ring_buffer_size_t elementCount, void **dataPtr1, ring_buffer_size_t *sizePtr1,
        void **dataPtr2, ring_buffer_size_t *sizePtr2);
    ring_buffer_size_t (*PaUtil_AdvanceRingBufferWriteIndex)(PaUtilRingBuffer *rbuf,
        ring_buffer_size_t elementCount);
    ring_buffer_size_t (*PaUtil_GetRingBufferReadRegions)(PaUtilRingBuffer *rbuf,
        ring_buffer_size_t elementCount, void **dataPtr1, ring_buffer_size_t *sizePtr1,
        void **dataPtr2, ring_buffer_size_t *sizePtr2);
    ring_buffer_size_t (*PaUtil_AdvanceRingBufferReadIndex)(PaUtilRingBuffer *rbuf,
        ring_buffer_size_t elementCount);
    unsigned int (*pa_ringbuffer_version)(void);
    int (*pa_ringbuffer_callback_init)(pa_ringbuffer_callback_state *state, size_t state_size,
        PaUtilRingBuffer *input_ring, size_t input_frame_size, PaUtilRingBuffer *output_ring,
        size_t output_frame_size, unsigned char silence);
    int (*pa_ringbuffer_callback_set_mode)(pa_ringbuffer_callback_state *state, int mode);
    int (*pa_ringbuffer_callback_set_on_underflow)(pa_ringbuffer_callback_state *state, int action);
    int (*pa_ringbuffer_callback_set_on_overflow)(pa_ringbuffer_callback_state *state, int action);
    int (*pa_ringbuffer_callback_finish_reason)(const pa_ringbuffer_callback_state *state);
    int (*pa_ringbuffer_callback_is_finished)(const pa_ringbuffer_callback_state *state);
    void (*pa_ringbuffer_callback_restart)(pa_ringbuffer_callback_state *state);
    int (*pa_ringbuffer_callback_set_wake)(pa_ringbuffer_callback_state *state, int on);
    int (*pa_ringbuffer_callback_sleep_for_data)(pa_ringbuffer_callback_state *state,
        size_t frames, unsigned int milliseconds);
    int (*pa_ringbuffer_callback_sleep_for_room)(pa_ringbuffer_callback_state *state,
        size_t frames, unsigned int milliseconds);
    int (*pa_ringbuffer_callback_times)(const pa_ringbuffer_callback_state *state,
        pa_ringbuffer_block_times *times);
    int (*pa_ringbuffer_callback_input_time)(const pa_ringbuffer_callback_state *state,
        uint64_t frame, double sample_rate, double *time);
    int (*pa_ringbuffer_callback_output_time)(const pa_ringbuffer_callback_state *state,
        uint64_t frame, double sample_rate, double *time);
    uint64_t (*pa_ringbuffer_callback_read_position)(const pa_ringbuffer_callback_state *state);
    uint64_t (*pa_ringbuffer_callback_write_position)(const pa_ringbuffer_callback_state *state);
    int (*pa_ringbuffer_callback)(const void *input, void *output, unsigned long frameCount,
        const struct PaStreamCallbackTimeInfo *timeInfo, unsigned long statusFlags,
        void *userData);
    void (*pa_ringbuffer_callback_finished)(void *userData);
} pa_ringbuffer_api;

#ifdef __cplusplus
}
#endif

#if defined(__GNUC__)
#define PA_RINGBUFFER_UNUSED __attribute__((unused))
#else
#define PA_RINGBUFFER_UNUSED
#endif

static const pa_ringbuffer_api *pa_ringbuffer_functions PA_RINGBUFFER_UNUSED = NULL;

/*
 * Imports the package, and finds its functions. Returns 0; or -1 with an exception set, an
 * ImportError if the package is missing or has another version.
 *
 * The calling thread must hold the GIL. Further calls do no harm.
 */
PA_RINGBUFFER_UNUSED static int import_pa_ringbuffer(void)
{
    const unsigned int mine = PA_RINGBUFFER_VERSION;
    const pa_ringbuffer_api *table;
    PyObject *package = PyImport_ImportModule("pa_ringbuffer");

    /* PyCapsule_Import() would not say why. */
    if (package == NULL) return -1;
    Py_DECREF(package);
    table = (const pa_ringbuffer_api *)PyCapsule_Import("pa_ringbuffer._C_API", 0);
    if (table == NULL) {
        /* An AttributeError says that this installation has no extension module. */
        if (PyErr_ExceptionMatches(PyExc_AttributeError)) {
            PyErr_SetString(PyExc_ImportError,
                            "pa_ringbuffer has no C functions: it must be version 0.2 or newer, "
                            "from a wheel with the extension module "
                            "(pip install --upgrade pa-ringbuffer)");
        }
        return -1;
    }
    /* Before 1.0, the minor version is the one of the interface. */
    if (table->count < PA_RINGBUFFER_API_COUNT || table->version >> 16 != mine >> 16
        || (mine >> 16 == 0 && table->version >> 8 != mine >> 8)) {
        PyErr_Format(PyExc_ImportError,
                     "this module was compiled for pa-ringbuffer %d.%d.%d, and %d.%d.%d is "
                     "installed: pip install 'pa-ringbuffer~=%d.%d.%d'",
                     (int)(mine >> 16), (int)(mine >> 8 & 255), (int)(mine & 255),
                     (int)(table->version >> 16), (int)(table->version >> 8 & 255),
                     (int)(table->version & 255),
                     (int)(mine >> 16), (int)(mine >> 8 & 255), (int)(mine & 255));
        return -1;
    }
    pa_ringbuffer_functions = table;
    return 0;
}

#undef PA_RINGBUFFER_UNUSED

#define PaUtil_InitializeRingBuffer (pa_ringbuffer_functions->PaUtil_InitializeRingBuffer)
#define PaUtil_FlushRingBuffer (pa_ringbuffer_functions->PaUtil_FlushRingBuffer)
#define PaUtil_GetRingBufferWriteAvailable \
    (pa_ringbuffer_functions->PaUtil_GetRingBufferWriteAvailable)
#define PaUtil_GetRingBufferReadAvailable \
    (pa_ringbuffer_functions->PaUtil_GetRingBufferReadAvailable)
#define PaUtil_WriteRingBuffer (pa_ringbuffer_functions->PaUtil_WriteRingBuffer)
#define PaUtil_ReadRingBuffer (pa_ringbuffer_functions->PaUtil_ReadRingBuffer)
#define PaUtil_GetRingBufferWriteRegions \
    (pa_ringbuffer_functions->PaUtil_GetRingBufferWriteRegions)
#define PaUtil_AdvanceRingBufferWriteIndex \
    (pa_ringbuffer_functions->PaUtil_AdvanceRingBufferWriteIndex)
#define PaUtil_GetRingBufferReadRegions \
    (pa_ringbuffer_functions->PaUtil_GetRingBufferReadRegions)
#define PaUtil_AdvanceRingBufferReadIndex \
    (pa_ringbuffer_functions->PaUtil_AdvanceRingBufferReadIndex)
#define pa_ringbuffer_version (pa_ringbuffer_functions->pa_ringbuffer_version)
#define pa_ringbuffer_callback_init (pa_ringbuffer_functions->pa_ringbuffer_callback_init)
#define pa_ringbuffer_callback_set_mode \
    (pa_ringbuffer_functions->pa_ringbuffer_callback_set_mode)
#define pa_ringbuffer_callback_set_on_underflow \
    (pa_ringbuffer_functions->pa_ringbuffer_callback_set_on_underflow)
#define pa_ringbuffer_callback_set_on_overflow \
    (pa_ringbuffer_functions->pa_ringbuffer_callback_set_on_overflow)
#define pa_ringbuffer_callback_finish_reason \
    (pa_ringbuffer_functions->pa_ringbuffer_callback_finish_reason)
#define pa_ringbuffer_callback_is_finished \
    (pa_ringbuffer_functions->pa_ringbuffer_callback_is_finished)
#define pa_ringbuffer_callback_restart \
    (pa_ringbuffer_functions->pa_ringbuffer_callback_restart)
#define pa_ringbuffer_callback_set_wake \
    (pa_ringbuffer_functions->pa_ringbuffer_callback_set_wake)
#define pa_ringbuffer_callback_sleep_for_data \
    (pa_ringbuffer_functions->pa_ringbuffer_callback_sleep_for_data)
#define pa_ringbuffer_callback_sleep_for_room \
    (pa_ringbuffer_functions->pa_ringbuffer_callback_sleep_for_room)
#define pa_ringbuffer_callback_times (pa_ringbuffer_functions->pa_ringbuffer_callback_times)
#define pa_ringbuffer_callback_input_time \
    (pa_ringbuffer_functions->pa_ringbuffer_callback_input_time)
#define pa_ringbuffer_callback_output_time \
    (pa_ringbuffer_functions->pa_ringbuffer_callback_output_time)
#define pa_ringbuffer_callback_read_position \
    (pa_ringbuffer_functions->pa_ringbuffer_callback_read_position)
#define pa_ringbuffer_callback_write_position \
    (pa_ringbuffer_functions->pa_ringbuffer_callback_write_position)
#define pa_ringbuffer_callback (pa_ringbuffer_functions->pa_ringbuffer_callback)
#define pa_ringbuffer_callback_finished \
    (pa_ringbuffer_functions->pa_ringbuffer_callback_finished)

#endif /* PA_RINGBUFFER_API_H */
