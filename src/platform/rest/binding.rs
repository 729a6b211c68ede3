//! An operation as the connector uses it: which of its parameters is the record's id.

use crate::openapi::{Operation, Place};

/// An operation, and the parameter that holds the record's id where it has one.
#[derive(Clone, Debug)]
pub(super) struct Binding {
    pub(super) operation: Operation,
    pub(super) id: Option<(String, Place)>,
}

/// The operations of a connector.
#[derive(Clone, Debug)]
pub(super) struct Bindings {
    pub(super) fetch: Binding,
    pub(super) metadata: Option<Binding>,
    pub(super) create: Option<Binding>,
    pub(super) update: Option<Binding>,
    pub(super) attach: Option<Binding>,
    pub(super) list: Option<Binding>,
}

impl Binding {
    /// Finds the id's parameter: the one named, else the only one in the path that has no value yet, else the path's
    /// last, else a query parameter called `id` or the like.
    ///
    /// # Errors
    /// Why the operation can't be called with what is known.
    pub(super) fn new(
        operation: Operation,
        named: Option<&str>,
        with_id: bool,
        given: &dyn Fn(&str) -> bool,
    ) -> Result<Self, String> {
        let id = if with_id {
            Self::id_of(&operation, named, given)
        } else {
            None
        };
        let is_id = |name: &str, place: Place| {
            id.as_ref()
                .is_some_and(|one| one.0 == name && one.1 == place)
        };
        let missing = operation.parameters.iter().filter(|parameter| {
            parameter.required
                && parameter.default.is_none()
                && !given(&parameter.name)
                && !is_id(&parameter.name, parameter.place)
                // Credentials are often described as parameters; headers of one's own and the key may serve.
                && matches!(parameter.place, Place::Path | Place::Query)
        });
        let missing: Vec<String> = missing
            .map(|parameter| format!("{} parameter {}", parameter.place.word(), parameter.name))
            .collect();
        if !missing.is_empty() {
            return Err(format!("{} needs {}", operation.name(), missing.join(", ")));
        }
        Ok(Self { operation, id })
    }

    fn id_of(
        operation: &Operation,
        named: Option<&str>,
        given: &dyn Fn(&str) -> bool,
    ) -> Option<(String, Place)> {
        let open = |place| {
            operation
                .parameters_in(place)
                .filter(|one| !given(&one.name))
        };
        let named = named.and_then(|name| {
            [Place::Path, Place::Query, Place::Header]
                .into_iter()
                .find_map(|place| open(place).find(|one| one.name == name))
        });
        let found = named.or_else(|| open(Place::Path).last()).or_else(|| {
            open(Place::Query).find(|one| {
                let name = one.name.to_ascii_lowercase().replace(['_', '-'], "");
                matches!(
                    name.as_str(),
                    "id" | "recordid" | "ticketid" | "externalid" | "sysid"
                )
            })
        });
        // Where no parameter holds it, the body may: updates like that are common.
        found.map(|one| (one.name.clone(), one.place))
    }
}
