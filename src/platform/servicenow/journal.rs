//! Notes: the journal fields `comments` (the caller sees them) and `work_notes` (staff alone).
//!
//! The vendor's rules that this follows: a note is written by setting the field, is kept for ever, and is given no id in the
//! answer; a plain read gives these fields empty. What was written stands in `sys_journal_field`, which many users may
//! not read (403, or emptiness); the record itself shows it as one rendered text, newest first, each note under a line
//! `2024-01-31 10:00:00 - User Name (Work notes)` in the reader's own time zone.
//!
//! A note's id is made from its field, its text and how many alike came before, so that it is the same whichever way it was read.

use std::collections::HashMap;

use http::Method;
use jiff::SignedDuration;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::ServiceNow;
use super::api::Listing;
use super::failure::{Deed, Right};
use super::query::Query;
use super::record::{self, cell, civil, moment, shown};
use super::sys_id::SysId;
use crate::http::Call;
use crate::model::{Category, Failure, Note, NoteVisibility, Timestamp};

/// The journal fields that are carried.
pub(super) const ELEMENTS: [&str; 2] = ["comments", "work_notes"];

/// The journal field of a visibility.
pub(super) fn element(visibility: NoteVisibility) -> &'static str {
    match visibility {
        NoteVisibility::Public => "comments",
        NoteVisibility::Internal => "work_notes",
    }
}

fn visibility(element: &str) -> NoteVisibility {
    if element == "comments" {
        NoteVisibility::Public
    } else {
        NoteVisibility::Internal
    }
}

/// A note before it has an id.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    element: String,
    text: String,
    author: String,
    at: Option<Timestamp>,
    by_us: bool,
}

impl ServiceNow {
    /// Reads a record's notes, oldest first.
    pub(super) async fn read_notes(&self, call: &Call, id: &SysId) -> Result<Vec<Note>, Failure> {
        let entries = match self.journal_rows(call, id).await? {
            Some(entries) => entries,
            None => self.rendered(call, id).await?,
        };
        Ok(with_ids(entries))
    }

    /// The rows of the journal; `None` when they can't be read, or show nothing and never did.
    async fn journal_rows(&self, call: &Call, id: &SysId) -> Result<Option<Vec<Entry>>, Failure> {
        let query = Query::is("element_id", id.as_str())?
            .and_one_of("element", &ELEMENTS)?
            .by("sys_created_on")
            .by("sys_id");
        let deed = Deed::new(Right::ReadJournal, format!("read the notes of {id}"));
        let fields = "sys_id,element,element_id,name,value,sys_created_on,sys_created_by";
        let listing = Listing::of("sys_journal_field", &query, fields);
        let rows = match self.api.rows(call, &deed, listing).await {
            Ok(rows) => rows,
            Err(failure) if failure.category == Category::Configuration => return Ok(None),
            Err(failure) => return Err(failure),
        };
        // Compared here as well: a dropped condition would bring in other records' notes.
        let own: Vec<Entry> = rows
            .iter()
            .filter(|row| cell(row, "element_id") == id.as_str())
            .filter(|row| ELEMENTS.contains(&cell(row, "element").as_str()))
            .map(|row| Entry {
                element: cell(row, "element"),
                text: plain(&cell(row, "value")),
                author: cell(row, "sys_created_by"),
                at: moment(&cell(row, "sys_created_on")),
                by_us: self.is_us(&cell(row, "sys_created_by")),
            })
            .filter(|entry| !entry.text.is_empty())
            .collect();
        if !own.is_empty() {
            self.session.journal_can_be_read();
        }
        let is_known = !own.is_empty() || self.session.journal_was_read();
        Ok(is_known.then_some(own))
    }

