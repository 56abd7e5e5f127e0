/* For Python: calls a PortAudio callback in a copy of the process, which may only compute. */

#include <sys/wait.h>

#include "guard.h"

typedef int Callback(const void *input, void *output, unsigned long frames, const void *time,
                     unsigned long status, void *user_data);
typedef void Finished(void *user_data);

int guarded_calls(Callback *callback, Finished *finished, void *user_data);

/*
 * With blocks of up to 64 frames of up to 64 bytes, and all status flags. Returns the copy's exit
 * status, as waitpid() has it.
 */
int guarded_calls(Callback *callback, Finished *finished, void *user_data)
{
    static char input[64 * 64], output[64 * 64];
    unsigned long n;
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        guard();
        for (n = 0; n < 1000; ++n) {
            callback(input, output, n % 65, NULL, n % 32, user_data);
            callback(NULL, output, n % 65, NULL, n % 32, user_data);
        }
        finished(user_data);
        _exit(PASSED);
    }
    waitpid(child, &status, 0);
    return status;
}
