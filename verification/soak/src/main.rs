//! Every writer against every reader, on a thread each, until a number of operations is done or time is
//! over. Ends at the first wrong element, and says which.
//!
//!     soak --operations 1000000
//!     soak --seconds 3600 [--seed N]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use contestants::{KINDS, Kind, Placement};
use soak::{Amount, Counts, Heat, Random, stop_on_interrupt, stopped};

const ELEMENT_SIZES: [usize; 9] = [1, 2, 3, 4, 8, 16, 24, 100, 512];
const RING_SIZES: [usize; 9] = [1, 2, 4, 16, 64, 256, 1024, 4096, 65536];
/// Where time is given: how long a heat takes.
const HEAT: Duration = Duration::from_millis(500);

struct Options {
    operations: Option<u64>,
    seconds: u64,
    seed: u64,
}

impl Options {
    fn parse() -> Result<Self, String> {
        let mut options = Self {
            operations: None,
            seconds: 60,
            seed: 1,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let value = arguments
                .next()
                .and_then(|text| text.parse().ok())
                .ok_or(format!("{name} needs a number"))?;
            match name.as_str() {
                "--operations" => options.operations = Some(value),
                "--seconds" => options.seconds = value,
                "--seed" => options.seed = value,
                _ => return Err(format!("{name} is none of --operations, --seconds, --seed")),
            }
        }
        Ok(options)
    }
}

type Row = ((Kind, Kind), Counts);

fn main() -> ExitCode {
    let options = match Options::parse() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("soak: {error}");
            return ExitCode::from(2);
        }
    };
    stop_on_interrupt();
    let started = Instant::now();
    let mut rows: Vec<Row> = KINDS
        .iter()
        .flat_map(|&writer| KINDS.iter().map(move |&reader| (writer, reader)))
        .map(|kinds| (kinds, Counts::default()))
        .collect();
    let result = soak(&options, &mut rows, started);
    print(&rows, started);
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("soak: {error} (seed {})", options.seed);
            ExitCode::FAILURE
        }
    }
}

fn soak(options: &Options, rows: &mut [Row], started: Instant) -> Result<(), String> {
    let mut random = Random::new(options.seed);
    let until = started + Duration::from_secs(options.seconds);
    // In each round, all pairs have the same ring. Small rings are slow, so each round is short.
    let rounds = if options.operations.is_some() {
        8
    } else {
        u64::MAX
    };
    for round in 0..rounds {
        let element_size = ELEMENT_SIZES[random.below(ELEMENT_SIZES.len())];
        let size = RING_SIZES[random.below(RING_SIZES.len())];
        for number in 0..rows.len() {
            let (kinds, counts) = rows[number];
            let amount = match options.operations {
                // What both sides did counts, and there are never fewer than asked for.
                Some(wanted) => Amount {
                    operations: {
                        let done: u64 = rows.iter().map(|row| row.1.operations).sum();
                        let heats = (rounds - round) * rows.len() as u64 - number as u64;
                        wanted.saturating_sub(done).div_ceil(heats).max(1)
                    },
                    until: None,
                },
                None => Amount {
                    operations: u64::MAX,
                    until: Some(until.min(Instant::now() + HEAT)),
                },
            };
            let heat = Heat {
                kinds,
                element_size,
                size,
                placement: [Placement::OneLine, Placement::TwoLines][random.below(2)],
                seed: random.bits(),
            };
            let what = || {
                let (writer, reader) = (kinds.0.name(), kinds.1.name());
                format!("{writer} writes, {reader} reads, {size} x {element_size} bytes")
            };
            let mut sum = counts;
            sum += heat
                .run(amount)
                .map_err(|error| format!("{}: {error}", what()))?;
            rows[number].1 = sum;
            if stopped() || (options.operations.is_none() && Instant::now() >= until) {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn print(rows: &[Row], started: Instant) {
    let mut all = Counts::default();
    println!(
        "{:13} {:13} {:>12} {:>11} {:>10} {:>11} {:>11} {:>14}  {:16}",
        "writes", "reads", "elements", "operations", "wraps", "empty", "full", "bytes", "sum"
    );
    let line = |writer: &str, reader: &str, counts: &Counts| {
        println!(
            "{writer:13} {reader:13} {:12} {:11} {:10} {:11} {:11} {:14}  {:016x}",
            counts.elements,
            counts.operations,
            counts.wraps,
            counts.empty,
            counts.full,
            counts.bytes,
            counts.sum,
        );
    };
    for ((writer, reader), counts) in rows {
        line(writer.name(), reader.name(), counts);
        all += *counts;
    }
    line("all", "", &all);
    println!("{:.1} s", started.elapsed().as_secs_f64());
}
