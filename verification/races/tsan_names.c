/*
 * What LLVM calls, and gcc's ThreadSanitizer does not have yet under these names: it sees the copies
 * in the functions of the C library, which it replaces.
 */

#include <string.h>

void *__tsan_memcpy(void *target, const void *source, size_t count);
void *__tsan_memmove(void *target, const void *source, size_t count);
void *__tsan_memset(void *target, int value, size_t count);

__attribute__((weak)) void *__tsan_memcpy(void *target, const void *source, size_t count)
{
    return memcpy(target, source, count);
}

__attribute__((weak)) void *__tsan_memmove(void *target, const void *source, size_t count)
{
    return memmove(target, source, count);
}

__attribute__((weak)) void *__tsan_memset(void *target, int value, size_t count)
{
    return memset(target, value, count);
}