    /// The notes as the record renders them.
    async fn rendered(&self, call: &Call, id: &SysId) -> Result<Vec<Entry>, Failure> {
        let table = &self.settings.table;
        let deed = Deed::new(
            Right::Read,
            format!("read the rendered notes of {table} {id}"),
        );
        let request = self
            .api
            .record(Method::GET, table, id)
            .query("sysparm_display_value", "all")
            .query("sysparm_fields", "comments,work_notes,sys_updated_on");
        let Some(result) = self.api.result_if_there(call, &deed, request).await? else {
            return Ok(Vec::new());
        };
        let text = |name: &str| result.get(name).map(shown).unwrap_or_default();
        let offset = result.get("sys_updated_on").and_then(offset);
        let mut entries = Vec::new();
        for element in ELEMENTS {
            let text = text(element);
            let blocks = blocks(&text);
            if blocks.is_empty() && !text.trim().is_empty() {
                return Err(unreadable(element, &text));
            }
            entries.extend(blocks.into_iter().rev().map(|block| (element, block)));
        }
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let own = self.own_name(call).await?.map(str::to_owned);
        let mut entries: Vec<Entry> = entries
            .into_iter()
            .map(|(element, block)| Entry {
                element: element.to_owned(),
                by_us: own.as_deref() == Some(block.author.as_str()) || self.is_us(&block.author),
                author: block.author,
                text: plain(&block.text),
                at: offset.and_then(|offset| {
                    let zoned = block
                        .at
                        .checked_sub(offset)
                        .ok()?
                        .to_zoned(TimeZone::UTC)
                        .ok()?;
                    Some(zoned.timestamp())
                }),
            })
            .filter(|entry| !entry.text.is_empty())
            .collect();
        entries.sort_by_key(|entry| entry.at);
        Ok(entries)
    }

    /// Adds a note. The vendor gives it no id.
    pub(super) async fn write_note(
        &self,
        call: &Call,
        id: &SysId,
        note: &Note,
    ) -> Result<(), Failure> {
        let text = guarded(&note.text);
        if text.trim().is_empty() {
            return Err(Failure::new(
                Category::Validation,
                format!("the note for {} {id} has no text", self.settings.table),
            ));
        }
        let mut body = Map::new();
        body.insert(element(note.visibility).to_owned(), text.into());
        let deed = Deed::new(
            Right::Write,
            format!("add a note to {} {id}", self.settings.table),
        );
        self.patch(call, &deed, id, body).await.map(drop)
    }

    /// Of mapped notes, those that do not stand there by our hand yet: a repeated update must not repeat them.
    pub(super) async fn not_yet_there(
        &self,
        call: &Call,
        id: &SysId,
        wanted: Vec<(&'static str, String)>,
    ) -> Result<Vec<(&'static str, String)>, Failure> {
        if wanted.is_empty() {
            return Ok(wanted);
        }
        let there = self.read_notes(call, id).await?;
        let stands = |(name, text): &(&'static str, String)| {
            there.iter().any(|note| {
                note.by_us
                    && element(note.visibility) == *name
                    && squeezed(&note.text) == squeezed(&plain(text))
            })
        };
        Ok(wanted.into_iter().filter(|one| !stands(one)).collect())
    }
}

fn unreadable(element: &str, text: &str) -> Failure {
    let begin: String = text
        .trim()
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(60)
        .collect();
    Failure::new(
        Category::Configuration,
        format!("the rendered {element} begin with `{begin}`, which names no date, author and kind"),
    )
    .hint("Let the connector's user read sys_journal_field, or set its date format to yyyy-MM-dd and its time format to HH:mm:ss.")
}

/// How far the reader's clock is ahead of UTC, by a moment that is told both ways.
fn offset(cell: &Value) -> Option<SignedDuration> {
    let (utc, local) = (civil(&record::raw(cell))?, civil(&shown(cell))?);
    Some(local.duration_since(utc))
}

/// One note of a rendered journal.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    at: DateTime,
    author: String,
    text: String,
}

/// The notes of a rendered journal in the order they stand in, newest first.
fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for line in text.lines() {
        if let Some((at, author)) = head(line) {
            blocks.push(Block {
                at,
                author: author.to_owned(),
                text: String::new(),
            });
        } else if let Some(block) = blocks.last_mut() {
            block.text.push_str(line);
            block.text.push('\n');
        }
    }
    blocks
}

/// `2024-01-31 10:00:00 - User Name (Work notes)`.
fn head(line: &str) -> Option<(DateTime, &str)> {
    let (stamp, rest) = line.trim_end().split_once(" - ")?;
    let at = civil(stamp)?;
    let (author, kind) = rest.rsplit_once(" (")?;
    (kind.ends_with(')') && !author.trim().is_empty()).then_some((at, author.trim()))
}

fn with_ids(entries: Vec<Entry>) -> Vec<Note> {
    let mut alike: HashMap<(String, String), usize> = HashMap::new();
    entries
        .into_iter()
        .map(|entry| {
            let text = squeezed(&entry.text);
            let count = alike
                .entry((entry.element.clone(), text.clone()))
                .or_default();
            let id = note_id(&entry.element, &text, *count);
            *count += 1;
            Note {
                id,
                text: entry.text,
                visibility: visibility(&entry.element),
                author: Some(entry.author).filter(|author| !author.is_empty()),
                created_at: entry.at,
                by_us: entry.by_us,
            }
        })
        .collect()
}

