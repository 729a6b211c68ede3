//! Notes of a ticket: where they stand decides who reads them.
//!
//! The *Discussion* tab (`detailDescriptionFlag`) and the *Resolution* tab (`resolutionFlag`) show to the customer, the
//! *Internal* tab (`internalAnalysisFlag`) does not. The initial description is the first note of the discussion.

use http::Method;
use serde_json::{Value, json};

use super::error::Right;
use super::session::{Ask, Session, created_id};
use super::settings::NoteMails;
use crate::http::Call;
use crate::model::{Failure, Note, NoteVisibility};
use crate::platform::basics::{id_text, is_true, moment_at, text_at};

/// Where a note stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Discussion,
    Internal,
    Resolution,
}

impl Place {
    pub(super) fn of(visibility: NoteVisibility) -> Self {
        match visibility {
            NoteVisibility::Public => Self::Discussion,
            NoteVisibility::Internal => Self::Internal,
        }
    }

    pub(super) fn flag(self) -> &'static str {
        match self {
            Self::Discussion => "detailDescriptionFlag",
            Self::Internal => "internalAnalysisFlag",
            Self::Resolution => "resolutionFlag",
        }
    }

    fn holds(self, note: &Value) -> bool {
        is_true(note, self.flag())
    }
}

/// Which notes are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// The ticket's own.
    Ticket,
    /// Those of its time entries too.
    All,
}

/// Reads the notes of a ticket as they come.
pub(super) async fn read(
    session: &Session,
    call: &Call,
    ticket: u64,
    scope: Scope,
) -> Result<Vec<Value>, Failure> {
    let list = match scope {
        Scope::Ticket => "notes",
        Scope::All => "allNotes",
    };
    let path = format!("service/tickets/{ticket}/{list}");
    let ask = Ask::get(
        path,
        Right::ReadTickets,
        format!("read the notes of ticket {ticket}"),
    );
    session.list(call, &ask).await
}

/// The notes in the terms of the model, oldest first.
pub(super) fn understood(session: &Session, read: &[Value]) -> Vec<Note> {
    let mut notes: Vec<Note> = read
        .iter()
        .filter_map(|note| understand(session, note))
        .collect();
    notes.sort_by(|one, other| {
        one.created_at
            .cmp(&other.created_at)
            .then_with(|| order(one).cmp(&order(other)))
    });
    notes
}

fn order(note: &Note) -> (usize, &str) {
    (note.id.len(), &note.id)
}

fn understand(session: &Session, note: &Value) -> Option<Note> {
    let text = text_at(note, &["text"])?;
    let id = note.get("id").and_then(id_text)?;
    let authors: [&[&str]; 4] = [
        &["member", "identifier"],
        &["createdBy"],
        &["originalAuthor"],
        &["_info", "enteredBy"],
    ];
    let author: [&[&str]; 5] = [
        &["member", "name"],
        &["contact", "name"],
        &["createdBy"],
        &["originalAuthor"],
        &["member", "identifier"],
    ];
    let moments: [&[&str]; 4] = [
        &["dateCreated"],
        &["_info", "dateEntered"],
        &["timeStart"],
        &["_info", "lastUpdated"],
    ];
    Some(Note {
        // Time entries are numbered apart from notes.
        id: if is_time(note) {
            format!("time-{id}")
        } else {
            id
        },
        text: text.replace("\r\n", "\n"),
        visibility: visibility(note),
        author: author
            .iter()
            .find_map(|way| text_at(note, way))
            .map(str::to_owned),
        created_at: moments.iter().find_map(|way| moment_at(note, way)),
        by_us: authors.iter().any(|way| session.is_us(text_at(note, way))),
    })
}

fn is_time(note: &Value) -> bool {
    text_at(note, &["noteType"]).is_some_and(|kind| kind.to_ascii_lowercase().contains("time"))
}

fn visibility(note: &Value) -> NoteVisibility {
    if Place::Discussion.holds(note) || Place::Resolution.holds(note) {
        NoteVisibility::Public
    } else {
        NoteVisibility::Internal
    }
}

