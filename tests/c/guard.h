/* Forbids the process everything but to compute and to end. For Linux. */

#ifndef GUARD_H
#define GUARD_H

#ifndef _GNU_SOURCE
#error "compile with -D_GNU_SOURCE"
#endif

#include <stddef.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* Exit statuses. What calls the system is killed by SIGSYS. */
enum { PASSED = 0, NOT_GUARDED = 12 };

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static volatile int is_guarded;

static void guard(void)
{
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    struct sock_fprog program = {COUNT(steps), steps};

    /* What never ends is ended, and what is killed leaves no core file. */
    alarm(60);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        _exit(NOT_GUARDED);
    }
    is_guarded = 1;
}

#endif
