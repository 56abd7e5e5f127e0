//! Sleeping on a word until another thread wakes, as an operating system has it, without spurious
//! ends and without timeouts: a wake-up that is lost is a deadlock, which loom reports.
//!
//! As in the kernel, a lock makes the comparison of the word and falling asleep one step for
//! the thread that wakes, and orders what threads do before and after.

use core::time::Duration;
use std::cell::RefCell;
use std::rc::Rc;

use loom::sync::{Condvar, Mutex};

use crate::atomic::AtomicU32;
use crate::world;

struct Sleepers {
    /// The words on which threads sleep.
    words: Mutex<Vec<usize>>,
    woken: Condvar,
}

thread_local! {
    static SLEEPERS: RefCell<Option<Rc<Sleepers>>> = RefCell::default();
}

/// Begins an execution that may use it.
pub(crate) fn begin() {
    SLEEPERS.set(Some(Rc::new(Sleepers {
        words: Mutex::new(Vec::new()),
        woken: Condvar::new(),
    })));
}

fn sleepers() -> Rc<Sleepers> {
    SLEEPERS.with_borrow(|sleepers| sleepers.clone().expect("an execution has begun"))
}

/// Whether threads can sleep.
pub fn futex_is_there() -> bool {
    true
}

/// Sleeps until it is woken, if the word has the expected value.
pub fn futex_wait(word: &AtomicU32, expected: u32, _timeout: Duration) {
    let (sleepers, address) = (sleepers(), word.address());
    let mut words = sleepers.words.lock().expect("nothing failed");
    if world::value(address) != u64::from(expected) {
        return;
    }
    words.push(address);
    while words.contains(&address) {
        words = sleepers.woken.wait(words).expect("nothing failed");
    }
}

/// Wakes the thread that sleeps on the word, if there is one.
pub fn futex_wake(word: &AtomicU32) {
    let (sleepers, address) = (sleepers(), word.address());
    let mut words = sleepers.words.lock().expect("nothing failed");
    if let Some(position) = words.iter().position(|known| *known == address) {
        words.remove(position);
        sleepers.woken.notify_all();
    }
}
