//! Where orderings are used, and which of them is weakened.

use core::sync::atomic::Ordering;
use std::cell::RefCell;
use std::fmt;
use std::panic::Location;

use crate::world;

/// What an ordering is given to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// A load.
    Load,
    /// A store.
    Store,
    /// A change that depends on nothing, such as `fetch_or`.
    Change,
    /// A comparison that found what it wanted.
    Success,
    /// A comparison that did not.
    Failure,
    /// A fence.
    Fence,
}

/// One ordering in the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    /// The file's path, as the compiler was given it.
    pub path: &'static str,
    /// The line.
    pub line: u32,
    /// What the ordering is given to.
    pub part: Part,
    /// The ordering, which is not relaxed.
    pub ordering: Ordering,
    /// What is accessed there, if it has a name; two names are two sites.
    pub name: &'static str,
    column: u32,
}

thread_local! {
    /// All that there were, and whether they are the weakened one.
    static SITES: RefCell<Vec<(Site, bool)>> = const { RefCell::new(Vec::new()) };
    static WEAK: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// The orderings that were used so far on this thread of the system.
pub fn sites() -> Vec<Site> {
    SITES.with_borrow(|sites| sites.iter().map(|(site, _)| *site).collect())
}

/// From now on, an ordering is taken for a relaxed one, and a fence for none: that of the site which is
/// written like this.
pub fn weaken(site: String) {
    WEAK.set(Some(site));
}

/// The ordering that is to be used in place of one in the source.
#[track_caller]
pub(crate) fn effective(part: Part, ordering: Ordering, address: usize) -> Ordering {
    if ordering == Ordering::Relaxed || !world::is_running() {
        return ordering;
    }
    let location = Location::caller();
    let site = Site {
        path: location.file(),
        line: location.line(),
        part,
        ordering,
        name: world::name_of(address),
        column: location.column(),
    };
    let (_, is_weak) = SITES.with_borrow_mut(|sites| {
        let known = sites.iter().find(|(known, _)| *known == site);
        known.copied().unwrap_or_else(|| {
            let weak = WEAK.with_borrow(|weak| weak.as_ref() == Some(&site.to_string()));
            sites.push((site, weak));
            (site, weak)
        })
    });
    if is_weak { Ordering::Relaxed } else { ordering }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = match self.part {
            Part::Load => "load",
            Part::Store => "store",
            Part::Change => "change",
            Part::Success => "exchange, done",
            Part::Failure => "exchange, refused",
            Part::Fence => "fence",
        };
        let of = if self.name.is_empty() { "" } else { " of " };
        write!(
            f,
            "{}:{}:{} {part}{of}{} ({:?})",
            self.path, self.line, self.column, self.name, self.ordering
        )
    }
}
