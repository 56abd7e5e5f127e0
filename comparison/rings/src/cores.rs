//! Where the threads run.

use core_affinity::{CoreId, get_core_ids, set_for_current};

/// Two cores, or one where there is only one.
#[derive(Clone, Debug)]
pub struct Cores(Vec<CoreId>);

impl Cores {
    /// The first core that this process may use, and the first one that is another piece of
    /// hardware.
    pub fn find() -> Self {
        let all = get_core_ids().unwrap_or_default();
        let mut chosen: Vec<_> = all.first().copied().into_iter().collect();
        if let Some(first) = all.first() {
            let siblings = siblings(*first);
            chosen.extend(all.iter().find(|core| !siblings.contains(&core.id)));
        }
        Self(chosen)
    }

    /// Their numbers.
    pub fn numbers(&self) -> Vec<usize> {
        self.0.iter().map(|core| core.id).collect()
    }

    /// Whether two threads can run at once.
    pub fn are_two(&self) -> bool {
        self.0.len() == 2
    }

    /// Keeps the calling thread on one of them. Where the system does not do that, it stays where
    /// the system puts it.
    pub fn pin(&self, thread: usize) {
        if let Some(core) = self.0.get(thread) {
            set_for_current(*core);
        }
    }
}

/// The cores that are the same piece of hardware as this one, it included.
fn siblings(core: CoreId) -> Vec<usize> {
    let path = format!(
        "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list",
        core.id
    );
    let list = std::fs::read_to_string(path).unwrap_or_default();
    let mut found = vec![core.id];
    // As in "0,64" or "0-1".
    for part in list.trim().split(',') {
        let mut ends = part.split('-').filter_map(|end| end.parse::<usize>().ok());
        if let Some(first) = ends.next() {
            found.extend(first..=ends.next().unwrap_or(first));
        }
    }
    found
}
