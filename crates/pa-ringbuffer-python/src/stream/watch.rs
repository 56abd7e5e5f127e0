//! Waiting for rings on behalf of event loops, which must not block.
//!
//! One thread checks all awaited rings, as [`poll`](crate::stream::wait::poll) does for one, and
//! sleeps while no ring is awaited. It is attached to Python, but needs it only to report the end of
//! a wait.

use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use pa_ringbuffer::PaUtilRingBuffer;
use pyo3::exceptions::PyMemoryError;
use pyo3::prelude::*;

use crate::arguments::seconds;
use crate::error;
use crate::object;
use crate::ring::RingBuffer;
use crate::ring::memory::Keeper;
use crate::ring::method::integer;
use crate::side::{self, Side};
use crate::stream::callback::StreamCallback;
use crate::stream::wait::{self, Outcome, Watchdog, interval_after};

/// A wait in progress.
struct Watch {
    key: u64,
    /// The ring, or null if only the end of the stream is awaited.
    ring: *const PaUtilRingBuffer,
    side: Side,
    size: usize,
    begin: Instant,
    end: Option<Instant>,
    /// Borrows from `stream`, which is kept.
    watchdog: Option<Watchdog<'static>>,
    /// Called with the outcome.
    done: Py<PyAny>,
    /// The owner of the ring's memory, and the stream's state.
    _kept: (Keeper, Option<Py<StreamCallback>>),
}

// SAFETY: the pointer is to a ring whose owner is kept; any thread may read its indices.
unsafe impl Send for Watch {}

impl Watch {
    fn outcome(&mut self, now: Instant) -> Option<Outcome> {
        let is_over = if self.ring.is_null() {
            Watchdog::is_finished
        } else {
            Watchdog::is_over
        };
        let over = self.watchdog.as_ref().is_some_and(is_over);
        // SAFETY: null, or a ring whose owner is kept.
        let ring = unsafe { self.ring.as_ref() };
        if ring.is_some_and(|ring| ring.available(self.side) >= self.size) {
            Some(Outcome::Done)
        } else if over {
            Some(Outcome::Finished)
        } else if self.end.is_some_and(|end| end <= now) {
            Some(Outcome::Timeout)
        } else if self.watchdog.as_mut().is_some_and(Watchdog::is_quiet) {
            Some(Outcome::Quiet)
        } else {
            None
        }
    }
}

#[derive(Default)]
struct Watches {
    list: Vec<Watch>,
    thread: Option<JoinHandle<()>>,
    quit: bool,
}

impl Watches {
    /// Removes the waits that have ended.
    fn take_over(&mut self) -> Vec<(Watch, Outcome)> {
        let now = Instant::now();
        let mut over = Vec::new();
        let mut position = 0;
        while position < self.list.len() {
            match self.list[position].outcome(now) {
                Some(outcome) => over.push((self.list.swap_remove(position), outcome)),
                None => position += 1,
            }
        }
        over
    }

    /// Interval until the next check: that of the most urgent wait.
    fn interval(&self) -> Duration {
        let now = Instant::now();
        let newest = self.list.iter().map(|watch| watch.begin).max();
        interval_after(newest.map_or(Duration::ZERO, |begin| now - begin))
    }
}

/// The watches of one process and their thread.
struct Watcher {
    process: u32,
    watches: Mutex<Watches>,
    added: Condvar,
}

/// The current process's watcher, or null. A forked child finds its parent's watcher, whose thread
/// it does not have and whose lock may be held forever; it leaves that one alone and makes a new
/// one.
static WATCHER: AtomicPtr<Watcher> = AtomicPtr::new(std::ptr::null_mut());

static NEXT_KEY: AtomicU64 = AtomicU64::new(1);

fn present() -> Option<&'static Watcher> {
    // SAFETY: null, or leaked by `watcher`.
    let watcher = unsafe { WATCHER.load(Ordering::Acquire).as_ref() };
    watcher.filter(|watcher| watcher.process == std::process::id())
}

fn watcher() -> &'static Watcher {
    loop {
        if let Some(watcher) = present() {
            return watcher;
        }
        let old = WATCHER.load(Ordering::Acquire);
        // SAFETY: as in `present`.
        if unsafe { old.as_ref() }.is_some_and(|old| old.process == std::process::id()) {
            continue;
        }
        let new = Box::into_raw(Box::new(Watcher {
            process: std::process::id(),
            watches: Mutex::default(),
            added: Condvar::new(),
        }));
        if WATCHER
            .compare_exchange(old, new, Ordering::AcqRel, Ordering::Acquire)
            .is_err()
        {
            // SAFETY: made above, and not visible to any other code.
            drop(unsafe { Box::from_raw(new) });
        }
    }
}

