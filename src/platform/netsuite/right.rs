//! The rights that calls take, as NetSuite's role page names them.

/// What a role must be allowed to do, for saying what is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Right {
    /// To log in at all.
    LogIn,
    /// To read the description of record types.
    Metadata,
    /// To read records.
    Read,
    /// To create and change records.
    Write,
    /// To ask SuiteQL.
    Query,
    /// To call the RESTlet.
    Script,
    /// To attach files.
    Files,
}

impl Right {
    /// What to do when the right is missing.
    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::LogIn => LOGIN_HINT,
            Self::Metadata | Self::Read => {
                "Give the integration's role the permission for this record type at level View (for cases: Lists › Cases, and Lists › Customers at View), and Setup › REST Web Services."
            }
            Self::Write => {
                "Give the integration's role the permission for this record type at level Edit (for cases: Lists › Cases at Edit, and Lists › Customers at View)."
            }
            Self::Query => {
                "Give the integration's role Reports › SuiteAnalytics Workbook; check suiteql_table and suiteql_changed_column, or switch catch_up off."
            }
            Self::Script => {
                "Put the integration's role into the audience of the RESTlet's deployment and set it to Released; the role must not be marked \"Web Services Only\"."
            }
            Self::Files => {
                "Give the integration's role Lists › Documents and Files at level Edit, and access to the folder in which the RESTlet stores files."
            }
        }
    }
}

/// What to do about a refused login: NetSuite tells the reason only to the account's own admins.
pub(super) const LOGIN_HINT: &str = "NetSuite tells the reason only in the Login Audit Trail (Setup › Users/Roles › User Management › View Login Audit Trail, with the detail columns). Check account_id, that token or certificate are not revoked, that user and role are active, and that the role has REST Web Services and Log in using Access Tokens or OAuth 2.0 Access Tokens.";
