//! Runs one model, in a process of its own: a failure ends it at once. It could not be caught, because
//! threads are suspended in the middle of C functions, which cannot be unwound.

use std::env;
use std::process::{Command, exit};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use checker::{Change, Changes};

/// A small program. It is run once for each way in which its threads can come together.
#[derive(Clone)]
pub(crate) struct Model {
    pub(crate) name: String,
    limit: Limit,
    body: Arc<dyn Fn() + Send + Sync>,
}

/// How often a thread may be interrupted where it could go on.
#[derive(Clone, Copy)]
enum Limit {
    /// As often as the run as a whole allows.
    Usual,
    /// Not more often than so.
    AtMost(usize),
    /// Always: these are all executions that there are.
    None,
}

/// What running a model has shown.
#[derive(Default)]
pub(crate) struct Outcome {
    /// How often the program was run.
    pub(crate) executions: usize,
    /// Which orderings it has used.
    pub(crate) sites: Vec<String>,
    /// What it did to which atomics.
    pub(crate) changes: Changes,
    /// Why it failed, if it did.
    pub(crate) failure: Option<String>,
}

/// The first argument of the process that checks.
const CHECK: &str = "--check";

impl Model {
    pub(crate) fn new(name: impl Into<String>, body: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            name: name.into(),
            limit: Limit::Usual,
            body: Arc::new(body),
        }
    }

    /// The same model, whose threads are never interrupted more often than so.
    pub(crate) fn at_most(self, interruptions: usize) -> Self {
        let limit = Limit::AtMost(interruptions);
        Self { limit, ..self }
    }

    /// The same model, run in all ways that there are.
    pub(crate) fn without_limit(self) -> Self {
        let limit = Limit::None;
        Self { limit, ..self }
    }

    /// Runs the program in all ways in which at most this many times a thread is interrupted where it
    /// could go on; perhaps with one ordering weakened. `changes` is what an outcome of this model
    /// says, or nothing.
    pub(crate) fn run(&self, preemptions: usize, weak: &str, changes: &Changes) -> Outcome {
        let mut expected = changes.clone();
        loop {
            let outcome = self.run_once(preemptions, weak, &expected);
            if outcome
                .changes
                .iter()
                .all(|(n, c)| expected.get(n) >= Some(c))
            {
                return outcome;
            }
            for (number, change) in outcome.changes {
                let most = expected.entry(number).or_insert(change);
                *most = change.max(*most);
            }
        }
    }

    fn run_once(&self, preemptions: usize, weak: &str, expected: &Changes) -> Outcome {
        let limit = match self.limit {
            Limit::Usual => preemptions.to_string(),
            Limit::AtMost(limit) => preemptions.min(limit).to_string(),
            Limit::None => "none".to_owned(),
        };
        let mut command = Command::new(env::current_exe().expect("the program knows its file"));
        command.args([CHECK, &self.name, &limit, weak]);
        let expected = expected
            .iter()
            .map(|(number, change)| written(*number, *change));
        let output = command.args(expected).output();
        let output = output.expect("the program can be started");
        Outcome::parse(&String::from_utf8_lossy(&output.stdout)).unwrap_or_else(|| {
            // Neither a success nor a failure of the model.
            let error = String::from_utf8_lossy(&output.stderr);
            panic!("{}: {}\n{error}", self.name, output.status)
        })
    }

    fn check(&self, preemptions: Option<usize>) {
        let executions = Arc::new(AtomicUsize::new(0));
        let count = executions.clone();
        let at_panic = executions.clone();
        std::panic::set_hook(Box::new(move |info| {
            print_outcome(&at_panic);
            println!("failure {info}");
            exit(1);
        }));
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = preemptions;
        builder.max_branches = 10_000;
        let body = self.body.clone();
        builder.check(move || {
            count.fetch_add(1, Ordering::Relaxed);
            checker::begin();
            body();
        });
        print_outcome(&executions);
        println!("success");
    }
}

/// If this is the process that checks, does so.
pub(crate) fn check_if_told(models: &[Model]) {
    let mut arguments = env::args().skip(1);
    if arguments.next().as_deref() != Some(CHECK) {
        return;
    }
    let mut next = || {
        arguments
            .next()
            .expect("the process was started by this program")
    };
    let (name, preemptions, weak) = (next(), next(), next());
    checker::weaken(weak);
    checker::expect_changes(arguments.map(|text| read(&text)).collect());
    let model = models.iter().find(|model| model.name == name);
    model
        .expect("there is such a model")
        .check(preemptions.parse().ok());
    exit(0);
}

fn print_outcome(executions: &AtomicUsize) {
    println!("executions {}", executions.load(Ordering::Relaxed));
    for site in checker::sites() {
        println!("site {site}");
    }
    for (number, change) in checker::changes() {
        println!("change {}", written(number, change));
    }
}

impl Outcome {
    /// `None` if the text ends before it says how the check has.
    fn parse(text: &str) -> Option<Self> {
        let mut outcome = Self::default();
        let mut lines = text.lines();
        loop {
            let line = lines.next()?;
            let (key, value) = line.split_once(' ').unwrap_or((line, ""));
            match key {
                "executions" => outcome.executions = value.parse().ok()?,
                "site" => outcome.sites.push(value.to_owned()),
                "change" => outcome.changes.extend([read(value)]),
                "success" => return Some(outcome),
                "failure" => {
                    // This line says where, the others what.
                    let what = lines.map(str::trim).collect::<Vec<_>>().join(" ");
                    outcome.failure = Some(if what.is_empty() {
                        value.to_owned()
                    } else {
                        what
                    });
                    return Some(outcome);
                }
                _ => return None,
            }
        }
    }
}

fn written(number: usize, change: Change) -> String {
    match change {
        Change::Store => format!("{number} store"),
        Change::Exchange => format!("{number} exchange"),
    }
}

fn read(text: &str) -> (usize, Change) {
    let (number, change) = text.split_once(' ').unwrap_or_default();
    let change = if change == "store" {
        Change::Store
    } else {
        Change::Exchange
    };
    (number.parse().expect("it is a number"), change)
}
