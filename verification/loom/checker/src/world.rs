//! What one execution of a model consists of. loom runs all threads of an execution on one thread of
//! the system, one at a time; so this is thread-local, and models can be checked in parallel.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::panic::Location;
use std::rc::Rc;

use loom::sync::atomic::{AtomicU64, Ordering};

use crate::elements;
use crate::futex;

/// What an access to an atomic means.
#[derive(Clone, Copy, PartialEq)]
enum Phase {
    /// There is one thread, and it prepares the model.
    SetUp,
    /// There is one thread, and what it touches now is what all of them will use.
    Sharing,
    /// There may be several threads.
    Running,
}

/// What threads do to an atomic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// They store to it.
    Store,
    /// They read and write it in one go, and may store to it.
    Exchange,
}

/// What threads do to which atomics. These are numbered in the order in which they were shared, which
/// is the same in all executions of a model.
pub type Changes = BTreeMap<usize, Change>;

/// What loom knows of an atomic.
///
/// Two things that loom (0.7.2) does not know are made up for here; see `touch` and `store`. For both,
/// it must be known in advance what will happen to the atomic.
pub(crate) struct Shadow {
    number: usize,
    pub(crate) value: AtomicU64,
    expected: Option<Change>,
    marker: AtomicU64,
}

impl Shadow {
    fn new(number: usize, value: u64) -> Self {
        Self {
            number,
            value: AtomicU64::new(value),
            expected: EXPECTED.with_borrow(|expected| expected.get(&number).copied()),
            marker: AtomicU64::new(0),
        }
    }

    /// Shows loom that the order of this access and of those of other threads matters.
    ///
    /// To find out which orders it has to try, loom compares an access with the last one to the same
    /// atomic only (`last_access` in its `rt/atomic.rs`). So a thread that loads its own index before
    /// it stores to it hides the other thread's load, and loom never tries the store before that:
    /// many models then have one execution. Stores to another atomic, which no thread loads and which
    /// therefore order nothing for the model, do not hide each other.
    pub(crate) fn touch(&self) {
        if self.expected.is_some() {
            self.marker.store(0, Ordering::Relaxed);
        }
    }

    /// Stores a value.
    ///
    /// loom takes a store that comes after another thread's exchange for one that may be overwritten
    /// by it. It cannot be: an exchange comes immediately after what it has read. As an exchange, the
    /// store is ordered, too. What this adds to a store is that it continues a release sequence.
    pub(crate) fn store(&self, value: u64, ordering: Ordering) {
        self.change(Change::Store);
        if self.expected == Some(Change::Exchange) {
            self.value.swap(value, ordering);
        } else {
            self.value.store(value, ordering);
        }
    }

    /// Notes what is done to this atomic.
    pub(crate) fn change(&self, change: Change) {
        CHANGES.with_borrow_mut(|changes| {
            let most = changes.entry(self.number).or_insert(change);
            *most = change.max(*most);
        });
    }
}

/// What threads have done so far, on this thread of the system.
pub fn changes() -> Changes {
    CHANGES.with_borrow(Clone::clone)
}

/// Says what threads will do, before a model is checked. Only if they did nothing else, in the end,
/// was it checked completely.
pub fn expect_changes(changes: Changes) {
    EXPECTED.set(changes);
}

thread_local! {
    static PHASE: Cell<Phase> = const { Cell::new(Phase::SetUp) };
    /// loom's atomics, by the address of that which they stand for.
    static SHADOWS: RefCell<HashMap<usize, Rc<Shadow>>> = RefCell::default();
    /// These two outlive an execution.
    static CHANGES: RefCell<Changes> = RefCell::default();
    static EXPECTED: RefCell<Changes> = RefCell::default();
    static NAMES: RefCell<HashMap<usize, &'static str>> = RefCell::default();
}

/// Begins an execution: forgets the one before.
pub fn begin() {
    PHASE.set(Phase::SetUp);
    SHADOWS.take();
    NAMES.take();
    elements::forget();
    futex::begin();
}

/// Says that threads are going to use these values: all atomics that show up when the values are
/// printed. Every later access must be to one of them.
///
/// loom takes making an atomic for a store of its first value. If a thread could do that on its first
/// access, other threads would synchronise with it, and that would hide mistakes.
pub fn share(values: &[&dyn Debug]) {
    PHASE.set(Phase::Sharing);
    for value in values {
        let _ = format!("{value:?}");
    }
    PHASE.set(Phase::Running);
}

/// Names an atomic, to tell apart what one place in the source does to several of them.
pub fn name(address: usize, name: &'static str) {
    NAMES.with_borrow_mut(|names| names.insert(address, name));
}

pub(crate) fn name_of(address: usize) -> &'static str {
    NAMES.with_borrow(|names| names.get(&address).copied().unwrap_or_default())
}

/// What the kernel finds in a shared word.
pub(crate) fn value(address: usize) -> u64 {
    let shadow = SHADOWS.with_borrow(|shadows| shadows.get(&address).cloned());
    let shadow = shadow.expect("the word was shared");
    shadow.touch();
    shadow.value.load(Ordering::Relaxed)
}

/// Whether what happens now is part of what is checked.
pub(crate) fn is_running() -> bool {
    PHASE.get() == Phase::Running
}

/// loom's atomic that stands for the one at an address, or `None` while there are no threads.
#[track_caller]
pub(crate) fn shadow(address: usize, value: impl FnOnce() -> u64) -> Option<Rc<Shadow>> {
    match PHASE.get() {
        Phase::SetUp => None,
        Phase::Sharing => Some(SHADOWS.with_borrow_mut(|shadows| {
            let number = shadows.len();
            let shadow = shadows.entry(address);
            shadow
                .or_insert_with(|| Rc::new(Shadow::new(number, value())))
                .clone()
        })),
        Phase::Running => {
            let location = Location::caller();
            // Cloned, because another thread may go on while this one is in the middle of its access.
            let shadow = SHADOWS.with_borrow(|shadows| shadows.get(&address).cloned());
            Some(shadow.unwrap_or_else(|| panic!("an atomic was not shared: {location}")))
        }
    }
}
