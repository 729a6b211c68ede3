//! The vocabulary: everything a person can ask of the console, under one name for keys, palette, help, key bar,
//! tests and the key settings.

use serde::{Deserialize, Serialize};

/// Where an action means something, as a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Places(u16);

/// What has the keyboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// The connectors pane.
    Connectors,
    /// The queues pane.
    Queues,
    /// The failed pane.
    Failed,
    /// The mapping preview, as a pane or full-screen.
    Preview,
    /// A list of transactions.
    List,
    /// One transaction.
    Transaction,
    /// One connector's details.
    Connector,
    /// The log.
    Log,
    /// The mapping workbench.
    Workbench,
    /// A rule being edited in the workbench.
    RuleEditor,
    /// A connector being made.
    Wizard,
    /// The names that it begins with, being typed.
    WizardForm,
}

impl Place {
    /// All places.
    pub const ALL: [Self; 12] = [
        Self::Connectors,
        Self::Queues,
        Self::Failed,
        Self::Preview,
        Self::List,
        Self::Transaction,
        Self::Connector,
        Self::Log,
        Self::Workbench,
        Self::RuleEditor,
        Self::Wizard,
        Self::WizardForm,
    ];

    /// What people call it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Connectors => "Connectors",
            Self::Queues => "Queues",
            Self::Failed => "Failed",
            Self::Preview => "Mapping preview",
            Self::List => "Transactions",
            Self::Transaction => "Transaction",
            Self::Connector => "Connector",
            Self::Log => "Log",
            Self::Workbench => "Mapping workbench",
            Self::RuleEditor => "Rule editor",
            Self::Wizard | Self::WizardForm => "New connector",
        }
    }

    /// Whether text is typed there: a character is a character then, whatever else it means elsewhere.
    #[must_use]
    pub fn is_typed_in(self) -> bool {
        matches!(self, Self::RuleEditor | Self::WizardForm)
    }
}

impl Places {
    /// The set of the given places.
    #[must_use]
    pub const fn of(places: &[Place]) -> Self {
        let mut bits = 0;
        let mut rest = places;
        while let [first, others @ ..] = rest {
            bits |= 1 << *first as u16;
            rest = others;
        }
        Self(bits)
    }

    /// Whether a place is in the set.
    #[must_use]
    pub const fn include(self, place: Place) -> bool {
        self.0 & (1 << place as u16) != 0
    }

    /// Whether two sets share a place.
    #[must_use]
    pub const fn meet(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

const EVERYWHERE: Places = Places::of(&Place::ALL);
const ANYWHERE: Places = Places::of(&[
    Place::Connectors,
    Place::Queues,
    Place::Failed,
    Place::Preview,
    Place::List,
    Place::Transaction,
    Place::Connector,
    Place::Log,
    Place::Workbench,
    Place::Wizard,
]);
/// Where there are panes or tabs, and the view can be exchanged for another without losing anything.
const PARTABLE: Places = Places::of(&[
    Place::Connectors,
    Place::Queues,
    Place::Failed,
    Place::Preview,
    Place::List,
    Place::Transaction,
    Place::Connector,
    Place::Log,
    Place::Workbench,
]);
const NOT_WORKBENCH: Places = Places::of(&[
    Place::Connectors,
    Place::Queues,
    Place::Failed,
    Place::Preview,
    Place::List,
    Place::Transaction,
    Place::Connector,
    Place::Log,
    Place::Wizard,
]);
const NOT_LOG: Places = Places::of(&[
    Place::Wizard,
    Place::Workbench,
    Place::Connectors,
    Place::Queues,
    Place::Failed,
    Place::Preview,
    Place::List,
    Place::Transaction,
    Place::Connector,
]);
const CONNECTORS: Places = Places::of(&[Place::Connectors, Place::Connector]);
const PANE: Places = Places::of(&[Place::Connectors]);
const ZOOMABLE: Places = Places::of(&[
    Place::Workbench,
    Place::Connectors,
    Place::Queues,
    Place::Failed,
    Place::Preview,
]);
const MARKABLE: Places = Places::of(&[Place::Failed, Place::List]);
const FILTERABLE: Places = Places::of(&[Place::Failed, Place::List, Place::Log]);
const WORK: Places = Places::of(&[Place::Failed, Place::List, Place::Transaction]);
const TRANSACTION: Places = Places::of(&[Place::Transaction]);
const RESTORABLE: Places = Places::of(&[Place::List, Place::Transaction]);
const EDITABLE: Places = Places::of(&[Place::Failed, Place::Transaction]);
const MAPPED: Places = Places::of(&[
    Place::Connectors,
    Place::Connector,
    Place::Failed,
    Place::Transaction,
    Place::Preview,
]);
const PREVIEWABLE: Places = Places::of(&[
    Place::Connectors,
    Place::Connector,
    Place::Failed,
    Place::List,
    Place::Transaction,
    Place::Preview,
]);
const COPYABLE: Places = Places::of(&[
    Place::Failed,
    Place::List,
    Place::Transaction,
    Place::Preview,
]);
const PREVIEW: Places = Places::of(&[Place::Preview]);
const DIRECTED: Places = Places::of(&[Place::Preview, Place::Workbench]);
const WORKBENCH: Places = Places::of(&[Place::Workbench]);
const RULE_EDITOR: Places = Places::of(&[Place::RuleEditor]);
const WIZARD: Places = Places::of(&[Place::Wizard]);
const WIZARD_FORM: Places = Places::of(&[Place::WizardForm]);
const LOG: Places = Places::of(&[Place::Log]);

macro_rules! actions {
    ($(#[doc = $doc:literal] $variant:ident = $name:literal, $title:literal, $shown:ident, $places:expr, [$($key:literal),*];)*) => {
        /// Something a person can ask of the console. The serialised name is the one in the key settings.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Action { $(#[doc = $doc] #[serde(rename = $name)] $variant,)* }

        impl Action {
            /// All actions, in the order of help and key bar.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name in key settings and palette.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// A word or two for the key bar.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// A sentence for help and palette.
            #[must_use]
            pub fn explanation(self) -> &'static str {
                match self { $(Self::$variant => $doc.trim_ascii(),)* }
            }

            /// Where it means something.
            #[must_use]
            pub fn places(self) -> Places {
                match self { $(Self::$variant => $places,)* }
            }

            /// The keys it has unless the settings say otherwise.
            #[must_use]
            pub fn default_keys(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($key),*],)* }
            }

            /// Whether the key bar names it; help names all.
            #[must_use]
            pub fn is_in_key_bar(self) -> bool {
                match self { $(Self::$variant => actions!(@$shown),)* }
            }
        }
    };
    (@bar) => { true };
    (@help) => { false };
}

