//! A new connector of an API's description: which file, what of it, and the connector's file as it would be.
//!
//! Plain data, as all state of the console. What there is to choose comes from the engine ([`Offer`]); the choice is
//! the person's, and nothing is written before they say so.

pub mod chooser;
pub(super) mod effect;
pub mod message;
pub mod rows;

pub use chooser::Chooser;
pub use message::{Answer, Ask};
pub use rows::Row;

use super::document::{Document, Line};
use super::input::Input;
use super::theme::Tone;
use super::toml_look;
use crate::engine::{DescriptionRequest, Extent, MadeConnector, MakeConnector};
use crate::model::ConnectorId;
use crate::platform::{Choice, Offer, Purpose};

/// How far a new connector is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Step {
    /// The description and the connector's names are typed.
    #[default]
    Start,
    /// What of the description is used is chosen.
    Choose,
    /// The file is shown.
    Preview,
}

/// A line of the first step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Field {
    /// Where the description is.
    #[default]
    File,
    /// The connector's id.
    Id,
    /// What people call it.
    Name,
}

impl Field {
    /// All of them, from top to bottom.
    pub const ALL: [Self; 3] = [Self::File, Self::Id, Self::Name];

    /// What it is called.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::File => "description",
            Self::Id => "id",
            Self::Name => "name",
        }
    }

    /// What belongs there.
    #[must_use]
    pub fn hint(self) -> &'static str {
        match self {
            Self::File => {
                "an OpenAPI file or directory; a relative one lies in the config directory"
            }
            Self::Id => {
                "lower-case letters, digits and dashes, such as rest-erp; it names the files"
            }
            Self::Name => "what people call the connector; its id if this stays empty",
        }
    }

    /// The one so many further down; there is none past the ends.
    #[must_use]
    pub fn beside(self, by: isize) -> Option<Self> {
        let at = (self as usize).checked_add_signed(by)?;
        Self::ALL.get(at).copied()
    }
}

/// What was asked of the engine, and what the answer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// What the description offers, to begin with.
    Description,
    /// What it offers around another fetch.
    Around,
    /// What it offers when the record is elsewhere in the answer.
    Envelope,
    /// The file as it would be.
    DryRun,
    /// The file, written.
    Write,
}

/// A connector being made.
#[derive(Clone, Debug, Default)]
pub struct Wizard {
    /// How far it is.
    pub step: Step,
    /// What is typed in the first step, in the order of [`Field::ALL`].
    pub inputs: [Input; 3],
    /// Where typing goes.
    pub field: Field,
    /// The descriptions that were found in the config directory.
    pub files: Vec<String>,
    /// The question under way, by its ticket.
    pub awaited: Option<(u64, Awaited)>,
    /// What is wrong, told where the person is.
    pub problem: Option<String>,
    /// What there is to choose from.
    pub offer: Option<Box<Offer>>,
    /// The file that it was read from.
    pub offered_of: String,
    /// What is chosen.
    pub choice: Choice,
    /// The selected row of the second step.
    pub selected: usize,
    /// The first row in sight.
    pub offset: usize,
    /// The connector as it would be.
    pub made: Option<Box<MadeConnector>>,
    /// Its file, laid out.
    pub preview: Document,
}

impl Wizard {
    /// What is typed in a line of the first step.
    #[must_use]
    pub fn typed(&self, field: Field) -> &str {
        let [file, id, name] = &self.inputs;
        let input = match field {
            Field::File => file,
            Field::Id => id,
            Field::Name => name,
        };
        input.text().trim()
    }

    /// The line where typing goes.
    pub fn input(&mut self) -> &mut Input {
        let [file, id, name] = &mut self.inputs;
        match self.field {
            Field::File => file,
            Field::Id => id,
            Field::Name => name,
        }
    }

    /// Types in the line where typing goes. What the engine was asked for before was about something else.
    pub fn type_with(&mut self, typing: impl FnOnce(&mut Input)) {
        let before = self.input().text().to_owned();
        typing(self.input());
        self.problem = None;
        if self.input().text() != before {
            self.awaited = None;
        }
    }

    /// The connector's id, or why it is none.
    ///
    /// # Errors
    /// A sentence.
    pub fn id(&self) -> Result<ConnectorId, String> {
        ConnectorId::new(self.typed(Field::Id)).map_err(|error| error.to_string())
    }

