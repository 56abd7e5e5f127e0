//! `instructions CONTESTANT WORKLOAD COUNT`: writes and reads COUNT blocks on one thread, for those
//! who count what that takes.

use std::process::ExitCode;

use rings::contestants::contestants;
use rings::workload::{Mode, Workload};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if run(&arguments).is_none() {
        eprintln!("usage: instructions CONTESTANT WORKLOAD COUNT");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn run(arguments: &[String]) -> Option<()> {
    let [name, workload, count] = arguments else {
        return None;
    };
    let count = count.parse().ok()?;
    let workload = Workload::all(Mode::Single)
        .iter()
        .find(|other| other.to_string() == *workload)?;
    let contestants = match workload.bytes {
        3 => contestants::<[u8; 3]>(),
        4 => contestants::<u32>(),
        8 => contestants::<u64>(),
        24 => contestants::<[u64; 3]>(),
        _ => return None,
    };
    let contestant = contestants.iter().find(|other| other.name == name)?;
    for job in &mut contestant.jobs(Mode::Single, workload.capacity(), workload.n) {
        job.run(count);
    }
    Some(())
}
