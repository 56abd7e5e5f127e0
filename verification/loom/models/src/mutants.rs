//! Weakens each ordering that the models have used, one at a time.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::run::{Model, Outcome};

/// Orderings that are stronger than they have to be: what is in the line of source, and what the
/// ordering is given to. If a model fails with one of these, they are needed after all.
const NOT_NEEDED: [(&str, &str, &str); 3] = [
    (
        "self.finished.fetch_or(finishing",
        "change",
        "the counters were published just before, and there is a release fence in that",
    ),
    (
        "(self.mode).compare_exchange",
        "exchange, done",
        "the mode `Start` had been loaded before, with acquire, and `Run` promises nothing",
    ),
    (
        "(self.mode).compare_exchange",
        "exchange, refused",
        "there is as much in the ring as is read now, whatever was written before the mode was set",
    ),
];

/// One ordering, and the models that use it.
pub(crate) struct Mutant<'a> {
    site: &'a str,
    users: Vec<&'a (Model, Outcome)>,
}

/// What became of a mutant, in a line, and whether that is what should be.
pub(crate) struct Verdict {
    pub(crate) line: String,
    pub(crate) is_right: bool,
}

/// All mutants, given what the models have shown.
pub(crate) fn of<'a>(checked: &'a [(Model, Outcome)]) -> Vec<Mutant<'a>> {
    let sites: BTreeSet<_> = checked
        .iter()
        .flat_map(|(_, outcome)| &outcome.sites)
        .collect();
    let users = |site: &String| {
        let mut users: Vec<_> = checked
            .iter()
            .filter(|(_, outcome)| outcome.sites.contains(site))
            .collect();
        // One that fails is enough.
        users.sort_by_key(|(_, outcome)| outcome.executions);
        users
    };
    let mutant = |site: &'a String| Mutant {
        site,
        users: users(site),
    };
    sites.into_iter().map(mutant).collect()
}

impl Mutant<'_> {
    /// Runs the models until one fails.
    pub(crate) fn run(&self, preemptions: usize) -> Verdict {
        let (place, what) = self.site.split_once(' ').unwrap_or_default();
        let source = line(place);
        let known = NOT_NEEDED
            .iter()
            .find(|(text, part, _)| source.contains(text) && what.starts_with(part));
        let name = place.rsplit(['/', '\\']).next().unwrap_or(place);
        let site = format!("{name} {what} `{source}`");
        for (model, outcome) in &self.users {
            let outcome = model.run(preemptions, self.site, &outcome.changes);
            if let Some(failure) = outcome.failure {
                let (model, execution) = (&model.name, outcome.executions);
                return Verdict {
                    line: format!("{site}: needed by {model}, execution {execution}: {failure}"),
                    is_right: known.is_none(),
                };
            }
        }
        let (count, why) = (self.users.len(), known.map(|(_, _, why)| *why));
        Verdict {
            line: format!(
                "{site}: not needed by {count} models: {}",
                why.unwrap_or("NOBODY SAYS WHY")
            ),
            is_right: known.is_some(),
        }
    }
}

/// The line of source at a place, which is a path from the workspace, a line and a column.
fn line(place: &str) -> String {
    let mut parts = place.rsplitn(3, ':').skip(1);
    let number: usize = parts.next().and_then(|n| n.parse().ok()).unwrap_or(1);
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = fs::read_to_string(workspace.join(parts.next().unwrap_or_default()));
    let text = text.expect("the sources are still there");
    let line = text.lines().nth(number - 1).unwrap_or_default();
    line.trim().to_owned()
}
