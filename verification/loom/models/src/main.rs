//! Checks all models, then weakens each ordering that they have used, one at a time, and makes sure
//! that a model fails.
//!
//! `--long` has more models, and interrupts threads more often.

mod abandoned;
#[allow(unreachable_pub, reason = "in the library, they can be reached")]
#[path = "../../../../crates/pa-ringbuffer-capi/src/ring.rs"]
mod c_library;
mod callback;
mod flush;
mod models;
mod mutants;
mod parallel;
mod portaudio;
mod ring;
mod run;
mod sides;
mod transfer;

use std::process::ExitCode;

use checker::Changes;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    run::check_if_told(&models::all(true));
    let long = arguments == ["--long"];
    if !long && !arguments.is_empty() {
        eprintln!("The only argument is --long.");
        return ExitCode::FAILURE;
    }
    // Mistakes need few interruptions; loom's documentation recommends two or three.
    let preemptions = if long { 4 } else { 3 };

    let mut is_right = true;
    let mut executions = 0;
    let checked = parallel::map(models::all(long), |model| {
        let outcome = model.run(preemptions, "", &Changes::new());
        println!("{}: {} executions", model.name, outcome.executions);
        if let Some(failure) = &outcome.failure {
            println!("{} FAILED: {failure}", model.name);
        }
        (model, outcome)
    });
    for (_, outcome) in &checked {
        executions += outcome.executions;
        is_right &= outcome.failure.is_none();
    }
    println!("{} models, {executions} executions\n", checked.len());
    if !is_right {
        return ExitCode::FAILURE;
    }

    let verdicts = parallel::map(mutants::of(&checked), |mutant| {
        let verdict = mutant.run(preemptions);
        println!("{}", verdict.line);
        verdict.is_right
    });
    let right = verdicts.iter().filter(|is_right| **is_right).count();
    println!(
        "{right} of {} weakened orderings as expected",
        verdicts.len()
    );
    if right == verdicts.len() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