actions! {
    /// Opens what is selected; on a connector first narrows all panes to it, then opens its details.
    Open = "open", "open", bar, NOT_WORKBENCH, ["enter"];
    /// Goes to the next line; after the last one reads the description and goes on.
    NextField = "next_field", "go on", bar, WIZARD_FORM, ["enter", "down"];
    /// Goes to the line above.
    PreviousField = "previous_field", "line above", help, WIZARD_FORM, ["up", "backtab"];
    /// Types the name of the first description that is listed; in another line goes to the next.
    CompleteFile = "complete_file", "complete", bar, WIZARD_FORM, ["tab"];
    /// Leaves the new connector, after a question.
    LeaveForm = "leave_form", "leave", bar, WIZARD_FORM, ["esc"];
    /// Shows the connector's file as it would be.
    ShowFile = "show_file", "show the file", bar, WIZARD, ["n"];
    /// Writes the connector's file that is shown, and a mapping to begin with.
    WriteConnector = "write_connector", "write", bar, WIZARD, ["W"];
    /// Lists what of the description can't be used.
    ShowProblems = "show_problems", "problems", bar, WIZARD, ["p"];
    /// Edits the selected rule in place; in a tree folds or unfolds, or goes to the rule of a value.
    EditRule = "edit_rule", "edit rule", bar, WORKBENCH, ["enter"];
    /// Adds a rule below the selected one.
    AddRule = "add_rule", "add", bar, WORKBENCH, ["a"];
    /// Chooses what the rules are tried on: a record, a stored transaction, a file, a text.
    PickSample = "pick_sample", "sample", bar, WORKBENCH, ["s"];
    /// Works out what the draft would change of the latest stored transactions.
    Impact = "impact", "impact", bar, WORKBENCH, ["i"];
    /// Brings the draft in force, after a look at what it changes.
    Publish = "publish", "publish", bar, WORKBENCH, ["P"];
    /// Shows all that differs from what was last delivered, or the output again.
    Difference = "difference", "diff", bar, WORKBENCH, ["v"];
    /// Opens the whole draft in the editor.
    EditDraft = "edit_draft", "$EDITOR", bar, WORKBENCH, ["E"];
    /// Takes the last change of the draft back.
    Undo = "undo", "undo", bar, WORKBENCH, ["u"];
    /// Makes the change again that was taken back.
    Redo = "redo", "redo", help, WORKBENCH, ["ctrl-r"];
    /// Moves the selected rule up.
    MoveRuleUp = "move_rule_up", "move up", help, WORKBENCH, ["K"];
    /// Moves the selected rule down.
    MoveRuleDown = "move_rule_down", "move down", help, WORKBENCH, ["J"];
    /// Deletes the selected rule; undo brings it back.
    DeleteRule = "delete_rule", "delete", help, WORKBENCH, ["D"];
    /// Shows the versions that were in force, to compare or to bring one back.
    Versions = "versions", "versions", bar, WORKBENCH, ["H"];
    /// Records the sample's transaction as a regression case of the mapping in force.
    RecordCase = "record_case", "record case", help, WORKBENCH, ["c"];
    /// Throws the draft away and goes back to the file.
    DiscardDraft = "discard_draft", "discard draft", help, WORKBENCH, ["X"];
    /// Ends the edit of the rule and keeps it.
    AcceptRule = "accept_rule", "done", bar, RULE_EDITOR, ["ctrl-s", "esc"];
    /// Shows what can be typed at the cursor: paths, actions, values, functions.
    Complete = "complete", "complete", bar, RULE_EDITOR, ["tab", "ctrl-space"];
    /// Ends the edit of the rule; it is as it was before.
    AbandonRule = "abandon_rule", "give up", bar, RULE_EDITOR, ["ctrl-g"];
    /// Takes back what was typed last.
    UndoTyping = "undo_typing", "undo", bar, RULE_EDITOR, ["ctrl-z"];
    /// Types again what was taken back.
    RedoTyping = "redo_typing", "redo", help, RULE_EDITOR, ["ctrl-r"];
    /// Goes back, or takes back a filter; never leaves the console.
    Back = "back", "back", bar, ANYWHERE, ["esc", "backspace"];
    /// Shows how to run the transaction again; each way shows first what would be sent.
    Replay = "replay", "replay", bar, TRANSACTION, ["r"];
    /// Tries again now what is selected or marked.
    Retry = "retry", "retry", bar, MARKABLE, ["r"];
    /// Edits the output in the editor and sends it.
    Edit = "edit", "edit & send", bar, EDITABLE, ["e"];
    /// Gives up what is selected or marked, with a reason; it can be restored for a period.
    Discard = "discard", "discard", bar, WORK, ["d"];
    /// Takes back that a transaction was discarded.
    Restore = "restore", "restore", help, RESTORABLE, ["R"];
    /// Opens the mapping in the editor, at the failing rule.
    OpenMapping = "open_mapping", "mapping", bar, MAPPED, ["m"];
    /// Opens the mapping workbench: sample, rules and output side by side, and a draft to change.
    OpenWorkbench = "workbench", "workbench", bar, PREVIEWABLE, ["w"];
    /// Shows the mapping preview on the whole screen.
    Preview = "preview", "preview", bar, PREVIEWABLE, ["p"];
    /// Copies an id, a payload or a call to the clipboard.
    Copy = "copy", "copy", bar, COPYABLE, ["y"];
    /// Shows the addresses at which record and work order can be opened.
    ShowAddress = "show_address", "address", bar, TRANSACTION, ["o"];
    /// Marks the selected row, or takes its mark away.
    Mark = "mark", "mark", bar, MARKABLE, ["space"];
    /// Marks everything from the last marked row to this one.
    MarkRange = "mark_range", "mark to here", help, MARKABLE, ["V"];
    /// Marks everything that matches the filter, whether it is on the screen or not.
    MarkAll = "mark_all", "mark all", help, MARKABLE, ["A"];
    /// Takes all marks away.
    ClearMarks = "clear_marks", "unmark", help, MARKABLE, ["U"];
    /// Narrows the list by what is typed: words, `!not`, `~fuzzy`, `key=value`.
    Filter = "filter", "filter", bar, FILTERABLE, ["/"];
    /// Sorts by the next column.
    Sort = "sort", "sort", bar, MARKABLE, ["s"];
    /// Turns the order around.
    ReverseSort = "reverse_sort", "reverse", help, MARKABLE, ["S"];
    /// Checks the connector's credential and rights, and shows what was found.
    Probe = "probe", "test", bar, CONNECTORS, ["t"];
    /// Reads the fields of both sides anew.
    RefreshFields = "refresh_fields", "fields", bar, CONNECTORS, ["f"];
    /// Pauses the connector, or resumes it.
    PauseResume = "pause_resume", "pause/resume", bar, CONNECTORS, ["P"];
    /// Copies the address by which the platform triggers the connector.
    CopyTriggerUrl = "copy_trigger_url", "trigger URL", bar, CONNECTORS, ["u"];
    /// Makes a new trigger address and refuses the old one from then on.
    RotateToken = "rotate_token", "rotate token", help, CONNECTORS, ["T"];
    /// Makes a new connector from an API description (OpenAPI).
    NewConnector = "new_connector", "new", bar, CONNECTORS, ["N"];
    /// Shows all that is known of the connector.
    Details = "details", "details", help, PANE, ["v"];
    /// Turns to the rules of the other direction.
    SwitchDirection = "switch_direction", "direction", bar, DIRECTED, ["x"];
    /// Previews the connector's next (older) transaction.
    NextSample = "next_sample", "next sample", bar, PREVIEW, ["n"];
    /// Previews the connector's previous (newer) transaction.
    PreviousSample = "previous_sample", "previous", help, PREVIEW, ["N"];
    /// Previews a record whose id is typed.
    ChooseSample = "choose_sample", "record", bar, PREVIEW, ["i"];
    /// Shows only lines of the next graver level.
    LogLevel = "log_level", "level", bar, LOG, ["v"];
    /// Follows the end of the log again.
    FollowLog = "follow_log", "follow", bar, LOG, ["F"];
    /// Moves up.
    Up = "up", "up", help, ANYWHERE, ["k", "up"];
    /// Moves down.
    Down = "down", "down", help, ANYWHERE, ["j", "down"];
    /// Moves up by a screen.
    PageUp = "page_up", "page up", help, ANYWHERE, ["pageup", "ctrl-b"];
    /// Moves down by a screen.
    PageDown = "page_down", "page down", help, ANYWHERE, ["pagedown", "ctrl-f"];
    /// Moves to the first line.
    Top = "top", "first", help, ANYWHERE, ["g", "home"];
    /// Moves to the last line.
    Bottom = "bottom", "last", help, ANYWHERE, ["G", "end"];
    /// Goes to the pane on the left.
    Left = "left", "left", help, PARTABLE, ["h", "left"];
    /// Goes to the pane on the right.
    Right = "right", "right", help, PARTABLE, ["l", "right"];
    /// Goes to the next pane or tab.
    NextTab = "next_tab", "next pane", bar, PARTABLE, ["tab"];
    /// Goes to the previous pane or tab.
    PreviousTab = "previous_tab", "previous pane", help, PARTABLE, ["backtab"];
    /// Goes to the first pane or tab.
    Tab1 = "tab_1", "pane 1", help, PARTABLE, ["1"];
    /// Goes to the second pane or tab.
    Tab2 = "tab_2", "pane 2", help, PARTABLE, ["2"];
    /// Goes to the third pane or tab.
    Tab3 = "tab_3", "pane 3", help, PARTABLE, ["3"];
    /// Goes to the fourth pane or tab.
    Tab4 = "tab_4", "pane 4", help, PARTABLE, ["4"];
    /// Goes to the fifth tab.
    Tab5 = "tab_5", "tab 5", help, TRANSACTION, ["5"];
    /// Goes to the sixth tab.
    Tab6 = "tab_6", "tab 6", help, TRANSACTION, ["6"];
    /// Goes to the seventh tab.
    Tab7 = "tab_7", "tab 7", help, TRANSACTION, ["7"];
    /// Lets the focused pane fill the screen, or shows the others again.
    Zoom = "zoom", "zoom", help, ZOOMABLE, ["z"];
    /// Goes to the view that was open before this one.
    LastView = "last_view", "last view", help, PARTABLE, ["-"];
    /// Shows the running bulk action, or the last one.
    ShowBulk = "show_bulk", "bulk action", help, ANYWHERE, ["B"];
    /// Shows the log of the engine.
    ShowLog = "show_log", "log", help, NOT_LOG, ["L"];
    /// Opens the command palette: actions, views, `search …`.
    Palette = "palette", "command", bar, ANYWHERE, [":"];
    /// Shows the keys of this view.
    Help = "help", "help", bar, EVERYWHERE, ["?", "f1"];
    /// Gives the mouse back to the terminal for selecting text, or takes it again.
    ReleaseMouse = "release_mouse", "release mouse", help, ANYWHERE, ["M"];
    /// Draws the whole screen anew.
    Redraw = "redraw", "redraw", help, EVERYWHERE, ["ctrl-l"];
    /// Suspends the console; `fg` brings it back.
    Suspend = "suspend", "suspend", help, ANYWHERE, ["ctrl-z"];
    /// Leaves the console.
    Quit = "quit", "quit", help, ANYWHERE, ["q", "ctrl-c"];
}

impl Action {
    /// The action of a name in the key settings.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|action| action.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_serialised_names_and_unique() {
        for action in Action::ALL {
            assert_eq!(serde_json::to_value(action).unwrap(), action.name());
            assert_eq!(Action::from_name(action.name()), Some(*action));
            let same = Action::ALL
                .iter()
                .filter(|other| other.name() == action.name());
            assert_eq!(same.count(), 1);
            assert!(!action.explanation().is_empty());
        }
    }
}
