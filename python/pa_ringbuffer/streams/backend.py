"""The device under a stream, and what may become of it."""

from __future__ import annotations

import os
import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any, Callable, Protocol

if TYPE_CHECKING:
    from .. import StreamCallback


class Backend(Protocol):
    """An opened stream of a device, as :mod:`sounddevice` has them."""

    @property
    def samplerate(self) -> float: ...
    @property
    def blocksize(self) -> int: ...
    @property
    def device(self) -> Any: ...
    @property
    def channels(self) -> Any: ...
    @property
    def dtype(self) -> Any: ...
    @property
    def samplesize(self) -> Any: ...
    @property
    def latency(self) -> Any: ...
    @property
    def time(self) -> float: ...
    @property
    def cpu_load(self) -> float: ...
    @property
    def active(self) -> bool: ...
    @property
    def stopped(self) -> bool: ...
    @property
    def closed(self) -> bool: ...
    def start(self) -> None: ...
    def stop(self, ignore_errors: bool = ...) -> None: ...
    def abort(self, ignore_errors: bool = ...) -> None: ...
    def close(self, ignore_errors: bool = ...) -> None: ...


#: Backends that were given up, with what their callbacks may still be using.
_given_up: list[tuple[Backend, StreamCallback]] = []


class Handle:
    """A backend and its callback: what the last one to go has to close.

    One thread at a time stops or closes the backend, and nobody asks it anything meanwhile.
    PortAudio waits for ever for a device that has gone: whoever stops such a stream does not wait
    with it.
    """

    #: Seconds after which a device that does not stop is given up; less if it is known to have
    #: stopped by itself without telling the callback, as PortAudio does for devices that are gone.
    PATIENCE = 5.0
    PATIENCE_IF_GONE = 1.0

    def __init__(
        self, backend: Backend, callback: StreamCallback, give_up: Callable[[], object]
    ) -> None:
        self.backend = backend
        self.callback = callback
        self.process = os.getpid()
        self.given_up = False
        self._give_up = give_up
        self._lock = threading.Lock()
        #: Number of threads that stop or close the backend, or wait for doing so.
        self._ending = 0
        self._call: threading.Thread | None = None

    @property
    def here(self) -> bool:
        """Whether this is the process that has opened it, and not a forked child."""
        return os.getpid() == self.process

    @property
    def closed(self) -> bool:
        """Whether the backend was closed, or given up."""
        return self.given_up or self.backend.closed

    @property
    def active(self) -> bool:
        """Whether the device plays or records."""
        if not self.here:
            return False
        # Others who only ask have the lock for a moment; whoever ends the stream, for seconds.
        while self._ending or not self._lock.acquire(timeout=0.01):
            if self._ending:
                return False
        try:
            return not self.closed and self.backend.active
        finally:
            self._lock.release()

    def end(self, how: Callable[[], None]) -> bool:
        """Stop or close the backend; return whether it could be."""
        self._ending += 1
        try:
            return self._end(how)
        finally:
            self._ending -= 1

    def _end(self, how: Callable[[], None]) -> bool:
        with self._lock:
            if self.closed:
                return not self.given_up
            if not self._returns(how):
                self.given_up = True
                # The callback may still be called, and what it uses must stay.
                _given_up.append((self.backend, self.callback))
                self._give_up()
            self.callback._finish()
            return not self.given_up

    def _returns(self, how: Callable[[], None]) -> bool:
        """Call a function that may not return; say whether it has."""
        running = not self.callback._finished
        gone = running and not self.backend.active
        # Device drivers on Windows may insist on the thread they know.
        if not running or (sys.platform == "win32" and not gone):
            how()
            return True
        patience = self.PATIENCE_IF_GONE if gone else self.PATIENCE
        # Interrupted by Ctrl-C, the last one may still be at it.
        if self._call is not None:
            self._call.join(patience)
            if self._call.is_alive():
                return False
        errors: list[BaseException] = []

        def call() -> None:
            try:
                how()
            except BaseException as error:
                errors.append(error)

        self._call = threading.Thread(target=call, name="closing stream", daemon=True)
        try:
            self._call.start()
        except RuntimeError:
            # There are no new threads while the interpreter exits.
            self._call = None
            if not gone:
                how()
            return not gone
        self._call.join(patience)
        if self._call.is_alive():
            return False
        self._call = None
        if errors:
            raise errors[0]
        return True

    def abandon(self, name: str) -> None:
        """Close what a stream that is collected as garbage has left open."""
        if not self.here or self.closed:
            return
        try:
            running = self.backend.active
        except Exception:
            # PortAudio itself may be gone by now.
            running = False
        self.end(lambda: self.backend.close(True))
        if running:
            warnings.warn(
                f"a running {name} was forgotten, and is now closed; "
                "use it as context manager, or call its close()",
                ResourceWarning,
                stacklevel=2,
            )
