"""The device under a stream, and how to handle its failures."""

from __future__ import annotations

import _thread
import functools
import math
import os
import sys
import threading
import time
import warnings
from typing import TYPE_CHECKING, Any, Callable, Protocol

from .._native import watch
from .errors import StreamStoppedError, StreamTimeoutError
from .stats import too_small

if TYPE_CHECKING:
    from .. import StreamCallback
    from .stats import LossReport


class Backend(Protocol):
    """An open stream of a device, with the attributes that :mod:`sounddevice` uses."""

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


class Device(Protocol):
    """Opens streams on one kind of device."""

    def open(self, kind: str, callback: StreamCallback, **parameters: Any) -> Backend:
        """Open a stream for ``'input'``, ``'output'`` or ``'duplex'`` without starting it."""

    @property
    def flags(self) -> Any:
        """An object with this device's ``CallbackFlags``, ``CallbackStop``, ``CallbackAbort`` and
        ``PortAudioError``.
        """

    @property
    def default(self) -> Any:
        """The defaults for streams of this device, like ``sounddevice.default``."""

    @property
    def stopped_error(self) -> type[StreamStoppedError]:
        """The error for operations that need a running stream."""

    def give_up(self) -> None:
        """Keep the exit of the interpreter from waiting for a device that no longer responds."""


#: Abandoned backends, with the objects that their callbacks may still use.
_given_up: list[tuple[Backend, StreamCallback]] = []


def _tell_end(run: list[Callable[[], object]]) -> None:
    """Call the finished callback of a run of the device once, on its own thread."""
    try:
        finished_callback = run.pop()
    except IndexError:
        return
    thread = threading.Thread(target=finished_callback, name="finished callback")
    try:
        thread.start()
    except RuntimeError:
        # No thread can be started while the interpreter exits.
        finished_callback()
        return
    if not threading.main_thread().is_alive():
        # The interpreter would not wait for this thread.
        thread.join()


def _watch_for_end(
    callback: StreamCallback, run: list[Callable[[], object]], outcome: str = ""
) -> None:
    """Call the finished callback of a run when the device stops calling."""
    if outcome != "finished":
        again = functools.partial(_watch_for_end, callback, run)
        try:
            if watch(None, "consumer", 0, None, callback, again) != "finished":
                return
        except RuntimeError:
            if not outcome:
                raise
            # The interpreter is exiting before the device has stopped.
            return
    _tell_end(run)


class _NoTurnError(Exception):
    """Another thread has its turn and will not end it."""


class _Job:
    """One call of the device, which one thread makes and another one waits for."""

    def __init__(self, work: Callable[[], Any]) -> None:
        #: The thread that does the work removes it from here.
        self._work = [work]
        self._over = _thread.allocate_lock()
        self._over.acquire()
        self.is_over = False
        self.result: Any = None
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            work = self._work.pop()
        except IndexError:
            return
        try:
            self.result = work()
        except BaseException as error:
            self.error = error
        finally:
            self.is_over = True
            self._over.release()

    def wait(self, seconds: float) -> bool:
        return self.is_over or self._over.acquire(timeout=seconds) or self.is_over


