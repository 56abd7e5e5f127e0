"""The device under a stream, and what may become of it."""

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

if TYPE_CHECKING:
    from .. import StreamCallback
    from .stats import LossReport


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


class Device(Protocol):
    """Opens streams of one kind of device."""

    def open(self, kind: str, callback: StreamCallback, **parameters: Any) -> Backend:
        """Open a stream for ``'input'``, ``'output'`` or ``'duplex'``, which is not started yet."""

    @property
    def flags(self) -> Any:
        """Has this device's ``CallbackFlags``, ``CallbackStop``, ``CallbackAbort`` and
        ``PortAudioError``.
        """

    @property
    def stopped_error(self) -> type[StreamStoppedError]:
        """Raised where a stream does not run."""

    def give_up(self) -> None:
        """A device does not answer: keep others from waiting for it at exit."""


#: Backends that were given up, with what their callbacks may still be using.
_given_up: list[tuple[Backend, StreamCallback]] = []


def _tell_end(run: list[Callable[[], object]]) -> None:
    """Call the finished callback of a run of the device, on a thread of its own, once."""
    try:
        finished_callback = run.pop()
    except IndexError:
        return
    thread = threading.Thread(target=finished_callback, name="finished callback")
    try:
        thread.start()
    except RuntimeError:
        # There are no new threads while the interpreter exits.
        finished_callback()
        return
    if not threading.main_thread().is_alive():
        # The interpreter does not wait for this thread either.
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
            # The interpreter exits before the device has stopped.
            return
    _tell_end(run)


class _NoTurnError(Exception):
    """Another thread has its turn, and will not end it."""


