//! The tables of the made-up instance: those that any instance has, cut to what is used here, and a few fields of the
//! customer's own (`u_…`).

/// A field of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    /// As `sys_dictionary.internal_type` has it.
    pub(super) kind: &'static str,
    /// The table that a reference leads to.
    pub(super) reference: &'static str,
    pub(super) mandatory: bool,
    pub(super) max_length: u32,
}

/// A table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) parent: &'static str,
    /// What its numbers begin with; none: it has no numbers.
    pub(super) prefix: &'static str,
    pub(super) columns: &'static [Column],
}

/// A value that a field offers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    pub(super) table: &'static str,
    pub(super) element: &'static str,
    pub(super) value: &'static str,
    pub(super) label: &'static str,
}

const fn column(name: &'static str, label: &'static str, kind: &'static str) -> Column {
    Column {
        name,
        label,
        kind,
        reference: "",
        mandatory: false,
        max_length: 40,
    }
}

const fn text(name: &'static str, label: &'static str, max_length: u32) -> Column {
    Column {
        max_length,
        ..column(name, label, "string")
    }
}

const fn refers(name: &'static str, label: &'static str, reference: &'static str) -> Column {
    Column {
        reference,
        max_length: 32,
        ..column(name, label, "reference")
    }
}

const fn required(column: Column) -> Column {
    Column {
        mandatory: true,
        ..column
    }
}

/// What every table has.
pub(super) const SYSTEM: &[Column] = &[
    text("sys_id", "Sys ID", 32),
    column("sys_created_on", "Created", "glide_date_time"),
    text("sys_created_by", "Created by", 40),
    column("sys_updated_on", "Updated", "glide_date_time"),
    text("sys_updated_by", "Updated by", 40),
    column("sys_mod_count", "Updates", "integer"),
];

const TASK: &[Column] = &[
    text("number", "Number", 40),
    text("sys_class_name", "Task type", 80),
    text("short_description", "Short description", 160),
    text("description", "Description", 4000),
    column("state", "State", "integer"),
    column("active", "Active", "boolean"),
    column("priority", "Priority", "integer"),
    column("impact", "Impact", "integer"),
    column("urgency", "Urgency", "integer"),
    refers("assigned_to", "Assigned to", "sys_user"),
    refers("assignment_group", "Assignment group", "sys_user_group"),
    refers("opened_by", "Opened by", "sys_user"),
    refers("location", "Location", "cmn_location"),
    refers("company", "Company", "core_company"),
    refers("cmdb_ci", "Configuration item", "cmdb_ci"),
    refers("parent", "Parent", "task"),
    column("opened_at", "Opened", "glide_date_time"),
    column("closed_at", "Closed", "glide_date_time"),
    column("due_date", "Due date", "glide_date_time"),
    column("expected_start", "Expected start", "glide_date_time"),
    column("work_start", "Actual start", "glide_date_time"),
    column("work_end", "Actual end", "glide_date_time"),
    column("time_worked", "Time worked", "timer"),
    text("close_notes", "Close notes", 4000),
    text("correlation_id", "Correlation ID", 100),
    text("correlation_display", "Correlation display", 100),
    text("contact_type", "Contact type", 40),
    column("watch_list", "Watch list", "glide_list"),
    column("comments", "Additional comments", "journal_input"),
    column("work_notes", "Work notes", "journal_input"),
    column(
        "comments_and_work_notes",
        "Comments and Work notes",
        "journal_list",
    ),
];

const INCIDENT: &[Column] = &[
    required(refers("caller_id", "Caller", "sys_user")),
    column("incident_state", "Incident state", "integer"),
    text("category", "Category", 40),
    text("close_code", "Resolution code", 40),
    column("resolved_at", "Resolved", "glide_date_time"),
    refers("resolved_by", "Resolved by", "sys_user"),
    refers("problem_id", "Problem", "problem"),
    column("hold_reason", "On hold reason", "integer"),
    column("u_send_to_fn", "Send to Field Nation", "boolean"),
    text("u_site_code", "Site code", 20),
];

