//! Two texts line by line: what is gone and what is new, with a little of what is around it.

use crate::console::document::Line;
use crate::console::theme::Tone;

/// Lines shown around a change.
const AROUND: usize = 2;

/// Beyond this many pairs of lines the middle is taken as wholly changed.
const MOST_PAIRS: usize = 4_000_000;

/// A line of the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compared<'t> {
    Same(&'t str),
    Gone(&'t str),
    New(&'t str),
}

/// What leads from one text to another; nothing when they are the same.
#[must_use]
pub fn compare(old: &str, new: &str, ellipsis: &str) -> Vec<Line> {
    let old: Vec<&str> = old.lines().collect();
    let new: Vec<&str> = new.lines().collect();
    let all = aligned(&old, &new);
    let is_change = |line: &Compared<'_>| !matches!(line, Compared::Same(_));
    let mut lines = Vec::new();
    let mut shown_until = 0;
    for (index, line) in all.iter().enumerate() {
        let from = index.saturating_sub(AROUND);
        let around = all.get(from..(index + AROUND + 1).min(all.len()));
        if !around.unwrap_or_default().iter().any(is_change) {
            continue;
        }
        if index > shown_until && !lines.is_empty() {
            lines.push(Line::of(Tone::Dim, format!("  {ellipsis}")));
        }
        shown_until = index + 1;
        lines.push(match line {
            Compared::Same(text) => Line::of(Tone::Dim, format!("  {text}")),
            Compared::Gone(text) => Line::of(Tone::Removed, format!("- {text}")),
            Compared::New(text) => Line::of(Tone::Added, format!("+ {text}")),
        });
    }
    lines
}

fn aligned<'t>(old: &[&'t str], new: &[&'t str]) -> Vec<Compared<'t>> {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (
        old.get(head..).unwrap_or_default(),
        new.get(head..).unwrap_or_default(),
    );
    let ends = old_rest.iter().rev().zip(new_rest.iter().rev());
    let tail = ends.take_while(|(a, b)| a == b).count();
    let old_middle = old_rest.get(..old_rest.len() - tail).unwrap_or_default();
    let new_middle = new_rest.get(..new_rest.len() - tail).unwrap_or_default();
    let same = |lines: &[&'t str]| -> Vec<Compared<'t>> {
        lines.iter().map(|line| Compared::Same(line)).collect()
    };
    let mut all = same(old.get(..head).unwrap_or_default());
    all.extend(middle(old_middle, new_middle));
    all.extend(same(
        old_rest.get(old_rest.len() - tail..).unwrap_or_default(),
    ));
    all
}

/// The longest common subsequence, walked from the front.
fn middle<'t>(old: &[&'t str], new: &[&'t str]) -> Vec<Compared<'t>> {
    let mut all = Vec::new();
    let (mut from, mut to) = (0, 0);
    if old.len().saturating_mul(new.len()) <= MOST_PAIRS {
        let width = new.len() + 1;
        let mut common = vec![0_u32; (old.len() + 1) * width];
        let at = |table: &[u32], row: usize, column: usize| {
            table.get(row * width + column).copied().unwrap_or(0)
        };
        for (row, one) in old.iter().enumerate().rev() {
            for (column, other) in new.iter().enumerate().rev() {
                let best = if one == other {
                    at(&common, row + 1, column + 1) + 1
                } else {
                    at(&common, row + 1, column).max(at(&common, row, column + 1))
                };
                if let Some(cell) = common.get_mut(row * width + column) {
                    *cell = best;
                }
            }
        }
        while let (Some(one), Some(other)) = (old.get(from), new.get(to)) {
            if one == other {
                all.push(Compared::Same(one));
                from += 1;
                to += 1;
            } else if at(&common, from + 1, to) >= at(&common, from, to + 1) {
                all.push(Compared::Gone(one));
                from += 1;
            } else {
                all.push(Compared::New(other));
                to += 1;
            }
        }
    }
    all.extend(old.iter().skip(from).map(|line| Compared::Gone(line)));
    all.extend(new.iter().skip(to).map(|line| Compared::New(line)));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(old: &str, new: &str) -> Vec<String> {
        let line = |line: &Line| {
            let pieces = line.pieces.iter();
            pieces.map(|piece| piece.text.as_str()).collect()
        };
        compare(old, new, "…").iter().map(line).collect()
    }

    #[test]
    fn a_change_is_shown_with_what_is_around_it() {
        let old = "a\nb\nc\nd\ne\nf\ng\nh\ni\n";
        let new = "a\nb\nc\nD\ne\nf\ng\nh\ni\nj\n";
        let lines = shown(old, new);
        assert_eq!(
            lines,
            [
                "  b", "  c", "- d", "+ D", "  e", "  f", "  …", "  h", "  i", "+ j"
            ]
        );
        assert!(shown(old, old).is_empty());
    }

    #[test]
    fn nothing_in_common_is_all_gone_and_all_new() {
        assert_eq!(shown("a\nb", "x"), ["- a", "- b", "+ x"]);
        assert_eq!(shown("", "x"), ["+ x"]);
    }
}
