/* Copies on two threads over the same storage at once, without any synchronisation: what moving the
 * data from one core to another costs before anybody agrees on an index. Formally a data race, so
 * it is here, where the compiler has to do what the loops say, and not in Rust. What is received
 * means nothing. */

#include <stddef.h>
#include <string.h>

/* The compiler has to assume that memory was read and written here. */
#define BARRIER() __asm__ volatile("" ::: "memory")

#define INLINE static inline __attribute__((always_inline))

INLINE void copy_in(char *storage, size_t size, const char *block, size_t bytes, size_t count)
{
    for (size_t at = 0; count > 0; count--) {
        memcpy(storage + at, block, bytes);
        BARRIER();
        at = at + bytes == size ? 0 : at + bytes;
    }
}

INLINE void copy_out(const char *storage, size_t size, char *block, size_t bytes, size_t count)
{
    for (size_t at = 0; count > 0; count--) {
        memcpy(block, storage + at, bytes);
        BARRIER();
        at = at + bytes == size ? 0 : at + bytes;
    }
}

/* A single element is copied by one instruction, as a ring does that knows its type. */
#define FOR_EACH_SIZE(COPY)                             \
    do {                                                \
        if (bytes == 8)                                 \
            COPY(storage, size, block, 8, count);       \
        else if (bytes == 4)                            \
            COPY(storage, size, block, 4, count);       \
        else                                            \
            COPY(storage, size, block, bytes, count);   \
    } while (0)

/* `size` is a multiple of `bytes`. */
void rings_limit_copy_in(char *storage, size_t size, const char *block, size_t bytes, size_t count)
{
    FOR_EACH_SIZE(copy_in);
}

void rings_limit_copy_out(const char *storage, size_t size, char *block, size_t bytes, size_t count)
{
    FOR_EACH_SIZE(copy_out);
}
