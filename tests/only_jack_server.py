"""A JACK server for one test, which no other test's server is mistaken for.

A JACK client waits for its server at a socket in /dev/shm that has the client's name and the
user's, but not the server's; a client of PortAudio is always called "PortAudio". If two of them
look for their servers at the same moment, each server finds the socket of the other's client, and
refuses its own: PortAudio then has no device "system". With four tests at a time on two busy
processors, that happened to one program in twenty.

So each of the processes that run tests gets a /dev/shm of its own, if it may make one (on Linux, as
root, even in most containers). Where it may not, a JACK server waits until no other test has one.
"""

import contextlib
import ctypes
import functools
import os
import sys
import tempfile

from headless_audio import JackServer

try:
    import fcntl
except ImportError:
    # There is no JACK server for tests either.
    fcntl = None

SHARED_MEMORY = "/dev/shm"
CLONE_NEWNS = 0x20000
MS_REC = 0x4000
MS_PRIVATE = 0x40000


@functools.cache
def own_shared_memory():
    """Let this thread, and the programs that it starts, have a /dev/shm of their own; once."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    if libc.unshare(CLONE_NEWNS) != 0:
        return
    # Nothing that is mounted from now on is seen elsewhere.
    if libc.mount(None, b"/", None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None) == 0:
        libc.mount(b"tmpfs", SHARED_MEMORY.encode(), b"tmpfs", ctypes.c_ulong(0), None)


@contextlib.contextmanager
def turn():
    """Wait until no test of this user has a JACK server in the same /dev/shm."""
    own_shared_memory()
    if fcntl is None:
        yield
        return
    folder = SHARED_MEMORY if os.path.isdir(SHARED_MEMORY) else tempfile.gettempdir()
    with open(os.path.join(folder, f"pa-ringbuffer-tests-{os.getuid()}"), "w") as file:
        # The end of the process, however it comes, gives it back.
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def only_jack_server(**options):
    """A server with these *options*, as soon as it is this test's turn."""
    with turn(), JackServer(**options) as server:
        yield server
