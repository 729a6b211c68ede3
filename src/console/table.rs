//! Tables: columns that give way from the right in a declared order, and only the rows in sight.

use std::borrow::Cow;

use ratatui::layout::Rect;

use super::brush::Brush;
use super::text::cells;
use super::theme::Tone;

/// How wide a column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// So many columns of cells.
    Fixed(u16),
    /// What is left, but at least so many.
    Fill(u16),
}

/// On which side a column's values stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Texts.
    Left,
    /// Numbers.
    Right,
}

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its heading.
    pub title: &'static str,
    /// Its width.
    pub width: Width,
    /// The side of its values.
    pub side: Side,
    /// The smaller, the longer it stays when room gets scarce; 0 always stays.
    pub gives_way: u8,
}

/// A value in a row.
#[derive(Clone, Debug)]
pub struct Value<'a> {
    /// The text.
    pub text: Cow<'a, str>,
    /// Its role.
    pub tone: Tone,
}

impl<'a> Value<'a> {
    /// A value.
    #[must_use]
    pub fn new(text: impl Into<Cow<'a, str>>, tone: Tone) -> Self {
        Self {
            text: text.into(),
            tone,
        }
    }
}

/// Where each column is: its offset and width, nothing for those that gave way.
#[must_use]
pub fn places<const N: usize>(columns: &[Column; N], room: u16) -> [Option<(u16, u16)>; N] {
    let least = |column: &Column| match column.width {
        Width::Fixed(width) | Width::Fill(width) => width + 1,
    };
    let mut kept = [true; N];
    loop {
        let needed: u16 = columns
            .iter()
            .zip(kept)
            .filter(|(_, kept)| *kept)
            .map(|(column, _)| least(column))
            .sum();
        if needed <= room + 1 {
            break;
        }
        let candidates = columns.iter().enumerate().zip(kept);
        let first = candidates
            .filter(|((_, column), kept)| *kept && column.gives_way > 0)
            .max_by_key(|((_, column), _)| column.gives_way);
        match first {
            Some(((index, _), _)) => {
                if let Some(place) = kept.get_mut(index) {
                    *place = false;
                }
            }
            None => break,
        }
    }
    let fixed: u16 = columns
        .iter()
        .zip(kept)
        .filter(|(_, kept)| *kept)
        .map(|(column, _)| match column.width {
            Width::Fixed(width) => width + 1,
            Width::Fill(_) => 1,
        })
        .sum();
    let fills = columns
        .iter()
        .zip(kept)
        .filter(|(column, kept)| *kept && matches!(column.width, Width::Fill(_)))
        .count();
    let share = (room + 1).saturating_sub(fixed) / cells(fills.max(1));
    let mut at = 0;
    let mut found = [None; N];
    for ((place, column), kept) in found.iter_mut().zip(columns).zip(kept) {
        if !kept || at >= room {
            continue;
        }
        let width = match column.width {
            Width::Fixed(width) => width,
            Width::Fill(_) => share,
        };
        *place = Some((at, width.min(room - at)));
        at += width + 1;
    }
    found
}

/// Writes the headings.
pub fn heading<const N: usize>(
    brush: &mut Brush<'_>,
    area: Rect,
    columns: &[Column; N],
    sorted: Option<&str>,
) {
    for (column, place) in columns.iter().zip(places(columns, area.width)) {
        let Some((offset, width)) = place else {
            continue;
        };
        let tone = if sorted == Some(column.title) {
            Tone::Accent
        } else {
            Tone::Dim
        };
        match column.side {
            Side::Left => {
                brush.put(area.x + offset, area.y, width, column.title, tone);
            }
            Side::Right => brush.put_right(area.x + offset, area.y, width, column.title, tone),
        }
    }
}

/// Writes one row.
pub fn row<const N: usize>(
    brush: &mut Brush<'_>,
    area: Rect,
    columns: &[Column; N],
    places: &[Option<(u16, u16)>; N],
    values: &[Value<'_>; N],
) {
    for ((column, place), value) in columns.iter().zip(places).zip(values) {
        let Some((offset, width)) = *place else {
            continue;
        };
        match column.side {
            Side::Left => {
                brush.put(area.x + offset, area.y, width, &value.text, value.tone);
            }
            Side::Right => {
                brush.put_right(area.x + offset, area.y, width, &value.text, value.tone);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 3] = [
        Column {
            title: "n",
            width: Width::Fixed(4),
            side: Side::Right,
            gives_way: 0,
        },
        Column {
            title: "step",
            width: Width::Fixed(8),
            side: Side::Left,
            gives_way: 1,
        },
        Column {
            title: "cause",
            width: Width::Fill(10),
            side: Side::Left,
            gives_way: 0,
        },
    ];

    #[test]
    fn columns_give_way_in_their_order_and_the_rest_fills() {
        assert_eq!(
            places(&COLUMNS, 40),
            [Some((0, 4)), Some((5, 8)), Some((14, 26))]
        );
        assert_eq!(places(&COLUMNS, 20), [Some((0, 4)), None, Some((5, 15))]);
        assert_eq!(places(&COLUMNS, 3), [Some((0, 3)), None, None]);
        assert_eq!(places(&COLUMNS, 0), [None, None, None]);
    }
}
