//! The actions' names and keys.

/// The keys that any rule may have.
pub(in crate::mapping) const COMMON_KEYS: [&str; 5] =
    ["action", "target", "events", "when", "note"];

/// An action, before its keys are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::mapping) enum ActionKind {
    Sync,
    SetStatic,
    ArrayMap,
    RangeMap,
    DateConvert,
    Concat,
    Custom,
}

impl ActionKind {
    pub(in crate::mapping) const ALL: [Self; 7] = [
        Self::Sync,
        Self::SetStatic,
        Self::ArrayMap,
        Self::RangeMap,
        Self::DateConvert,
        Self::Concat,
        Self::Custom,
    ];

    /// The action of a name, ours (`array_map`) or the hosted broker's constant (`ACTION_TYPE_ARRAY_MAP`).
    pub(in crate::mapping) fn named(name: &str) -> Option<Self> {
        let constant = name.strip_prefix("ACTION_TYPE_").map(str::to_lowercase);
        let name = constant.as_deref().unwrap_or(name);
        Self::ALL.into_iter().find(|kind| kind.word() == name)
    }

    pub(in crate::mapping) fn word(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::SetStatic => "set_static",
            Self::ArrayMap => "array_map",
            Self::RangeMap => "range_map",
            Self::DateConvert => "date_convert",
            Self::Concat => "concat",
            Self::Custom => "custom",
        }
    }

    /// The keys that it takes beside the common ones.
    pub(in crate::mapping) fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Sync => &["source", "default"],
            Self::SetStatic => &["value"],
            Self::ArrayMap => &["source", "mappings", "default", "no_match"],
            Self::RangeMap => &["source", "ranges", "default"],
            Self::DateConvert => &[
                "source",
                "input_format",
                "output_format",
                "timezone_in",
                "timezone_out",
                "default",
            ],
            Self::Concat => &["parts", "default"],
            Self::Custom => &["script", "script_file", "default"],
        }
    }
}