/// What a ticket's tabs begin with: the three texts that a ticket is created with and never shows as fields.
/// The resolution is the latest, for it is what counts.
pub(super) fn tab_texts(read: &[Value]) -> [(&'static str, Option<&str>); 3] {
    let mut own: Vec<(&Value, &str)> = read
        .iter()
        .filter(|note| !is_time(note))
        .filter_map(|note| Some((note, text_at(note, &["text"])?)))
        .collect();
    own.sort_by_key(|(note, _)| note.get("id").and_then(Value::as_i64));
    let first = |fits: &dyn Fn(&Value) -> bool| {
        let found = own.iter().find(|(note, _)| fits(note));
        found.map(|(_, text)| *text)
    };
    let last = own.iter().rfind(|(note, _)| Place::Resolution.holds(note));
    let inside =
        |note: &Value| Place::Internal.holds(note) && visibility(note) == NoteVisibility::Internal;
    [
        (
            "initialDescription",
            first(&|note| Place::Discussion.holds(note)),
        ),
        ("internalAnalysis", first(&inside)),
        ("resolution", last.map(|(_, text)| *text)),
    ]
}

/// Whether one of the notes read says this text in this place already.
pub(super) fn says(read: &[Value], place: Place, text: &str) -> bool {
    // The vendor may show line ends as spaces.
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let wanted = plain(text);
    read.iter().any(|note| {
        place.holds(note) && text_at(note, &["text"]).is_some_and(|text| plain(text) == wanted)
    })
}

/// Adds a note and answers its id.
pub(super) async fn add(
    session: &Session,
    call: &Call,
    ticket: u64,
    place: Place,
    text: &str,
    mails: NoteMails,
) -> Result<String, Failure> {
    let mut body = json!({
        "text": text,
        "detailDescriptionFlag": false,
        "internalAnalysisFlag": false,
        "resolutionFlag": false,
        "customerUpdatedFlag": false,
        "processNotifications": mails == NoteMails::Sent,
    });
    body[place.flag()] = Value::Bool(true);
    let what = format!("add a note to ticket {ticket}");
    let path = format!("service/tickets/{ticket}/notes");
    let ask = Ask::new(Method::POST, path, Right::EditTickets, what.as_str()).json(body);
    let answer = session.json(call, &ask).await?;
    session.learn_member(text_at(&answer, &["createdBy"]));
    created_id(&answer, &what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::connectwise::samples::sample;

    fn note(id: i64, flags: &[&str], text: &str) -> Value {
        let mut note = json!({"id": id, "text": text});
        for flag in flags {
            note[*flag] = Value::Bool(true);
        }
        note
    }

    #[test]
    fn the_flags_decide_who_reads() {
        for (flags, reads) in [
            (&["detailDescriptionFlag"][..], NoteVisibility::Public),
            (&["resolutionFlag"], NoteVisibility::Public),
            (&["internalAnalysisFlag"], NoteVisibility::Internal),
            (
                &["internalAnalysisFlag", "detailDescriptionFlag"],
                NoteVisibility::Public,
            ),
            (&[], NoteVisibility::Internal),
            // These two tell where a note came from, not who reads it.
            (&["externalFlag"], NoteVisibility::Internal),
        ] {
            assert_eq!(visibility(&note(1, flags, "x")), reads, "{flags:?}");
        }
    }

    #[test]
    fn tabs_begin_with_their_first_note_and_end_with_the_last_resolution() {
        let notes = [
            note(9, &["detailDescriptionFlag"], "later"),
            note(3, &["detailDescriptionFlag"], "first"),
            note(4, &["internalAnalysisFlag"], "inside"),
            note(5, &["resolutionFlag"], "tried"),
            note(7, &["resolutionFlag"], "done"),
        ];
        let texts = tab_texts(&notes).map(|(_, text)| text);
        assert_eq!(texts, [Some("first"), Some("inside"), Some("done")]);
        assert_eq!(tab_texts(&[]).map(|(_, text)| text), [None; 3]);
    }

    #[test]
    fn the_sample_gives_the_description() {
        let Some(text) = sample("ticket-notes-list.json") else {
            return;
        };
        let notes: Vec<Value> = serde_json::from_str(&text).unwrap();
        assert_eq!(tab_texts(&notes)[0].1, Some("Some Text On This Note"));
        assert!(says(&notes, Place::Discussion, "Some Text\nOn This Note"));
        assert!(!says(&notes, Place::Internal, "Some Text On This Note"));
    }
}
