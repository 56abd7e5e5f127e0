//! Every writer with every reader does what a queue does, with all fields and every byte of the
//! storage where they belong. PortAudio's C is among them:
//! implementations that equal the same queue in all of
//! this equals each other.
//!
//! The programs are the same each time. `SEED` takes others, `PROPTEST_CASES` more.

use contestants::KINDS;
use equivalence::{programs, run};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

/// Runs one of the requested programs.
fn runner(one_of: u32) -> TestRunner {
    let number = |name: &str, otherwise: u64| {
        std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
    };
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number("SEED", 1).to_le_bytes());
    let mut config = Config::with_cases(number("PROPTEST_CASES", 400) as u32 / one_of);
    // What fails can be repeated with the same seed.
    config.failure_persistence = None;
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
}

#[test]
fn all_pairs_do_what_a_queue_does() {
    let steps = std::cell::Cell::new(0);
    let result = runner(1).run(&programs(64 << 10), |program| {
        for &writer in KINDS {
            for &reader in KINDS {
                let done = run(&program, (writer, reader)).map_err(TestCaseError::fail)?;
                steps.set(steps.get() + done);
            }
        }
        Ok(())
    });
    println!("{} steps, {} pairs", steps.get(), KINDS.len() * KINDS.len());
    if let Err(error) = result {
        panic!("{error}");
    }
}

#[test]
fn large_rings_do_what_a_queue_does() {
    let result = runner(16).run(&programs(4 << 20), |program| {
        for (number, &writer) in KINDS.iter().enumerate() {
            let reader = KINDS[(number + 1) % KINDS.len()];
            for kinds in [(writer, writer), (writer, reader)] {
                run(&program, kinds).map_err(TestCaseError::fail)?;
            }
        }
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}
