# The C functions for Cython. The header files say what they do; get_include() is their folder, and
# build_arguments() has the library that a module is linked with.
#
#     from pa_ringbuffer cimport PaUtilRingBuffer, PaUtil_WriteRingBuffer

from libc.stdint cimport uint32_t, uint64_t


cdef extern from "<pa_ringbuffer.h>" nogil:
    # The size is the compiler's: 32 bits on macOS and Windows.
    ctypedef long ring_buffer_size_t

    ctypedef struct PaUtilRingBuffer:
        ring_buffer_size_t bufferSize
        ring_buffer_size_t writeIndex
        ring_buffer_size_t readIndex
        ring_buffer_size_t bigMask
        ring_buffer_size_t smallMask
        ring_buffer_size_t elementSizeBytes
        char *buffer

    unsigned int PA_RINGBUFFER_VERSION

    ring_buffer_size_t PaUtil_InitializeRingBuffer(PaUtilRingBuffer *rbuf,
        ring_buffer_size_t elementSizeBytes, ring_buffer_size_t elementCount, void *dataPtr)
    void PaUtil_FlushRingBuffer(PaUtilRingBuffer *rbuf)
    ring_buffer_size_t PaUtil_GetRingBufferWriteAvailable(const PaUtilRingBuffer *rbuf)
    ring_buffer_size_t PaUtil_GetRingBufferReadAvailable(const PaUtilRingBuffer *rbuf)
    ring_buffer_size_t PaUtil_WriteRingBuffer(PaUtilRingBuffer *rbuf, const void *data,
        ring_buffer_size_t elementCount)
    ring_buffer_size_t PaUtil_ReadRingBuffer(PaUtilRingBuffer *rbuf, void *data,
        ring_buffer_size_t elementCount)
    ring_buffer_size_t PaUtil_GetRingBufferWriteRegions(PaUtilRingBuffer *rbuf,
        ring_buffer_size_t elementCount, void **dataPtr1, ring_buffer_size_t *sizePtr1,
        void **dataPtr2, ring_buffer_size_t *sizePtr2)
    ring_buffer_size_t PaUtil_AdvanceRingBufferWriteIndex(PaUtilRingBuffer *rbuf,
        ring_buffer_size_t elementCount)
    ring_buffer_size_t PaUtil_GetRingBufferReadRegions(PaUtilRingBuffer *rbuf,
        ring_buffer_size_t elementCount, void **dataPtr1, ring_buffer_size_t *sizePtr1,
        void **dataPtr2, ring_buffer_size_t *sizePtr2)
    ring_buffer_size_t PaUtil_AdvanceRingBufferReadIndex(PaUtilRingBuffer *rbuf,
        ring_buffer_size_t elementCount)
    unsigned int pa_ringbuffer_version()


cdef extern from "<pa_ringbuffer_callback.h>" nogil:
    ctypedef struct PaStreamCallbackTimeInfo "struct PaStreamCallbackTimeInfo":
        pass

    enum:
        PA_RINGBUFFER_RUN
        PA_RINGBUFFER_DRAIN
        PA_RINGBUFFER_COMPLETE
        PA_RINGBUFFER_START
        PA_RINGBUFFER_SILENCE
        PA_RINGBUFFER_DROP
        PA_RINGBUFFER_STOP
        PA_RINGBUFFER_FINISH_COMPLETED
        PA_RINGBUFFER_FINISH_UNDERFLOW
        PA_RINGBUFFER_FINISH_OVERFLOW
        PA_RINGBUFFER_FINISH_STOPPED
        PA_RINGBUFFER_SLEPT_READY
        PA_RINGBUFFER_SLEPT_FINISHED
        PA_RINGBUFFER_SLEPT_EARLY
        PA_RINGBUFFER_SLEPT_OFF
        PA_RINGBUFFER_TIME_KNOWN
        PA_RINGBUFFER_TIME_NO_RING
        PA_RINGBUFFER_TIME_NOT_YET
        PA_RINGBUFFER_TIME_FINISHED
        PA_RINGBUFFER_TIME_FORGOTTEN
        PA_RINGBUFFER_TIME_NOT_TOLD

    ctypedef struct pa_ringbuffer_callback_state:
        PaUtilRingBuffer *input_ring
        PaUtilRingBuffer *output_ring
        size_t input_frame_size
        size_t output_frame_size
        uint32_t silence
        uint32_t mode
        uint32_t on_underflow
        uint32_t on_overflow
        uint32_t finished
        uint32_t wake
        uint64_t blocks
        uint64_t frames
        uint64_t smallest_block
        uint64_t largest_block
        uint64_t input_overflows
        uint64_t input_overflow_frames
        uint64_t output_underflows
        uint64_t output_underflow_frames
        uint64_t device_input_underflows
        uint64_t device_input_overflows
        uint64_t device_output_underflows
        uint64_t device_output_overflows
        uint64_t device_primings
        uint64_t input_low_water
        uint64_t input_high_water
        uint64_t output_low_water
        uint64_t output_high_water

    ctypedef struct pa_ringbuffer_block_times:
        uint64_t blocks
        uint64_t input_frame
        double input_adc_time
        uint64_t output_frame
        double output_dac_time
        double current_time

    int pa_ringbuffer_callback_init(pa_ringbuffer_callback_state *state, size_t state_size,
        PaUtilRingBuffer *input_ring, size_t input_frame_size, PaUtilRingBuffer *output_ring,
        size_t output_frame_size, unsigned char silence)
    int pa_ringbuffer_callback_set_mode(pa_ringbuffer_callback_state *state, int mode)
    int pa_ringbuffer_callback_set_on_underflow(pa_ringbuffer_callback_state *state, int action)
    int pa_ringbuffer_callback_set_on_overflow(pa_ringbuffer_callback_state *state, int action)
    int pa_ringbuffer_callback_finish_reason(const pa_ringbuffer_callback_state *state)
    int pa_ringbuffer_callback_is_finished(const pa_ringbuffer_callback_state *state)
    void pa_ringbuffer_callback_restart(pa_ringbuffer_callback_state *state)
    int pa_ringbuffer_callback_set_wake(pa_ringbuffer_callback_state *state, int on)
    int pa_ringbuffer_callback_sleep_for_data(pa_ringbuffer_callback_state *state, size_t frames,
        unsigned int milliseconds)
    int pa_ringbuffer_callback_sleep_for_room(pa_ringbuffer_callback_state *state, size_t frames,
        unsigned int milliseconds)
    int pa_ringbuffer_callback_times(const pa_ringbuffer_callback_state *state,
        pa_ringbuffer_block_times *times)
    int pa_ringbuffer_callback_input_time(const pa_ringbuffer_callback_state *state,
        uint64_t frame, double sample_rate, double *time)
    int pa_ringbuffer_callback_output_time(const pa_ringbuffer_callback_state *state,
        uint64_t frame, double sample_rate, double *time)
    uint64_t pa_ringbuffer_callback_read_position(const pa_ringbuffer_callback_state *state)
    uint64_t pa_ringbuffer_callback_write_position(const pa_ringbuffer_callback_state *state)
    int pa_ringbuffer_callback(const void *input, void *output, unsigned long frameCount,
        const PaStreamCallbackTimeInfo *timeInfo, unsigned long statusFlags, void *userData)
    void pa_ringbuffer_callback_finished(void *userData)
