//! Random programs, and how one is run in a lane.

use contestants::{KINDS, Kind};
use proptest::prelude::*;

use crate::{Lane, Model};

/// Storages up to this size are compared after each step, larger ones at the end.
const COMPARED_EACH_TIME: usize = 4096;

/// What ring.
#[derive(Clone, Debug)]
pub struct Geometry {
    /// Bytes per element.
    pub element_size: usize,
    /// Number of elements.
    pub size: usize,
    /// Where both indices begin.
    pub start: usize,
    /// What kind of memory; see [`Lane::new`].
    pub place: usize,
}

/// One operation.
#[derive(Clone, Debug)]
#[allow(
    missing_docs,
    reason = "the names say it: how many elements, and how many of them are used"
)]
pub enum Step {
    Write { count: usize },
    WriteAll { count: usize },
    Push,
    WriteInPlace { count: usize, used: usize },
    Read { count: usize },
    ReadAll { count: usize },
    Pop,
    ReadInPlace { count: usize, used: usize },
    Peek { count: usize },
    Skip { count: usize },
    Flush,
    Change { writer: usize, reader: usize },
}

/// A ring and what happens to it.
#[derive(Clone, Debug)]
pub struct Program {
    /// The ring.
    pub geometry: Geometry,
    /// The operations.
    pub steps: Vec<Step>,
    /// What the elements are made of.
    pub seed: u64,
}

fn geometry(largest_storage: usize) -> impl Strategy<Value = Geometry> {
    let element_size = prop_oneof![
        3 => proptest::sample::select(Kind::handle_sizes()),
        1 => 1..=4096usize,
    ];
    let start = (any::<u32>(), 0..4u32);
    (element_size, 0..3usize, 0..=16u32, start).prop_map(
        move |(element_size, place, power, (random, where_from))| {
            let fits = (largest_storage / element_size).max(1).ilog2();
            let size = 1usize << power.min(fits);
            let random = random as usize;
            // Half of them begin where the indices, or the positions, are about to start over.
            let start = match where_from {
                0 => 2 * size - 1 - random % size.min(4),
                1 => size - 1 - random % size.min(4),
                _ => random % (2 * size),
            };
            Geometry {
                element_size,
                size,
                start,
                place,
            }
        },
    )
}

fn steps(size: usize) -> impl Strategy<Value = Vec<Step>> {
    // Often few, so that the ring is neither full nor empty; sometimes more than it has.
    let count = move || {
        prop_oneof![
            3 => 0..=size / 4 + 2,
            2 => 0..=size + 2,
            1 => size..=2 * size + 3,
        ]
    };
    let used = move || prop_oneof![2 => Just(usize::MAX), 1 => 0..=size];
    let step = prop_oneof![
        6 => count().prop_map(|count| Step::Write { count }),
        2 => count().prop_map(|count| Step::WriteAll { count }),
        2 => Just(Step::Push),
        4 => (count(), used()).prop_map(|(count, used)| Step::WriteInPlace { count, used }),
        6 => count().prop_map(|count| Step::Read { count }),
        2 => count().prop_map(|count| Step::ReadAll { count }),
        2 => Just(Step::Pop),
        4 => (count(), used()).prop_map(|(count, used)| Step::ReadInPlace { count, used }),
        2 => count().prop_map(|count| Step::Peek { count }),
        1 => count().prop_map(|count| Step::Skip { count }),
        1 => Just(Step::Flush),
        1 => (0..KINDS.len(), 0..KINDS.len())
            .prop_map(|(writer, reader)| Step::Change { writer, reader }),
    ];
    proptest::collection::vec(step, 1..64)
}

/// Programs for rings of 1 to 65536 elements of 1 to 4096 bytes, as long as they need no more memory
/// than that.
pub fn programs(largest_storage: usize) -> impl Strategy<Value = Program> {
    geometry(largest_storage)
        .prop_flat_map(|geometry| {
            let size = geometry.size;
            (Just(geometry), steps(size), 1..u64::MAX)
        })
        .prop_map(|(geometry, steps, seed)| Program {
            geometry,
            steps,
            seed,
        })
}

/// Bytes that do not repeat (xorshift64*, Vigna 2016).
struct Noise(u64);

impl Noise {
    fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(count + 8);
        while bytes.len() < count {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            bytes.extend(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D).to_le_bytes());
        }
        bytes.truncate(count);
        bytes
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    Err(format!("{what}: {found:?}, not {expected:?}"))
}