    /// Whether leaving would lose something.
    #[must_use]
    pub fn is_begun(&self) -> bool {
        self.offer.is_some()
            || Field::ALL
                .iter()
                .any(|field| !self.typed(*field).is_empty())
    }

    /// The descriptions found that go on as is typed.
    #[must_use]
    pub fn matching_files(&self) -> Vec<&str> {
        let typed = self.typed(Field::File).to_lowercase();
        let files = self.files.iter().map(String::as_str);
        files
            .filter(|file| file.to_lowercase().contains(&typed) && **file != *typed)
            .collect()
    }

    /// The question what the description offers, around what is chosen already.
    #[must_use]
    pub fn description(&self, connector: ConnectorId) -> DescriptionRequest {
        let file = self.typed(Field::File).to_owned();
        let known = self.offer.is_some() && self.offered_of == file;
        let fetch = self.choice.operation(Purpose::Fetch).map(str::to_owned);
        DescriptionRequest {
            connector: Some(connector),
            fetch: fetch.filter(|_| known),
            envelope: self.choice.envelope.clone().filter(|_| known),
            file,
        }
    }

    /// The request for the connector.
    #[must_use]
    pub fn request(&self, connector: ConnectorId, extent: Extent) -> MakeConnector {
        let name = self.typed(Field::Name);
        MakeConnector {
            connector,
            file: self.typed(Field::File).to_owned(),
            choice: Choice {
                name: (!name.is_empty()).then(|| name.to_owned()),
                ..self.choice.clone()
            },
            extent,
        }
    }

    /// The rows of the second step.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        self.offer
            .as_ref()
            .map_or_else(Vec::new, |offer| rows::rows(offer, &self.choice))
    }

    /// Moves the selection of the second step.
    pub fn step_row(&mut self, by: isize) {
        let last = self.rows().len().saturating_sub(1);
        self.selected = self.selected.saturating_add_signed(by).min(last);
    }

    /// Brings the selected row into sight.
    pub fn reveal(&mut self, rows: usize) {
        let all = self.rows().len();
        self.selected = self.selected.min(all.saturating_sub(1));
        if self.selected < self.offset {
            self.offset = self.selected;
        } else if self.selected >= self.offset + rows.max(1) {
            self.offset = self.selected + 1 - rows.max(1);
        }
        self.offset = self.offset.min(all.saturating_sub(rows));
    }

    /// Whether the connector that is shown can be made.
    #[must_use]
    pub fn can_be(&self) -> bool {
        let made = self.made.as_ref();
        made.is_some_and(|made| made.problems.is_empty())
    }

    /// Takes the connector as it would be, and lays it out: what is wrong or missing, what is set, the whole file.
    pub fn show(&mut self, made: Box<MadeConnector>, failed: &str, warn: &str) {
        let mut lines = Vec::new();
        for problem in &made.problems {
            let place = problem
                .place
                .map_or_else(String::new, |place| format!("line {}: ", place.line));
            let line = Line::of(Tone::Failed, format!("{failed} {place}{}", problem.what));
            lines.push(line.with(Tone::Dim, told(&problem.mend)).hanging(2));
        }
        for name in &made.missing_secrets {
            lines.push(
                Line::of(
                    Tone::Warn,
                    format!("{warn} the secret {name} is not kept yet"),
                )
                .with(Tone::Dim, format!(" (fieldbridge secret set {name})"))
                .hanging(2),
            );
        }
        let is_set = |line: &&str| !line.is_empty() && !line.starts_with(['#', '[']);
        let open = made.text.lines().filter(is_set);
        for line in open.filter(|line| line.contains("\"CHANGE ME\"")) {
            let key = line.split(" = ").next().unwrap_or_default();
            let text = format!("{warn} {key} is still to be written: it stands as CHANGE ME");
            lines.push(Line::of(Tone::Warn, text).hanging(2));
        }
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        lines.push(Line::of(Tone::Title, "What is set:"));
        lines.extend(made.text.lines().filter(is_set).map(toml_look::line));
        lines.push(Line::default());
        lines.push(Line::of(Tone::Title, "The whole file:"));
        lines.extend(made.text.lines().map(toml_look::line));
        self.preview = Document::new(lines);
        self.made = Some(made);
    }
}

/// How a problem is mended, behind what it is.
fn told(mend: &str) -> String {
    if mend.is_empty() {
        return String::new();
    }
    format!(": {mend}")
}
