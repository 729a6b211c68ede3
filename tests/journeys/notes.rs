//! Why a message is not on the record stands in its transaction.

use fieldbridge::config::default_mapping;
use fieldbridge::model::{EventName, PlatformKind, SkipReason, State, Transaction};

use super::rig::Rig;

/// A technician writes a message; the transaction that carries it.
async fn written(rig: &Rig) -> Transaction {
    let ticket = rig.dispatch(1);
    let order = rig.work_order_of(ticket).await;
    rig.until_quiet().await;
    let field_nation = &rig.sandbox.field_nation;
    field_nation.publish(order).unwrap();
    field_nation.assign(order).unwrap();
    rig.until_quiet().await;
    field_nation.post_message(order, "On my way.").unwrap();
    rig.until_quiet().await;
    rig.told(EventName::MessagePosted).await.remove(0)
}

/// The line of a transaction's journal that has these words.
async fn told(rig: &Rig, transaction: &Transaction, words: &str) -> String {
    let journal = rig.store.journal(transaction.id).await.unwrap();
    let line = journal.iter().find(|entry| entry.detail.contains(words));
    let line = line.unwrap_or_else(|| panic!("nothing says {words:?}: {journal:#?}"));
    line.detail.clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_the_settings_leave_out_is_told_with_the_setting() {
    let platform = PlatformKind::Smartsheet;
    let settings = "internal_notes = \"skip\"\n";
    let rig = Rig::beside(platform, settings, default_mapping(platform)).await;
    let transaction = written(&rig).await;
    assert_eq!(transaction.state, State::Done);
    let told = told(&rig, &transaction, "is not written").await;
    assert!(told.contains("internal_notes is \"skip\""), "{told}");
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_for_a_platform_without_notes_is_told_as_such() {
    let platform = PlatformKind::Rest;
    // The shipped rules listen to every event, so that something else may be written by this one.
    let rig = Rig::start(platform).await;
    let transaction = written(&rig).await;
    told(&rig, &transaction, "the platform takes no notes").await;
    rig.stop().await;

    let inbound = default_mapping(platform)
        .split_once("[[outbound]]")
        .unwrap()
        .0;
    let rig = Rig::beside(platform, "", inbound).await;
    let Some(SkipReason::Filtered(why)) = written(&rig).await.skipped else {
        panic!("nothing is to be done");
    };
    assert!(why.contains("the platform takes no notes"), "{why}");
    rig.stop().await;
}