const WM_TASK: &[Column] = &[
    column("window_start", "Window start", "glide_date_time"),
    column("window_end", "Window end", "glide_date_time"),
    text("close_code", "Close code", 40),
];

const PERSON: &[Column] = &[
    text("user_name", "User ID", 40),
    text("name", "Name", 151),
    text("email", "Email", 100),
    text("phone", "Business phone", 40),
    text("mobile_phone", "Mobile phone", 40),
    text("time_zone", "Time zone", 40),
    column("active", "Active", "boolean"),
    column("locked_out", "Locked out", "boolean"),
];

const NAMED: &[Column] = &[text("name", "Name", 100)];

const LOCATION: &[Column] = &[
    text("name", "Name", 100),
    text("street", "Street", 255),
    text("city", "City", 50),
    text("state", "State / Province", 50),
    text("zip", "Zip / Postal Code", 20),
    text("country", "Country", 50),
    text("phone", "Phone", 40),
    column("latitude", "Latitude", "float"),
    column("longitude", "Longitude", "float"),
];

const TIME_CARD: &[Column] = &[
    refers("task", "Task", "task"),
    refers("user", "User", "sys_user"),
    column("total", "Total", "decimal"),
    text("comments", "Comments", 1000),
];

const JOURNAL: &[Column] = &[
    text("element", "Element", 80),
    text("element_id", "Element ID", 32),
    text("name", "Name", 80),
    text("value", "Value", 4000),
];

const ATTACHMENT: &[Column] = &[
    text("table_name", "Table name", 80),
    text("table_sys_id", "Table sys ID", 32),
    text("file_name", "File name", 100),
    text("content_type", "Content type", 100),
    column("size_bytes", "Size bytes", "integer"),
    column("size_compressed", "Size compressed", "integer"),
    column("compressed", "Compressed", "boolean"),
    text("image_height", "Image height", 40),
    text("image_width", "Image width", 40),
    text("average_image_color", "Average image color", 40),
    text("sys_tags", "Tags", 255),
    text("download_link", "Download link", 255),
];

const DICTIONARY: &[Column] = &[
    text("name", "Table", 80),
    text("element", "Column name", 80),
    text("column_label", "Column label", 80),
    text("internal_type", "Type", 40),
    text("reference", "Reference", 80),
    column("mandatory", "Mandatory", "boolean"),
    column("read_only", "Read only", "boolean"),
    column("max_length", "Max length", "integer"),
    text("default_value", "Default value", 255),
];

const CHOICE: &[Column] = &[
    text("name", "Table", 80),
    text("element", "Element", 80),
    text("value", "Value", 80),
    text("label", "Label", 80),
    text("language", "Language", 3),
    column("sequence", "Sequence", "integer"),
    column("inactive", "Inactive", "boolean"),
    text("dependent_value", "Dependent value", 80),
];

const DB_OBJECT: &[Column] = &[
    text("name", "Name", 80),
    text("label", "Label", 80),
    refers("super_class", "Extends table", "sys_db_object"),
];

const fn table(
    name: &'static str,
    label: &'static str,
    parent: &'static str,
    prefix: &'static str,
    columns: &'static [Column],
) -> Table {
    Table {
        name,
        label,
        parent,
        prefix,
        columns,
    }
}

pub(super) const TABLES: &[Table] = &[
    table("task", "Task", "", "", TASK),
    table("incident", "Incident", "task", "INC", INCIDENT),
    table("problem", "Problem", "task", "PRB", &[]),
    table("wm_task", "Work Order Task", "task", "WOT", WM_TASK),
    table("sys_user", "User", "", "", PERSON),
    table("sys_user_group", "Group", "", "", NAMED),
    table("cmn_location", "Location", "", "", LOCATION),
    table("core_company", "Company", "", "", NAMED),
    table("cmdb_ci", "Configuration Item", "", "", NAMED),
    table("time_card", "Time Card", "", "", TIME_CARD),
    table("sys_journal_field", "Journal Entry", "", "", JOURNAL),
    table("sys_attachment", "Attachment", "", "", ATTACHMENT),
    table("sys_dictionary", "Dictionary Entry", "", "", DICTIONARY),
    table("sys_choice", "Choice", "", "", CHOICE),
    table("sys_db_object", "Table", "", "", DB_OBJECT),
];

