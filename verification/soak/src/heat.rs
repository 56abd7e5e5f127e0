//! One heat: a ring, a writer and a reader on a thread each.

use std::ops::AddAssign;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use contestants::{Fields, Kind, PaUtilRingBuffer, Placement, Reader, RingMemory, Writer};

use crate::{Random, expect, fill, stopped};

/// How much a heat does.
#[derive(Clone, Copy, Debug)]
pub struct Amount {
    /// Operations of the writer that transfer something. The reader takes what there is.
    pub operations: u64,
    /// When it ends in any case.
    pub until: Option<Instant>,
}

/// What happened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Elements that arrived.
    pub elements: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Calls of both sides that transferred something.
    pub operations: u64,
    /// How often the end of the storage was passed, by both sides.
    pub wraps: u64,
    /// How often the reader found nothing.
    pub empty: u64,
    /// How often the writer found no room.
    pub full: u64,
    /// The sum of the elements' first eight bytes.
    pub sum: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.elements += other.elements;
        self.bytes += other.bytes;
        self.operations += other.operations;
        self.wraps += other.wraps;
        self.empty += other.empty;
        self.full += other.full;
        self.sum = self.sum.wrapping_add(other.sum);
    }
}

/// A heat that is about to start.
#[derive(Clone, Copy, Debug)]
pub struct Heat {
    /// The producer and the consumer.
    pub kinds: (Kind, Kind),
    /// Bytes per element.
    pub element_size: usize,
    /// Number of elements.
    pub size: usize,
    /// Where the struct is.
    pub placement: Placement,
    /// What is random in it.
    pub seed: u64,
}

/// Trying again at once gives the most encounters. But now and then a pause is needed: where others
/// want the processors as well, the other thread would hardly ever run.
pub(crate) fn let_the_other_one(attempts: &mut u32) {
    *attempts += 1;
    if *attempts % 64 == 0 {
        thread::yield_now();
    }
    if *attempts % 4096 == 0 {
        thread::sleep(Duration::from_micros(1));
    }
    std::hint::spin_loop();
}

/// What the sides tell each other besides the ring. It is looked at where nothing was transferred
/// only, so that it orders nothing that the ring has to order.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    /// How many elements were written, once the writer has ended; one more, so that 0 is not yet.
    pub(crate) total: AtomicU64,
    /// Whether the reader has ended early.
    pub(crate) abandoned: AtomicBool,
}

/// Writes random blocks in random ways.
pub(crate) fn write(
    writer: &mut dyn Writer,
    longest: usize,
    amount: Amount,
    mut random: Random,
    beside: &Beside,
) -> Counts {
    let size = writer.element_size();
    let mut block = vec![0; longest * size];
    let mut counts = Counts::default();
    let mut attempts = 0;
    while counts.operations < amount.operations {
        let count = random.below(longest) + 1;
        let data = &mut block[..count * size];
        fill(counts.elements, size, data);
        let written = match random.below(8) {
            0..=3 => writer.write(data),
            4..=5 => writer.in_place(data, count).len(),
            6 => usize::from(writer.push(&data[..size])),
            _ => count * usize::from(writer.write_all(data)),
        };
        if written != 0 {
            counts.elements += written as u64;
            counts.operations += 1;
        } else {
            counts.full += 1;
            let_the_other_one(&mut attempts);
        }
        if counts.operations % 64 == 0 || written == 0 {
            let late = amount.until.is_some_and(|until| Instant::now() >= until);
            if late || stopped() || beside.abandoned.load(Ordering::Relaxed) {
                break;
            }
        }
    }
    beside.total.store(counts.elements + 1, Ordering::Release);
    counts
}

