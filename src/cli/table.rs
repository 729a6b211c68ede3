//! Tables aligned by the width of what is shown.

use super::text::{cut, push_line, safe, width};

/// On which side of its column a cell stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// Rows under headings.
pub(super) struct Table {
    columns: Vec<(&'static str, Side)>,
    rows: Vec<Vec<String>>,
}

/// The space between columns.
const GAP: usize = 2;

impl Table {
    pub(super) fn new(columns: &[(&'static str, Side)]) -> Self {
        Self {
            columns: columns.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row; cells beyond the columns are left out.
    pub(super) fn row<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = T>) {
        let cells = cells
            .into_iter()
            .map(|cell| safe(cell.as_ref()).into_owned());
        let mut row: Vec<_> = cells.take(self.columns.len()).collect();
        row.resize(self.columns.len(), String::new());
        self.rows.push(row);
    }

    /// The table as text. With a limit, the last column is cut so that no line is longer.
    pub(super) fn text(&self, limit: Option<usize>) -> String {
        let widths = self.widths();
        let mut text = String::new();
        let headings: Vec<_> = self.columns.iter().map(|(name, _)| *name).collect();
        self.line(&mut text, &headings, &widths, limit);
        for row in &self.rows {
            let cells: Vec<_> = row.iter().map(String::as_str).collect();
            self.line(&mut text, &cells, &widths, limit);
        }
        text
    }

    fn widths(&self) -> Vec<usize> {
        let widest = |column: usize, heading: &str| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells
                .map(|cell| width(cell))
                .max()
                .unwrap_or(0)
                .max(width(heading))
        };
        let columns = self.columns.iter().enumerate();
        columns
            .map(|(column, (heading, _))| widest(column, heading))
            .collect()
    }

    fn line(&self, text: &mut String, cells: &[&str], widths: &[usize], limit: Option<usize>) {
        let mut line = String::new();
        let last = self.columns.len().saturating_sub(1);
        for (place, ((cell, wide), (_, side))) in
            cells.iter().zip(widths).zip(&self.columns).enumerate()
        {
            let room = limit.filter(|_| place == last).map_or(usize::MAX, |limit| {
                limit.saturating_sub(width(&line)).max(8)
            });
            let cell = cut(cell, room);
            let padding = " ".repeat(wide.saturating_sub(width(&cell)));
            match side {
                Side::Left => line.extend([&*cell, &padding]),
                Side::Right => line.extend([&*padding, &cell]),
            }
            line.extend(std::iter::repeat_n(' ', GAP));
        }
        push_line(text, line.trim_end());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_what_is_seen() {
        let mut table = Table::new(&[
            ("name", Side::Left),
            ("n", Side::Right),
            ("why", Side::Left),
        ]);
        table.row(["日本", "7", "x"]);
        table.row(["a", "12", "y\u{1b}[2J"]);
        assert_eq!(
            table.text(None),
            "name   n  why\n日本   7  x\na     12  y[2J\n"
        );
    }

    #[test]
    fn the_last_column_gives_way_to_a_narrow_terminal() {
        let mut table = Table::new(&[("id", Side::Left), ("cause", Side::Left)]);
        table.row(["1", "no value for required location.state"]);
        let text = table.text(Some(20));
        assert!(text.lines().all(|line| width(line) <= 20), "{text}");
        assert!(text.contains("no value for re…"), "{text}");
    }
}
