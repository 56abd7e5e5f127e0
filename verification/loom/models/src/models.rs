//! All models.

use pa_ringbuffer_callback::Mode;

use crate::abandoned;
use crate::callback;
use crate::flush;
use crate::run::Model;
use crate::sides::{Reader, Writer};
use crate::transfer::{Shape, transfer};

/// One element: the ring is full or empty.
const SINGLE: Shape = Shape {
    size: 1,
    passed: 0,
    puts: &[1, 1],
    takes: &[1, 1],
};
/// Two elements, of which the second one lies before the first one.
const WRAPPED: Shape = Shape {
    size: 2,
    passed: 1,
    puts: &[2, 1],
    takes: &[1, 2],
};
/// More is asked for than there ever is.
const GREEDY: Shape = Shape {
    size: 2,
    passed: 3,
    puts: &[3, 2],
    takes: &[3, 3],
};
/// Four elements, which wrap around in the middle.
const FOUR: Shape = Shape {
    size: 4,
    passed: 6,
    puts: &[3, 3],
    takes: &[2, 4],
};

/// One way for each piece of code that loads or stores an index.
const WRITERS: [Writer; 5] = [
    Writer::Push,
    Writer::Write,
    Writer::CWrite,
    Writer::CWriteRegions,
    Writer::PortAudio,
];
const READERS: [Reader; 5] = [
    Reader::Pop,
    Reader::Read,
    Reader::CRead,
    Reader::CReadRegions,
    Reader::PortAudio,
];
/// What is built on them.
const MORE_WRITERS: [Writer; 5] = [
    Writer::WriteAll,
    Writer::WriteChunk,
    Writer::FillChunk,
    Writer::WritePrefetching,
    Writer::CWriteAvailable,
];
const MORE_READERS: [Reader; 8] = [
    Reader::ReadAll,
    Reader::ReadChunk,
    Reader::IterateChunk,
    Reader::Peek,
    Reader::PeekSlice,
    Reader::ReadPrefetching,
    Reader::CReadAvailable,
    Reader::CPeek,
];

pub(crate) fn all(long: bool) -> Vec<Model> {
    let mut models = Vec::new();
    for writer in WRITERS {
        for reader in READERS {
            let single = transfer::<1>(writer, reader, SINGLE);
            models.push(if long { single.without_limit() } else { single });
            models.push(transfer::<1>(writer, reader, WRAPPED));
            if long {
                models.push(transfer::<1>(writer, reader, GREEDY));
                models.push(transfer::<1>(writer, reader, FOUR));
            }
        }
    }
    let shapes = if long {
        &[WRAPPED, GREEDY, FOUR][..]
    } else {
        &[GREEDY]
    };
    for shape in shapes {
        for writer in MORE_WRITERS {
            models.push(transfer::<1>(writer, Reader::Read, *shape));
            models.push(transfer::<1>(writer, Reader::CRead, *shape));
        }
        for reader in MORE_READERS {
            models.push(transfer::<1>(Writer::Write, reader, *shape));
            models.push(transfer::<1>(Writer::CWrite, reader, *shape));
        }
        models.push(transfer::<1>(Writer::WriteChunk, Reader::ReadChunk, *shape));
    }
    // Elements that are copied by calling a function.
    models.push(transfer::<24>(Writer::CWrite, Reader::CRead, SINGLE));
    models.push(transfer::<24>(Writer::CWrite, Reader::CRead, WRAPPED));
    if !long {
        models.push(transfer::<1>(Writer::Write, Reader::Read, FOUR));
        models.push(transfer::<1>(Writer::CWrite, Reader::CRead, FOUR));
    }
    models.extend([
        flush::between_threads(Writer::Write, Reader::Read),
        flush::between_threads(Writer::CWrite, Reader::CRead),
        flush::between_threads(Writer::PortAudio, Reader::PortAudio),
        // Handles do not allow it.
        flush::among_threads(Writer::CWrite, Reader::CRead),
        flush::among_threads(Writer::CWriteRegions, Reader::CReadRegions),
        flush::among_threads(Writer::PortAudio, Reader::CRead),
        flush::among_threads(Writer::CWrite, Reader::PortAudio),
        abandoned::by_producer(),
        abandoned::by_consumer(),
        callback::counters().at_most(2),
        callback::position().at_most(2),
        callback::finish_after_overflow(),
        callback::finish_by_others(),
        callback::wake(callback::Reason::Recorded),
        callback::wake(callback::Reason::RecordedLast),
        callback::wake(callback::Reason::Played),
        callback::wake(callback::Reason::Overflow),
        callback::wake(callback::Reason::Finished),
        callback::wake_twice().at_most(2),
        callback::complete(Writer::Write, Mode::Run),
        callback::complete(Writer::Write, Mode::Start),
        callback::complete(Writer::CWrite, Mode::Start),
    ]);
    models
}