/// Runs a program in one lane, and compares everything with the model after each step. Returns the
/// number of steps, or says what was not the same.
pub fn run(program: &Program, kinds: (Kind, Kind)) -> Result<usize, String> {
    let Geometry {
        element_size,
        size,
        start,
        place,
    } = program.geometry;
    let mut lane = Lane::new(kinds, element_size, size, start, place);
    let mut model = Model::new(element_size, vec![0; size * element_size], start);
    let mut noise = Noise(program.seed);
    let small = size * element_size <= COMPARED_EACH_TIME;
    compare(&mut lane, &model, true)?;
    for (number, step) in program.steps.iter().enumerate() {
        step.run(element_size, &mut lane, &mut model, &mut noise)
            .and_then(|()| compare(&mut lane, &model, small))
            .map_err(|error| format!("{lane:?}: step {number}, {step:?}: {error}"))?;
    }
    compare(&mut lane, &model, true)?;
    Ok(program.steps.len())
}

impl Step {
    fn run(
        &self,
        size: usize,
        lane: &mut Lane,
        model: &mut Model,
        noise: &mut Noise,
    ) -> Result<(), String> {
        match *self {
            Self::Write { count } => {
                let data = noise.bytes(count * size);
                let expected = model.write(&data, count).len();
                same("written", lane.writer().write(&data), expected)
            }
            Self::WriteAll { count } => {
                let data = noise.bytes(count * size);
                let expected = model.room() >= count;
                if expected {
                    model.write(&data, count);
                }
                same("all written", lane.writer().write_all(&data), expected)
            }
            Self::Push => {
                let data = noise.bytes(size);
                let expected = model.write(&data, 1).len() == 1;
                same("pushed", lane.writer().push(&data), expected)
            }
            Self::WriteInPlace { count, used } => {
                let data = noise.bytes(count * size);
                let expected = model.write(&data, used);
                same("regions", lane.writer().in_place(&data, used), expected)
            }
            Self::Read { count } => {
                let mut target = noise.bytes(count * size);
                let (expected, elements) = after_reading(model, &target, count, count);
                same("read", lane.reader().read(&mut target), expected)?;
                same("elements", target, elements)
            }
            Self::ReadAll { count } => {
                let mut target = noise.bytes(count * size);
                let enough = model.available() >= count;
                let taken = if enough { count } else { 0 };
                let (_, elements) = after_reading(model, &target, taken, taken);
                same("all read", lane.reader().read_all(&mut target), enough)?;
                same("elements", target, elements)
            }
            Self::Pop => {
                let mut target = noise.bytes(size);
                let (expected, elements) = after_reading(model, &target, 1, 1);
                same("popped", lane.reader().pop(&mut target), expected == 1)?;
                same("element", target, elements)
            }
            Self::ReadInPlace { count, used } => {
                let (mut found, mut elements) = (Vec::new(), Vec::new());
                let expected = model.read(count, used, &mut elements);
                let granted = lane.reader().in_place(count, used, &mut found);
                same("regions", granted, expected)?;
                same("elements", found, elements)
            }
            Self::Peek { count } => {
                let mut target = noise.bytes(count * size);
                let (expected, elements) = after_reading(model, &target, count, 0);
                same("seen", lane.reader().peek(&mut target), expected)?;
                same("elements", target, elements)
            }
            Self::Skip { count } => {
                let expected = model.read(count, count, &mut Vec::new()).len();
                same("discarded", lane.reader().discard(count), expected)
            }
            Self::Flush => {
                model.flush();
                lane.flush();
                Ok(())
            }
            Self::Change { writer, reader } => {
                lane.change((KINDS[writer], KINDS[reader]));
                Ok(())
            }
        }
    }
}

/// How many elements are read, and what is in the target then: behind them, it stays as it was.
fn after_reading(model: &mut Model, target: &[u8], count: usize, used: usize) -> (usize, Vec<u8>) {
    let mut elements = Vec::new();
    let count = model.read(count, used, &mut elements).len();
    elements.extend(&target[elements.len()..]);
    (count, elements)
}

fn compare(lane: &mut Lane, model: &Model, with_storage: bool) -> Result<(), String> {
    let size = (model.available() + model.room()) as u128;
    let fields = lane.fields();
    // A negative number becomes an unexpected one.
    for (name, found, expected) in [
        ("writeIndex", fields.write_index, model.write_index()),
        ("readIndex", fields.read_index, model.read_index()),
        ("bufferSize", fields.buffer_size, size),
        ("bigMask", fields.big_mask, 2 * size - 1),
        ("smallMask", fields.small_mask, size - 1),
    ] {
        same(name, found as u128, expected)?;
    }
    let element_size = model.storage.len() / size as usize;
    same(
        "elementSizeBytes",
        fields.element_size as usize,
        element_size,
    )?;
    same("available", lane.reader().available(), model.available())?;
    same("room", lane.writer().room(), model.room())?;
    if with_storage {
        same("storage is the same", lane.storage() == model.storage, true)?;
        same("marks are intact", lane.marks_are_intact(), true)?;
    }
    Ok(())
}