const fn choice(
    table: &'static str,
    element: &'static str,
    value: &'static str,
    label: &'static str,
) -> Choice {
    Choice {
        table,
        element,
        value,
        label,
    }
}

pub(super) const CHOICES: &[Choice] = &[
    choice("task", "state", "1", "Open"),
    choice("task", "state", "2", "Work in Progress"),
    choice("task", "state", "3", "Closed Complete"),
    choice("task", "state", "4", "Closed Incomplete"),
    choice("task", "state", "7", "Closed Skipped"),
    choice("incident", "state", "1", "New"),
    choice("incident", "state", "2", "In Progress"),
    choice("incident", "state", "3", "On Hold"),
    choice("incident", "state", "6", "Resolved"),
    choice("incident", "state", "7", "Closed"),
    choice("incident", "state", "8", "Canceled"),
    choice("incident", "incident_state", "1", "New"),
    choice("incident", "incident_state", "2", "In Progress"),
    choice("incident", "incident_state", "3", "On Hold"),
    choice("incident", "incident_state", "6", "Resolved"),
    choice("incident", "incident_state", "7", "Closed"),
    choice("incident", "incident_state", "8", "Canceled"),
    choice("incident", "category", "inquiry", "Inquiry / Help"),
    choice("incident", "category", "software", "Software"),
    choice("incident", "category", "hardware", "Hardware"),
    choice("incident", "category", "network", "Network"),
    choice(
        "incident",
        "close_code",
        "Solution provided",
        "Solution provided",
    ),
    choice(
        "incident",
        "close_code",
        "Resolved by caller",
        "Resolved by caller",
    ),
    choice(
        "incident",
        "close_code",
        "No resolution provided",
        "No resolution provided",
    ),
    choice("task", "impact", "1", "1 - High"),
    choice("task", "impact", "2", "2 - Medium"),
    choice("task", "impact", "3", "3 - Low"),
    choice("task", "urgency", "1", "1 - High"),
    choice("task", "urgency", "2", "2 - Medium"),
    choice("task", "urgency", "3", "3 - Low"),
    choice("task", "priority", "1", "1 - Critical"),
    choice("task", "priority", "2", "2 - High"),
    choice("task", "priority", "3", "3 - Moderate"),
    choice("task", "priority", "4", "4 - Low"),
    choice("task", "priority", "5", "5 - Planning"),
];

/// A table by name.
pub(super) fn find(name: &str) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.name == name)
}

/// A table and its parents, nearest first.
pub(super) fn lineage(name: &str) -> impl Iterator<Item = &'static Table> {
    std::iter::successors(find(name), |table| find(table.parent))
}

/// Whether records of one table are also records of another.
pub(super) fn extends(name: &str, parent: &str) -> bool {
    lineage(name).any(|table| table.name == parent)
}

/// All fields of a table, inherited ones included.
pub(super) fn columns(name: &str) -> impl Iterator<Item = &'static Column> {
    SYSTEM
        .iter()
        .chain(lineage(name).flat_map(|table| table.columns))
}

/// A field of a table.
pub(super) fn column_of(table: &str, name: &str) -> Option<&'static Column> {
    columns(table).find(|column| column.name == name)
}

/// The choices of a table's field: those of the nearest table that has any.
pub(super) fn choices(table: &str, element: &str) -> Vec<&'static Choice> {
    let of = |name: &str| {
        let own = CHOICES
            .iter()
            .filter(|choice| choice.table == name && choice.element == element);
        own.collect::<Vec<_>>()
    };
    lineage(table)
        .map(|table| of(table.name))
        .find(|choices| !choices.is_empty())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_have_their_parents_fields_and_their_own_choices() {
        assert!(column_of("incident", "short_description").is_some());
        assert!(column_of("incident", "sys_id").is_some());
        assert!(column_of("wm_task", "caller_id").is_none());
        assert!(extends("incident", "task") && !extends("task", "incident"));
        assert_eq!(choices("incident", "state").len(), 6);
        assert_eq!(choices("wm_task", "state").len(), 5);
    }
}
