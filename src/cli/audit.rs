//! `fieldbridge audit`

use super::arguments::AuditArguments;
use super::context::Context;
use super::failure::CliError;
use super::output::Output;
use super::table::{Side, Table};
use super::text::push_line;
use super::words;
use crate::store::{AuditEntry, Page, PageCursor};

pub(super) async fn audit(context: &Context, arguments: &AuditArguments) -> Result<(), CliError> {
    let client = context.connect().await?;
    let before = arguments.before.map(PageCursor);
    let page = client.audit(arguments.limit, before).await?;
    context.output.result(&page, |output| text(output, &page))
}

fn text(output: &Output, page: &Page<AuditEntry>) -> String {
    if page.items.is_empty() {
        return "Nobody has done anything yet.\n".to_owned();
    }
    let mut table = Table::new(&[
        ("when", Side::Left),
        ("who", Side::Left),
        ("connector", Side::Left),
        ("transaction", Side::Left),
        ("what", Side::Left),
    ]);
    for entry in &page.items {
        table.row([
            words::moment(entry.at),
            entry.by.clone(),
            entry
                .connector
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            entry
                .transaction
                .map(|id| id.to_string())
                .unwrap_or_default(),
            entry.action.clone(),
        ]);
    }
    let mut text = output.table(&table);
    if let Some(next) = page.next {
        push_line(
            &mut text,
            &format!("more: fieldbridge audit --before {}", next.0),
        );
    }
    text
}