/// Reads random blocks in random ways until everything has arrived.
///
/// # Errors
///
/// Describes what did not arrive as it was written.
pub(crate) fn read(
    reader: &mut dyn Reader,
    longest: usize,
    mut random: Random,
    beside: &Beside,
) -> Result<Counts, String> {
    let size = reader.element_size();
    let mut block = vec![0; longest * size];
    let mut found = Vec::new();
    let mut counts = Counts::default();
    let mut attempts = 0;
    loop {
        let count = random.below(longest) + 1;
        // Asked before reading: all that was written by then can be read then.
        let total = if attempts % 16 == 0 {
            beside.total.load(Ordering::Acquire)
        } else {
            0
        };
        let target = &mut block[..count * size];
        let taken = match random.below(8) {
            0..=2 => reader.read(target),
            3..=4 => {
                found.clear();
                let taken = reader.in_place(count, count, &mut found).len();
                target[..found.len()].copy_from_slice(&found);
                taken
            }
            5 => {
                // What is seen must be what is read afterwards.
                let seen = reader.peek(target);
                expect(counts.elements, size, &target[..seen * size], &mut 0)?;
                let taken = reader.read(&mut target[..seen * size]);
                if taken != seen {
                    return Err(format!("{seen} elements were seen, and {taken} read then"));
                }
                taken
            }
            6 => usize::from(reader.pop(&mut target[..size])),
            _ => count * usize::from(reader.read_all(target)),
        };
        expect(
            counts.elements,
            size,
            &target[..taken * size],
            &mut counts.sum,
        )?;
        if taken != 0 {
            counts.elements += taken as u64;
            counts.bytes += (taken * size) as u64;
            counts.operations += 1;
            attempts = 0;
        } else {
            counts.empty += 1;
            if total == counts.elements + 1 {
                return Ok(counts);
            }
            // A block that is larger than what is left proves nothing.
            if total != 0 && reader.available() == 0 {
                return Err(format!(
                    "{} elements were written, and {} arrived",
                    total - 1,
                    counts.elements
                ));
            }
            let_the_other_one(&mut attempts);
        }
    }
}

/// Reads on a thread of its own what the other one writes.
pub(crate) fn race(
    writer: &mut dyn Writer,
    reader: &mut dyn Reader,
    size: usize,
    amount: Amount,
    seed: u64,
) -> Result<Counts, String> {
    let beside = Beside::default();
    // Not more than the ring has, or `write_all` would wait forever.
    let longest = size.min(256);
    let (written, read) = thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let result = read(reader, longest, Random::new(!seed), &beside);
            beside.abandoned.store(result.is_err(), Ordering::Relaxed);
            result
        });
        let written = write(writer, longest, amount, Random::new(seed), &beside);
        (written, reading.join().expect("the reader does not panic"))
    });
    let mut counts = read?;
    counts.operations += written.operations;
    counts.full += written.full;
    Ok(counts)
}

impl Heat {
    /// Runs it.
    ///
    /// # Errors
    ///
    /// Describes what went wrong.
    pub fn run(self, amount: Amount) -> Result<Counts, String> {
        let memory = RingMemory::with_placement(self.element_size, self.size, self.placement)
            .map_err(|error| error.to_string())?;
        let ring: *mut PaUtilRingBuffer = memory.as_ptr();
        // Somewhere in the indices' round, and often just before it starts over.
        let round = 2 * self.size;
        let start = match self.seed % 2 {
            0 => round - 1,
            _ => Random::new(self.seed).below(round),
        };
        // SAFETY: the ring lives as long as both sides of it, and no other code refers to it.
        let (mut writer, mut reader) = unsafe {
            Fields::start_at(ring, start as _, start as _);
            (self.kinds.0.writer(ring), self.kinds.1.reader(ring))
        };
        let mut counts = race(&mut *writer, &mut *reader, self.size, amount, self.seed)?;
        counts.wraps = 2 * ((start as u64 % self.size as u64 + counts.elements) / self.size as u64);
        drop((writer, reader));
        // SAFETY: both sides are gone.
        let fields = unsafe { Fields::of(ring) };
        let end =
            ((start as u64 + counts.elements) % round as u64) as contestants::ring_buffer_size_t;
        if (fields.write_index, fields.read_index) != (end, end) {
            return Err(format!("both indices should be {end}: {fields:?}"));
        }
        Ok(counts)
    }
}