class Handle:
    """A backend and its callback, used by several threads, signal handlers and forked processes.

    - Each start, stop, abort and close runs on a thread of its own. These threads take turns: they
      share a lock that no other thread takes, and signal handlers do not interrupt them. A handler
      can stop a stream even if it has interrupted a stop, because the two wait for different
      threads. If a device does not respond, it can be abandoned; PortAudio waits forever for a
      device that has disappeared.
    - Queries of the device take no lock. The handle records pending queries, and frees the device
      only when none is left. A handler that closes the stream may have interrupted a query of its
      own thread; it then only waits until the device has stopped.
    - A forked child has none of these threads. Every method first checks whether it is `here`, and
      checks again while it waits.

    On Windows, drivers may depend on the calling thread, and an interpreter that is exiting may not
    be able to start threads: these calls run on the caller's thread there.
    """

    #: Seconds after which a device that does not stop is abandoned. The second one is for a device
    #: known to have stopped by itself without notifying the callback, as PortAudio does for devices
    #: that have disappeared.
    STOP_TIMEOUT = 5.0
    STOP_TIMEOUT_IF_GONE = 1.0

    #: Seconds between two checks for events during a wait: a fork, for example.
    LOOK = 0.05

    #: Seconds after which a thread that has not begun, while no thread has its turn, counts as
    #: dead. Python's threads die silently if there is no memory for their first frame.
    BEGIN = 1.0

    def __init__(
        self,
        backend: Backend,
        callback: StreamCallback,
        device: Device,
        report: LossReport,
    ) -> None:
        self.backend = backend
        self.callback = callback
        self._loss_report = report
        #: Number of losses at the latest comparison of the rings with the device's blocks.
        self._checked_losses = 0
        self.process = os.getpid()
        #: Whether the backend has been closed or is being closed: it must no longer be used.
        self.closed = False
        #: Whether everything has been closed.
        self.is_over = False
        self.given_up = False
        #: Why it should not be running; empty if it should be.
        self.stop_reason = "call start() first"
        self._give_up = device.give_up
        self.stopped_error = device.stopped_error
        self._turn = threading.RLock()
        #: The thread that has its turn, and since when.
        self._turn_of: int | None = None
        self._turn_since = math.inf
        #: Whether the device is being stopped or closed.
        self._is_ending = False
        #: Whether the device has stopped and only needs to be freed.
        self._is_quiet = False
        #: Pending queries and their threads.
        self._asking: dict[object, int] = {}
        #: The finished callback, until it is called.
        self._run: list[Callable[[], object]] = []

    def report(self, at_once: bool = False) -> None:
        """Report losses."""
        self._loss_report(at_once)
        losses = self.callback._losses
        if losses != self._checked_losses and not at_once:
            self._checked_losses = losses
            if reason := too_small(self.callback):
                raise ValueError(reason)

    @property
    def here(self) -> bool:
        """Whether this is the process that opened the stream, not a forked child."""
        return os.getpid() == self.process

    def check_here(self) -> None:
        if not self.here:
            raise self.stopped_error(
                "the stream belongs to the process that has opened it; a forked child must open "
                "its own"
            )

    def ask(self, name: str, otherwise: Any) -> Any:
        """An attribute of the backend, or a substitute if the backend can no longer be queried."""
        if not self.here:
            return otherwise
        question, thread = object(), _thread.get_ident()
        try:
            # No call here, and none in `finally`: Python runs signal handlers only after calls.
            self._asking[question] = thread
            if self.closed:
                return otherwise
            return getattr(self.backend, name)
        except Exception:
            if self.closed:
                return otherwise
            raise
        finally:
            if question in self._asking:
                del self._asking[question]

    @property
    def active(self) -> bool:
        """Whether the device is playing or recording."""
        return not self._is_ending and bool(self.ask("active", False))

    def _is_active(self) -> bool:
        try:
            return bool(self.ask("active", False))
        except Exception:
            # PortAudio itself may have been terminated.
            return False

    def error(
        self,
        outcome: str,
        so_far: str,
        frames: int = 0,
        data: Any = None,
    ) -> Exception:
        """The error for a wait that ended with an outcome other than 'done'."""
        if not threading.main_thread().is_alive() and threading.current_thread().daemon:
            # The device has stopped because the interpreter is exiting. That is not an error of
            # this thread; SystemExit ends it silently.
            raise SystemExit
        # A signal handler may have forked during the wait.
        self.check_here()
        self.report(at_once=True)
        if outcome == "timeout":
            return StreamTimeoutError(f"timeout: {so_far}", frames, data)
        if outcome == "quiet":
            reason = "the device has stopped calling; it may have been disconnected"
        else:
            reason = "it was closed" if self.closed else self.stop_reason
            reason = reason or {
                "underflow": "it stopped on an underflow, as on_underflow='stop' asks",
                "overflow": "it stopped on an overflow, as on_overflow='stop' asks",
            }.get(
                self.callback.finished or "",
                "it has stopped by itself; the device may have been disconnected",
            )
        return self.stopped_error(f"the stream is not running: {reason} ({so_far})", frames, data)

    def start(
        self, finished_callback: Callable[[], object] | None, prepare: Callable[[], object]
    ) -> bool:
        """Start the device; return whether it must be stopped first.

        The preparation is complete before the device makes its first call.
        """
        is_started = is_broken_off = False

        def work() -> bool:
            nonlocal is_started
            # The thread that undoes this may have had its turn first.
            if is_broken_off:
                return False
            if self.closed:
                raise self.stopped_error("the stream is closed")
            if self.backend.active:
                return False
            if not self.backend.stopped:
                return True
            # The watcher may have missed the end of the previous run.
            _tell_end(self._run)
            self._run = [] if finished_callback is None else [finished_callback]
            reason = self.stop_reason
            self.callback.mode = "start"
            self.callback.restart()
            self.stop_reason = ""
            try:
                prepare()
                if self._run:
                    _watch_for_end(self.callback, self._run)
                self.backend.start()
            except BaseException:
                self._run.clear()
                self.stop_reason = reason
                self.callback._finish()
                raise
            is_started = True
            return False

        def undo() -> None:
            if is_started:
                self._end("abort", "its start was interrupted", True)

        try:
            job = self._do(work)
            if job is None:
                raise self.stopped_error("the stream is closed")
            must_stop: bool = job.result
            return must_stop
        except BaseException:
            # Because of Ctrl-C, for example; the device starts nevertheless.
            is_broken_off = True
            if self.here:
                self._begin(undo)
            raise

    def end(self, how: str, reason: str, ignore_errors: bool, drop: bool = False) -> bool:
        """Stop, abort or close the backend; return whether that was possible.

        Optionally drop the frames that a running backend has not played.
        """
        patience, is_gone = math.inf, False
        if self._is_ending or not self.callback._is_finished:
            is_gone = not self._is_ending and not self._is_active()
            patience = self.STOP_TIMEOUT_IF_GONE if is_gone else self.STOP_TIMEOUT
        work = functools.partial(self._end, how, reason, ignore_errors, drop)
        job = self._do(work, patience, is_gone)
        if job is None:
            # The device may still call the callback, whose objects must stay alive.
            self.given_up = self.closed = self.is_over = True
            _given_up.append((self.backend, self.callback))
            self._give_up()
            self.callback._finish()
        return not self.given_up

    def _end(self, how: str, reason: str, ignore_errors: bool, drop: bool = False) -> None:
        if self.closed:
            return
        # Frames written to a stopped stream are played after its next start.
        drop = drop and not self.backend.stopped
        self.stop_reason = reason
        was_ending = self._is_ending
        try:
            self._is_ending = True
            if how == "close":
                self._close(ignore_errors)
            else:
                getattr(self.backend, how)(ignore_errors)
        finally:
            self._is_ending = was_ending
        self.callback._finish()
        if drop and (ring := self.callback.output_ring) is not None:
            # The device was the consumer.
            ring.discard(ring.read_available)

    def _close(self, ignore_errors: bool) -> None:
        self.closed = True
        me = _thread.get_ident()
        if any(thread != me for thread in self._asking.copy().values()):
            self.backend.abort(True)
            self.callback._finish()
            self._is_quiet = True
            while any(thread != me for thread in self._asking.copy().values()):
                time.sleep(0.001)
        try:
            self.backend.close(ignore_errors)
        finally:
            self.is_over = True

    def _do(
        self, work: Callable[[], Any], patience: float = math.inf, is_gone: bool = False
    ) -> _Job | None:
        """Run a function on the device and wait for it; `None` if the device is abandoned."""
        job = self._begin(work, is_gone)
        thread, begin = _thread.get_ident(), time.monotonic()
        while not job.wait(self.LOOK):
            self.check_here()
            if self._turn_of is None and time.monotonic() - begin > self.BEGIN:
                job.run()
            if self.given_up or time.monotonic() - self._turn_since > patience:
                return None
            if self._is_quiet and thread in self._asking.copy().values():
                return job
        error, job.error = job.error, None
        try:
            if error is not None:
                raise error
        except _NoTurnError:
            return None
        finally:
            del error
        return job

    def _begin(self, work: Callable[[], Any], is_gone: bool = False) -> _Job:
        self.check_here()
        job = _Job(functools.partial(self._take_turn, work))
        windows = sys.platform == "win32" and not is_gone
        if windows or sys.is_finalizing() or self._turn_of == _thread.get_ident():
            job.run()
            return job
        try:
            _thread.start_new_thread(job.run, ())
        except RuntimeError:
            # No thread can be started while the interpreter exits.
            job.run()
        return job

    def _take_turn(self, work: Callable[[], Any]) -> Any:
        if not self.here:
            return None
        if sys.is_finalizing():
            # A thread that has its turn would wait forever.
            if not self._turn.acquire(timeout=self.STOP_TIMEOUT_IF_GONE):
                raise _NoTurnError
            self._turn.release()
        with self._turn:
            before = self._turn_of, self._turn_since
            try:
                self._turn_of, self._turn_since = _thread.get_ident(), time.monotonic()
                return work()
            finally:
                self._turn_of, self._turn_since = before

    def abandon(self, name: str) -> None:
        """Close a stream that was garbage-collected while open."""
        if not self.here or self.closed:
            return
        running = not self.callback._is_finished and self._is_active()
        self.end("close", "it was garbage-collected", True)
        if running:
            warnings.warn(
                f"a running {name} was garbage-collected and has been closed: "
                "use a with statement, or call close()",
                ResourceWarning,
                stacklevel=2,
            )