impl Watcher {
    fn lock(&self) -> MutexGuard<'_, Watches> {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&'static self, watch: Watch) -> PyResult<()> {
        let mut watches = self.lock();
        if watches.quit {
            drop(watches);
            return Err(error::runtime_error(
                "nothing can be awaited any more: the interpreter is shutting down",
            ));
        }
        if watches.thread.is_none() {
            let thread = thread::Builder::new()
                .name("ring watcher".into())
                .spawn(|| self.work());
            match thread {
                Ok(thread) => watches.thread = Some(thread),
                Err(error) => {
                    drop(watches);
                    return Err(error::runtime_error(format_args!(
                        "no thread to watch the ring: {error}"
                    )));
                }
            }
        }
        watches.list.push(watch);
        self.added.notify_one();
        Ok(())
    }

    fn work(&self) {
        // Attached permanently: attaching takes memory for the thread's state, and without memory,
        // Python ends the process.
        Python::try_attach(|py| while self.look(py) {});
    }

    /// Waits for rings to check, checks them, reports the waits that have ended, and pauses.
    /// Returns whether there is more to do.
    fn look(&self, py: Python<'_>) -> bool {
        let (over, pause, last) = py.detach(|| {
            let mut watches = self.lock();
            while watches.list.is_empty() && !watches.quit {
                watches = self
                    .added
                    .wait(watches)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            (watches.take_over(), watches.interval(), watches.quit)
        });
        let mut again = Vec::new();
        for (watch, outcome) in over {
            let done = watch.done.bind(py);
            let told = object::text(py, outcome.name()).and_then(|name| object::call(done, [name]));
            match told {
                Ok(_) => (),
                // The waiting task would wait forever. Memory may become available later.
                Err(error) if error.is_instance_of::<PyMemoryError>(py) => again.push(watch),
                Err(error) => error.write_unraisable(py, Some(done)),
            }
        }
        if last {
            return false;
        }
        py.detach(|| {
            let mut watches = self.lock();
            watches.list.append(&mut again);
            if !watches.list.is_empty() && !watches.quit {
                // A new wait does not have to wait for the end of the pause.
                drop(self.added.wait_timeout(watches, pause));
            }
        });
        true
    }
}

/// What `watch()` returns: a number or a string.
pub(crate) enum KeyOrOutcome {
    Key(u64),
    Outcome(&'static str),
}

impl<'py> IntoPyObject<'py> for KeyOrOutcome {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        match self {
            Self::Key(key) => object::wide(py, key),
            Self::Outcome(name) => object::text(py, name),
        }
    }
}

/// Calls ``done(outcome)`` on another thread when a ring has *size* elements for the consumer, or
/// room for them for the producer, or when this can no longer happen. Without a ring, only the end
/// of the stream matters. Returns a key for `unwatch()`, or the outcome if there is nothing to wait
/// for; in that case it calls nothing.
#[pyfunction]
#[pyo3(signature = (ring, side, size, timeout, stream, done))]
pub(crate) fn watch(
    py: Python<'_>,
    ring: Option<&Bound<'_, RingBuffer>>,
    side: &str,
    size: &Bound<'_, PyAny>,
    timeout: Option<&Bound<'_, PyAny>>,
    stream: Option<Py<StreamCallback>>,
    done: Py<PyAny>,
) -> PyResult<KeyOrOutcome> {
    let size = integer(size.as_borrowed(), "size")?;
    size.required("size")?;
    let deadline = seconds::deadline(timeout)?;
    let side = side::named(side)?;
    let size = match ring {
        Some(ring) => wait::checked_size(size, RingBuffer::capacity(ring)?)?,
        None => 0,
    };
    add(py, ring, side, size, deadline, stream, done)
}

/// The same, for checked arguments.
pub(crate) fn add(
    py: Python<'_>,
    ring: Option<&Bound<'_, RingBuffer>>,
    side: Side,
    size: usize,
    end: Option<Instant>,
    stream: Option<Py<StreamCallback>>,
    done: Py<PyAny>,
) -> PyResult<KeyOrOutcome> {
    let (pointer, size, keeper) = match ring {
        Some(ring) => {
            let (address, keeper) = RingBuffer::pin(ring)?;
            (std::ptr::with_exposed_provenance(address), size, keeper)
        }
        None => (std::ptr::null(), 0, Keeper::nothing(py)),
    };
    let watchdog = stream.as_ref().map(|stream| {
        // SAFETY: the state lives as long as `stream`, which is kept next to the watchdog.
        Watchdog::new(unsafe { &*stream.get().state().cast_const() })
    });
    let key = NEXT_KEY.fetch_add(1, Ordering::Relaxed);
    let mut watch = Watch {
        key,
        ring: pointer,
        side,
        size,
        begin: Instant::now(),
        end,
        watchdog,
        done,
        _kept: (keeper, stream),
    };
    if let Some(outcome) = watch.outcome(Instant::now()) {
        return Ok(KeyOrOutcome::Outcome(outcome.name()));
    }
    watcher().add(watch)?;
    Ok(KeyOrOutcome::Key(key))
}

/// Forgets a watch; does nothing if it has ended.
#[pyfunction]
pub(crate) fn unwatch(key: u64) {
    let Some(watcher) = present() else { return };
    let mut watches = watcher.lock();
    let found = watches.list.iter().position(|watch| watch.key == key);
    let watch = found.map(|position| watches.list.swap_remove(position));
    drop(watches);
    // Outside of the lock, where Python code may run.
    drop(watch);
}

/// Ends the thread before the interpreter exits. It still reports waits that have ended by then.
pub(crate) fn quit(py: Python<'_>, may_detach: bool) {
    let Some(watcher) = present() else { return };
    let thread = {
        let mut watches = watcher.lock();
        watches.quit = true;
        watches.thread.take()
    };
    watcher.added.notify_one();
    // Otherwise the thread, which has to attach for its end, would wait for this one.
    if may_detach {
        py.detach(|| thread.map(JoinHandle::join));
    }
    let rest = std::mem::take(&mut watcher.lock().list);
    drop(rest);
}
