//! The clock.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::chance::chance;
use crate::contestants::{Contestant, contestants};
use crate::cores::Cores;
use crate::element::Element;
use crate::job::Jobs;
use crate::workload::{Mode, Workload};

/// How long one measurement should take.
const LONG: Duration = Duration::from_millis(7);

/// Long enough to tell from it how many blocks take [`LONG`].
const CALIBRATION: Duration = Duration::from_millis(1);

/// One contestant's nanoseconds.
#[derive(Debug)]
pub struct Row {
    /// The contestant.
    pub name: &'static str,
    /// Per block written and read (one thread), per element (two threads), per round trip.
    pub nanoseconds: Vec<f64>,
}

/// Measures all contestants for which `wanted` is true, in turns.
///
/// # Panics
///
/// If there is no [`Element`] of the workload's size.
pub fn measure(
    mode: Mode,
    workload: Workload,
    rounds: usize,
    wanted: impl Fn(&str) -> bool,
    cores: &Cores,
) -> Vec<Row> {
    match workload.bytes {
        3 => measure_elements::<[u8; 3]>(mode, workload, rounds, wanted, cores),
        4 => measure_elements::<u32>(mode, workload, rounds, wanted, cores),
        8 => measure_elements::<u64>(mode, workload, rounds, wanted, cores),
        24 => measure_elements::<[u64; 3]>(mode, workload, rounds, wanted, cores),
        bytes => panic!("there are no elements of {bytes} bytes"),
    }
}

fn measure_elements<T: Element>(
    mode: Mode,
    workload: Workload,
    rounds: usize,
    wanted: impl Fn(&str) -> bool,
    cores: &Cores,
) -> Vec<Row> {
    let mut entrants: Vec<_> = contestants::<T>()
        .into_iter()
        .filter(|contestant| wanted(contestant.name))
        .map(|contestant| Entrant::new(contestant, mode, workload, cores))
        .collect();
    let per = match mode {
        Mode::Single | Mode::RoundTrip => 1,
        Mode::TwoThreads => workload.n,
    };
    for _ in 0..rounds {
        for entrant in &mut entrants {
            let time = entrant.run(mode, workload, cores);
            let blocks = (entrant.count * per) as f64;
            entrant
                .row
                .nanoseconds
                .push(time.as_nanos() as f64 / blocks);
        }
    }
    entrants.into_iter().map(|entrant| entrant.row).collect()
}

struct Entrant {
    contestant: Contestant,
    /// How many blocks take [`LONG`].
    count: usize,
    row: Row,
}

impl Entrant {
    fn new(contestant: Contestant, mode: Mode, workload: Workload, cores: &Cores) -> Self {
        let mut jobs = contestant.jobs(mode, workload.capacity(), workload.n);
        let what = format!("{} {workload}", contestant.name);
        check(
            &mut jobs,
            3 * workload.capacity() / workload.n,
            &what,
            cores,
        );
        Self {
            count: calibrate(&mut jobs, cores),
            row: Row {
                name: contestant.name,
                nanoseconds: Vec::new(),
            },
            contestant,
        }
    }

    /// How long [`count`](Self::count) blocks take in a new ring, once its memory is in the caches.
    ///
    /// Some memory in front of it lets it begin elsewhere each time: how elements lie in cache lines
    /// is luck for those who leave it to the allocator.
    fn run(&self, mode: Mode, workload: Workload, cores: &Cores) -> Duration {
        let displacement = vec![0u8; 16 * (1 + chance(256))];
        let mut jobs = (self.contestant).jobs(mode, workload.capacity(), workload.n);
        run(&mut jobs, 2 * workload.capacity() / workload.n, cores);
        let time = run(&mut jobs, self.count, cores);
        drop(displacement);
        time
    }
}

/// Ends the program if elements do not arrive as they were sent: its figures would mean nothing.
fn check(jobs: &mut Jobs, count: usize, what: &str, cores: &Cores) {
    let pinned = Barrier::new(jobs.len());
    std::thread::scope(|scope| {
        for (number, job) in jobs.iter_mut().enumerate() {
            let pinned = &pinned;
            scope.spawn(move || {
                cores.pin(number);
                pinned.wait();
                if let Err(error) = job.check(count) {
                    // From here, because the other thread would wait forever.
                    eprintln!("{what}: {error}");
                    std::process::exit(1);
                }
            });
        }
    });
}

fn calibrate(jobs: &mut Jobs, cores: &Cores) -> usize {
    let mut count = 64;
    loop {
        // A thread that had to wait for its core says nothing about the contestant.
        let times = [(); 3].map(|()| run(jobs, count, cores));
        let shortest = times.into_iter().min().unwrap_or_default();
        if shortest >= CALIBRATION {
            let count = count as f64 * LONG.as_secs_f64() / shortest.as_secs_f64();
            return (count as usize).max(1);
        }
        count *= 4;
    }
}

/// How long it takes until all threads have moved `count` blocks.
fn run(jobs: &mut Jobs, count: usize, cores: &Cores) -> Duration {
    let (near, far) = jobs.split_first_mut().expect("one job at least");
    let Some(far) = far.first_mut() else {
        let start = Instant::now();
        near.run(count);
        return start.elapsed();
    };
    let (ready, go) = (AtomicBool::new(false), AtomicBool::new(false));
    // A new thread begins on the core of the one that started it, which must not be busy then.
    let pinned = Barrier::new(2);
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            cores.pin(1);
            pinned.wait();
            ready.store(true, Ordering::Release);
            while !go.load(Ordering::Acquire) {
                std::hint::spin_loop();
            }
            far.run(count);
            Instant::now()
        });
        pinned.wait();
        while !ready.load(Ordering::Acquire) {
            std::hint::spin_loop();
        }
        let start = Instant::now();
        go.store(true, Ordering::Release);
        near.run(count);
        let end = Instant::now();
        let other = thread.join().expect("jobs do not panic");
        end.max(other) - start
    })
}
