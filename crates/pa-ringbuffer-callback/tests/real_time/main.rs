//! What says "Real-time safe." is run where the first allocation, system call or panic ends the
//! process; and nothing that says so is left out.
//!
//! The functions run in copies of this process, one for each case. The callback runs nowhere else
//! here: so it is called for the first time ever, and whatever it prepared lazily would be seen.
//! `strace -f` tells which system call it was.
//!
//! The same for the C library is in `tests/c/real_time.c`.

// Only Linux can forbid a process to call the system, and Miri has no processes.
#![cfg(all(target_os = "linux", not(miri)))]

mod callback;
mod controls;
mod device;
mod guard;
mod handles;
mod memory;
mod raw;
mod sources;

use guard::Outcome;

/// Functions, and what runs them.
type Case = (&'static [&'static str], fn() -> Outcome);

fn cases() -> impl Iterator<Item = Case> {
    [raw::CASES, handles::CASES, callback::CASES, device::CASES]
        .into_iter()
        .flatten()
        .copied()
}

/// Whether something is there that a test needs. Where everything must be there, it fails instead.
fn require(there: bool, what: &str) -> bool {
    if !there {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{what}");
        eprintln!("skipped: {what}");
    }
    there
}

#[test]
fn what_says_real_time_safe_never_allocates_panics_or_calls_the_system() {
    if !guard::is_possible() {
        return;
    }
    let failures: Vec<_> = cases()
        .map(|(functions, run)| (functions, run()))
        .filter(|(_, outcome)| *outcome != Outcome::Passed)
        .collect();
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn everything_that_says_real_time_safe_is_run() {
    let Some(documented) = sources::documented() else {
        return;
    };
    let run: Vec<_> = cases().flat_map(|(functions, _)| functions).collect();
    let forgotten: Vec<_> = (documented.iter())
        .filter(|name| !run.contains(&&name.as_str()))
        .collect();
    assert!(forgotten.is_empty(), "{forgotten:?} have to be run, too");
    let unknown: Vec<_> = (run.iter())
        .filter(|name| !documented.iter().any(|known| known == **name))
        .collect();
    assert!(
        unknown.is_empty(),
        "{unknown:?} promise nothing, or are gone"
    );
}
