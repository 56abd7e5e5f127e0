//! `rings MODE ROUNDS [WORD...]`: measures, and prints all values as one JSON document.
//!
//! A word is the name of a contestant or of a workload; only these are measured then.

use std::process::ExitCode;

use rings::cores::Cores;
use rings::measure::measure;
use rings::workload::{Mode, Workload};
use serde_json::{Map, Value, json};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((mode, rounds, words)) = parse(&arguments) else {
        eprintln!("usage: rings single|two-threads|round-trip ROUNDS [CONTESTANT|WORKLOAD...]");
        return ExitCode::FAILURE;
    };
    let cores = Cores::find();
    if mode != Mode::Single && !cores.are_two() {
        println!("{}", json!({"skipped": "there is only one core"}));
        return ExitCode::SUCCESS;
    }
    cores.pin(0);
    // A workload begins with a digit, a contestant does not.
    let (workloads, contestants): (Vec<&String>, Vec<&String>) = words
        .iter()
        .partition(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    let wanted =
        |words: &[&String], name: &str| words.is_empty() || words.iter().any(|word| *word == name);
    let mut values = Map::new();
    for workload in Workload::all(mode) {
        let name = workload.to_string();
        if wanted(&workloads, &name) {
            let rows = measure(mode, *workload, rounds, |n| wanted(&contestants, n), &cores);
            let rows = rows
                .into_iter()
                .map(|row| (row.name.to_string(), json!(row.nanoseconds)))
                .collect();
            values.insert(name, Value::Object(rows));
        }
    }
    println!("{}", json!({"cores": cores.numbers(), "values": values}));
    ExitCode::SUCCESS
}

fn parse(arguments: &[String]) -> Option<(Mode, usize, &[String])> {
    let [mode, rounds, words @ ..] = arguments else {
        return None;
    };
    Some((mode.parse().ok()?, rounds.parse().ok()?, words))
}
