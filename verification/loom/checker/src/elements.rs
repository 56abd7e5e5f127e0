//! Which elements are touched. They are ordinary memory, of which loom knows nothing; each of them has
//! one of loom's cells, which looks whether all accesses are ordered.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use loom::cell::UnsafeCell;

/// The elements of one ring.
struct Storage {
    start: usize,
    element_size: usize,
    cells: Vec<Rc<UnsafeCell<()>>>,
}

/// How many elements were touched; one that is touched twice counts twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// Elements read.
    pub read: usize,
    /// Elements written.
    pub written: usize,
}

thread_local! {
    static STORAGES: RefCell<Vec<Storage>> = const { RefCell::new(Vec::new()) };
    static TOUCHED: Cell<Touched> = const { Cell::new(Touched { read: 0, written: 0 }) };
}

pub(crate) fn forget() {
    STORAGES.take();
    TOUCHED.take();
}

/// Says that elements are there.
pub fn watch(start: *const u8, element_size: usize, count: usize) {
    let storage = Storage {
        start: start.addr(),
        element_size,
        cells: (0..count).map(|_| Rc::new(UnsafeCell::new(()))).collect(),
    };
    STORAGES.with_borrow_mut(|storages| storages.push(storage));
}

/// How many elements were touched in this execution.
pub fn touched() -> Touched {
    TOUCHED.get()
}

/// Says that `count` values from an address on are going to be read. What is no element is ignored.
#[track_caller]
pub fn reading<T>(from: *const T, count: usize) {
    let cells = cells(from.addr(), count * size_of::<T>());
    let before = touched();
    TOUCHED.set(Touched {
        read: before.read + cells.len(),
        ..before
    });
    for cell in cells {
        cell.with(|_| ());
    }
}

/// Says that `count` values from an address on are going to be written. What is no element is ignored.
#[track_caller]
pub fn writing<T>(to: *const T, count: usize) {
    let cells = cells(to.addr(), count * size_of::<T>());
    let before = touched();
    TOUCHED.set(Touched {
        written: before.written + cells.len(),
        ..before
    });
    for cell in cells {
        cell.with_mut(|_| ());
    }
}

/// Reads a value, and says so.
///
/// # Safety
///
/// As for [`core::ptr::read`].
#[track_caller]
pub unsafe fn read<T>(from: *const T) -> T {
    reading(from, 1);
    // SAFETY: the caller's promises are the same.
    unsafe { from.read() }
}

/// Writes a value, and says so.
///
/// # Safety
///
/// As for [`core::ptr::write`].
#[track_caller]
pub unsafe fn write<T>(to: *mut T, value: T) {
    writing(to, 1);
    // SAFETY: the caller's promises are the same.
    unsafe { to.write(value) }
}

/// The cells of all elements of which at least one byte is in a region of memory.
fn cells(start: usize, bytes: usize) -> Vec<Rc<UnsafeCell<()>>> {
    let overlaps = |storage: &Storage, index: usize| {
        let element = storage.start + index * storage.element_size;
        element < start + bytes && start < element + storage.element_size
    };
    STORAGES.with_borrow(|storages| {
        let all = storages.iter().flat_map(|s| {
            s.cells
                .iter()
                .enumerate()
                .map(move |(i, cell)| (s, i, cell))
        });
        all.filter(|(storage, index, _)| overlaps(storage, *index))
            .map(|(_, _, cell)| cell.clone())
            .collect()
    })
}
