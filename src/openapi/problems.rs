//! What a description could not be used for, told to people.

use std::collections::HashSet;

/// So many are told; the rest is counted.
const MOST: usize = 200;

/// Gathers problems, each once.
#[derive(Debug, Default)]
pub(super) struct Problems {
    told: Vec<String>,
    known: HashSet<String>,
    more: usize,
}

impl Problems {
    pub(super) fn note(&mut self, problem: impl Into<String>) {
        let problem = problem.into();
        if self.known.contains(&problem) {
            return;
        }
        if self.told.len() < MOST {
            self.known.insert(problem.clone());
            self.told.push(problem);
        } else {
            self.more += 1;
        }
    }

    pub(super) fn into_texts(mut self) -> Vec<String> {
        if self.more > 0 {
            self.told.push(format!("and {} more problems", self.more));
        }
        self.told
    }
}

/// A text of the description, short enough for a sentence.
pub(super) fn short(text: &str) -> String {
    const LONGEST: usize = 120;
    let mut shown: String = text
        .chars()
        .take(LONGEST)
        .map(|char| if char.is_control() { ' ' } else { char })
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}