class _Job:
    """One call of the device, which a thread makes and another one waits for."""

    def __init__(self, work: Callable[[], Any]) -> None:
        #: Taken out by the thread that does it.
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
      can stop a stream even if it has interrupted a stop: both wait for different threads. A device
      that does not answer can be given up; PortAudio waits for ever for one that is gone.
    - Asking the device takes no lock. Open questions are noted, and a device is freed when none is
      left. A handler that closes the stream may have interrupted a question of its own thread:
      then it only waits until the device has stopped.
    - A forked child has none of these threads. Every method first checks whether it is `here`, and
      checks again while it waits.

    On Windows, drivers may insist on the thread that they know, and an interpreter that exits may
    start no threads: there, these calls run on the caller's thread.
    """

    #: Seconds after which a device that does not stop is given up; less if it is known to have
    #: stopped by itself without telling the callback, as PortAudio does for devices that are gone.
    STOP_TIMEOUT = 5.0
    STOP_TIMEOUT_IF_GONE = 1.0

    #: Seconds between two looks at what may have happened to a wait meanwhile: a fork, for example.
    LOOK = 0.05

    #: Seconds after which a thread that has not begun, while none has its turn, is taken for dead.
    #: Python's threads die without a word if there is no memory for their first frame.
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
        #: How many losses there were when the rings were compared with the device's blocks.
        self._checked_losses = 0
        self.process = os.getpid()
        #: Whether the backend is being closed, or was: it is not used any more.
        self.closed = False
        #: Whether there is nothing left to close.
        self.is_over = False
        self.given_up = False
        #: Why it is meant not to run; empty if it is meant to.
        self.stop_reason = "call start() first"
        self._give_up = device.give_up
        self.stopped_error = device.stopped_error
        self._turn = threading.RLock()
        #: Who has its turn, and since when.
        self._turn_of: int | None = None
        self._turn_since = math.inf
        #: Whether the device is just being stopped or closed.
        self._is_ending = False
        #: Whether the device has stopped and is only left to be freed.
        self._is_quiet = False
        #: Open questions and their threads.
        self._asking: dict[object, int] = {}
        #: The finished callback, until it is called.
        self._run: list[Callable[[], object]] = []

    def report(self, at_once: bool = False) -> None:
        """Tell what was lost."""
        self._loss_report(at_once)
        losses = self.callback._losses
        if losses != self._checked_losses and not at_once:
            self._checked_losses = losses
            self._check_rings()

    def _check_rings(self) -> None:
        """Some devices only show while they run how large their blocks are."""
        rings = (self.callback.input_ring, self.callback.output_ring)
        size = min(len(ring) for ring in rings if ring is not None)
        block = self.callback.counters["largest_block"]
        if block > size:
            raise ValueError(
                f"the device's blocks have up to {block} frames, but the ring holds only {size}, "
                f"so each of these blocks loses frames: use ring_frames={block} or more"
            )

    @property
    def here(self) -> bool:
        """Whether this is the process that has opened it, and not a forked child."""
        return os.getpid() == self.process

    def check_here(self) -> None:
        if not self.here:
            raise self.stopped_error(
                "the stream belongs to the process that has opened it; a forked child must open "
                "its own"
            )

    def ask(self, name: str, otherwise: Any) -> Any:
        """An attribute of the backend, or something else if there is none to ask any more."""
        if not self.here:
            return otherwise
        question, thread = object(), _thread.get_ident()
        try:
            # Not a call, and there is none in `finally`: signal handlers only run after calls.
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
        """Whether the device plays or records."""
        return not self._is_ending and bool(self.ask("active", False))

    def _is_active(self) -> bool:
        try:
            return bool(self.ask("active", False))
        except Exception:
            # PortAudio itself may be gone by now.
            return False

    def error(
        self,
        outcome: str,
        so_far: str,
        frames: int = 0,
        data: Any = None,
    ) -> Exception:
        """The error for a wait that has ended with an outcome which is not 'done'."""
        if not threading.main_thread().is_alive() and threading.current_thread().daemon:
            # The device was stopped because the interpreter exits. That is no error of this thread;
            # this ends it silently.
            raise SystemExit
        # A signal handler may have forked in the middle of the wait.
        self.check_here()
        self.report(at_once=True)
        if outcome == "timeout":
            return StreamTimeoutError(f"timeout: {so_far}", frames, data)
        if outcome == "quiet":
            reason = "the device has stopped calling; it may have been disconnected"
        else:
            reason = self.stop_reason or {
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
        """Start the device; return whether it has to be stopped before.

        What is to be prepared is so before the device calls.
        """
        is_started = is_broken_off = False

        def work() -> bool:
            nonlocal is_started
            # The thread that undoes it may have had its turn before.
            if is_broken_off:
                return False
            if self.closed:
                raise self.stopped_error("the stream is closed")
            if self.backend.active:
                return False
            if not self.backend.stopped:
                return True
            # The watcher may not have seen the end of the run before.
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
            # By Ctrl-C, perhaps, and the device starts nevertheless.
            is_broken_off = True
            if self.here:
                self._begin(undo)
            raise

    def end(self, how: str, reason: str, ignore_errors: bool, drop: bool = False) -> bool:
        """Stop, abort or close the backend; return whether it could be.

        If it was running, what it has not played can be dropped.
        """
        patience, is_gone = math.inf, False
        if self._is_ending or not self.callback._is_finished:
            is_gone = not self._is_ending and not self._is_active()
            patience = self.STOP_TIMEOUT_IF_GONE if is_gone else self.STOP_TIMEOUT
        work = functools.partial(self._end, how, reason, ignore_errors, drop)
        job = self._do(work, patience, is_gone)
        if job is None:
            # The callback may still be called, and what it uses must stay.
            self.given_up = self.closed = self.is_over = True
            _given_up.append((self.backend, self.callback))
            self._give_up()
            self.callback._finish()
        return not self.given_up

    def _end(self, how: str, reason: str, ignore_errors: bool, drop: bool = False) -> None:
        if self.closed:
            return
        # What is written to a stream that is stopped is to be played after its next start.
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
        """Have something done to the device, and wait for it; `None` if the device is given up."""
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
            # There are no new threads while the interpreter exits.
            job.run()
        return job

    def _take_turn(self, work: Callable[[], Any]) -> Any:
        if not self.here:
            return None
        if sys.is_finalizing():
            # A thread that has its turn would never go on.
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
        """Close what a stream that is collected as garbage has left open."""
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
