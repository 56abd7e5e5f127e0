//! Does the same to many things on all processors.

use std::sync::Mutex;
use std::thread;

/// The results are in the order of the things.
pub(crate) fn map<T: Send, R: Send>(things: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let queue = Mutex::new(things.into_iter().enumerate());
    let results = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let next = queue
                        .lock()
                        .expect("no thread panics while holding it")
                        .next();
                    let Some((number, thing)) = next else { break };
                    let result = work(thing);
                    let mut results = results.lock().expect("no thread panics while holding it");
                    results.push((number, result));
                }
            });
        }
    });
    let mut results = results
        .into_inner()
        .expect("no thread panicked while holding it");
    results.sort_by_key(|(number, _)| *number);
    results.into_iter().map(|(_, result)| result).collect()
}
