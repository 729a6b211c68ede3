//! The selected row of a list, which stays on its item while the list changes around it; and the marks.

use std::collections::BTreeSet;

/// A place in a list whose rows are known by key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor<K> {
    selected: Option<K>,
    index: usize,
    offset: usize,
    /// The marked rows.
    pub marks: BTreeSet<K>,
    anchor: Option<K>,
}

impl<K> Default for Cursor<K> {
    fn default() -> Self {
        Self {
            selected: None,
            index: 0,
            offset: 0,
            marks: BTreeSet::new(),
            anchor: None,
        }
    }
}

impl<K: Clone + Ord> Cursor<K> {
    /// The selected row's key.
    #[must_use]
    pub fn selected(&self) -> Option<&K> {
        self.selected.as_ref()
    }

    /// The selected row.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// The first row in sight.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Finds the selected item again after the list changed; the row in its place when it is gone.
    pub fn follow(&mut self, keys: &[K]) {
        let found = self
            .selected
            .as_ref()
            .and_then(|selected| keys.iter().position(|key| key == selected));
        self.index = found.unwrap_or_else(|| self.index.min(keys.len().saturating_sub(1)));
        self.selected = keys.get(self.index).cloned();
    }

    /// Selects a row by number, the last one if there are fewer.
    pub fn select(&mut self, keys: &[K], index: usize) {
        self.index = index.min(keys.len().saturating_sub(1));
        self.selected = keys.get(self.index).cloned();
    }

    /// Selects the row so many further down; negative means up.
    pub fn step(&mut self, keys: &[K], rows: isize) {
        self.select(keys, self.index.saturating_add_signed(rows));
    }

    /// Brings the selected line into sight: `line` is where its row begins, `height` how many lines it has.
    pub fn reveal(&mut self, line: usize, height: usize, lines: usize, rows: usize) {
        let end = line + height.min(rows);
        if line < self.offset {
            self.offset = line;
        } else if end > self.offset + rows {
            self.offset = end - rows;
        }
        self.offset = self.offset.min(lines.saturating_sub(rows));
    }

    /// Marks the selected row, or takes its mark away, and remembers it as the beginning of a range.
    pub fn toggle_mark(&mut self) {
        let Some(selected) = self.selected.clone() else {
            return;
        };
        if !self.marks.remove(&selected) {
            self.marks.insert(selected.clone());
        }
        self.anchor = Some(selected);
    }

    /// Marks everything between the row marked last and the selected one.
    pub fn mark_range(&mut self, keys: &[K]) {
        let anchor = self
            .anchor
            .as_ref()
            .and_then(|anchor| keys.iter().position(|key| key == anchor))
            .unwrap_or(self.index);
        let (first, last) = (anchor.min(self.index), anchor.max(self.index));
        let range = keys.iter().skip(first).take(last - first + 1);
        self.marks.extend(range.cloned());
    }

    /// Takes all marks away.
    pub fn clear_marks(&mut self) {
        self.marks.clear();
        self.anchor = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_selection_stays_on_its_item() {
        let mut cursor = Cursor::default();
        cursor.follow(&["a", "b", "c"]);
        assert_eq!(cursor.selected(), Some(&"a"));
        cursor.step(&["a", "b", "c"], 1);
        cursor.follow(&["x", "y", "a", "b", "c"]);
        assert_eq!((cursor.index(), cursor.selected()), (3, Some(&"b")));
        cursor.follow(&["x", "c"]);
        assert_eq!(cursor.selected(), Some(&"c"));
        cursor.follow(&[]);
        assert_eq!(cursor.selected(), None);
    }

    #[test]
    fn the_selected_row_is_always_in_sight() {
        let mut cursor = Cursor::<u8>::default();
        cursor.reveal(12, 1, 20, 5);
        assert_eq!(cursor.offset(), 8);
        cursor.reveal(3, 2, 20, 5);
        assert_eq!(cursor.offset(), 3);
        cursor.reveal(3, 1, 4, 5);
        assert_eq!(cursor.offset(), 0);
        cursor.reveal(0, 3, 3, 0);
    }

    #[test]
    fn a_range_is_marked_from_the_last_mark() {
        let keys = [1, 2, 3, 4, 5];
        let mut cursor = Cursor::default();
        cursor.select(&keys, 3);
        cursor.toggle_mark();
        cursor.select(&keys, 1);
        cursor.mark_range(&keys);
        assert_eq!(cursor.marks.iter().copied().collect::<Vec<_>>(), [2, 3, 4]);
        cursor.clear_marks();
        assert!(cursor.marks.is_empty());
    }
}