fn note_id(element: &str, text: &str, count: usize) -> String {
    let digest = Sha256::digest(format!("{element}\n{count}\n{text}").as_bytes());
    let short = digest.get(..12).unwrap_or(&digest);
    format!("{element}-{}", hex::encode(short))
}

/// A text without regard to how its white space was kept.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A note's text without what the vendor renders as HTML: `[code]<b>x</b>[/code]`.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("[code]") {
        plain.push_str(&rest[..start]);
        let inner = &rest[start + "[code]".len()..];
        let end = inner.find("[/code]").unwrap_or(inner.len());
        plain.push_str(&without_tags(&inner[..end]));
        rest = inner.get(end + "[/code]".len()..).unwrap_or_default();
    }
    plain.push_str(rest);
    plain.trim().to_owned()
}

fn without_tags(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut in_tag = false;
    for letter in html.chars() {
        match letter {
            '<' => in_tag = true,
            '>' if in_tag => {
                in_tag = false;
                text.push(' ');
            }
            _ if !in_tag => text.push(letter),
            _ => {}
        }
    }
    let unescaped = text
        .replace("&nbsp;", " ")
        .replace("&lt;", "<")
        .replace("&gt;", ">");
    unescaped
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

/// A text of somebody else's that is to be shown as it is: what would be rendered as HTML is not.
pub(super) fn guarded(text: &str) -> String {
    text.replace("[code]", "(code)")
        .replace("[/code]", "(/code)")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const RENDERED: &str = "2026-03-01 06:05:00 - Sample Dispatcher (Work notes)\nSecond line one\nline two\n\n2026-03-01 06:00:00 - Connector User (Work notes)\nFirst\n\n";

    fn entry(element: &str, text: &str) -> Entry {
        Entry {
            element: element.to_owned(),
            text: text.to_owned(),
            author: "a".to_owned(),
            at: None,
            by_us: false,
        }
    }

    #[test]
    fn a_rendered_journal_is_taken_apart() {
        let blocks = blocks(RENDERED);
        assert_eq!(blocks.len(), 2);
        assert_eq!(blocks[0].author, "Sample Dispatcher");
        assert_eq!(plain(&blocks[0].text), "Second line one\nline two");
        assert_eq!(blocks[1].at, civil("2026-03-01 06:00:00").unwrap());
    }

    #[test]
    fn what_only_looks_like_a_head_is_text() {
        for line in [
            "2026-03-01 - A (B)",
            "- A (Work notes)",
            "2026-03-01 06:00:00 - A",
            "2026-03-01 06:00:00 A (B)",
            "01/03/2026 06:00:00 - A (B)",
            "2026-03-01 06:00:00 -  (B)",
        ] {
            assert!(head(line).is_none(), "{line}");
        }
        assert_eq!(
            head("2026-03-01 06:00:00 - A (ext) (Work notes)")
                .unwrap()
                .1,
            "A (ext)"
        );
        assert!(super::blocks("no head at all").is_empty());
    }

    #[test]
    fn the_same_note_has_the_same_id_whichever_way_it_was_read() {
        let rows = with_ids(vec![
            entry("comments", "ok"),
            entry("work_notes", "ok"),
            entry("comments", "ok"),
        ]);
        let rendered = with_ids(vec![
            entry("work_notes", " ok\n"),
            entry("comments", "ok"),
            entry("comments", "ok"),
        ]);
        assert_eq!(rows[0].id, rendered[1].id);
        assert_eq!(rows[1].id, rendered[0].id);
        assert_eq!(rows[2].id, rendered[2].id);
        assert_ne!(rows[0].id, rows[2].id);
    }

    #[test]
    fn the_readers_clock_is_told_by_a_moment_given_both_ways() {
        let cell = json!({"value": "2026-03-01 12:00:00", "display_value": "2026-03-01 06:00:00"});
        assert_eq!(offset(&cell), Some(SignedDuration::from_hours(-6)));
        let odd = json!({"value": "2026-03-01 12:00:00", "display_value": "01.03.2026 06:00"});
        assert_eq!(offset(&odd), None);
    }

    #[test]
    fn html_neither_comes_in_nor_goes_out() {
        assert_eq!(plain("a [code]<p>b &amp; c</p>[/code] d"), "a  b & c  d");
        assert_eq!(plain("[code]<b>x"), "x");
        assert_eq!(guarded("[code]<script>[/code]"), "(code)<script>(/code)");
    }
}
