//! Why a message is not on the record stands in its transaction.

use fieldbridge::config::default_mapping;
use fieldbridge::model::{EventName, PlatformKind, SkipReason, State};

use super::rig::Rig;

/// A technician writes a message; the transaction that carries it.
async fn written(rig: &Rig) -> fieldbridge::model::Transaction {
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_the_settings_leave_out_is_told_with_the_setting() {
    let platform = PlatformKind::Smartsheet;
    let settings = "internal_notes = \"skip\"\n";
    let rig = Rig::beside(platform, settings, default_mapping(platform)).await;
    let transaction = written(&rig).await;
    assert_eq!(transaction.state, State::Done);
    let journal = rig.store.journal(transaction.id).await.unwrap();
    let told = journal
        .iter()
        .filter(|entry| entry.detail.contains("is not written"))
        .map(|entry| entry.detail.as_str())
        .collect::<Vec<_>>();
    assert!(
        matches!(told[..], [one] if one.contains("internal_notes is \"skip\"")),
        "{told:?}"
    );
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_for_a_platform_without_notes_is_skipped_with_the_reason() {
    let rig = Rig::start(PlatformKind::Rest).await;
    let transaction = written(&rig).await;
    let Some(SkipReason::Filtered(why)) = &transaction.skipped else {
        panic!("{transaction:?}");
    };
    assert!(why.contains("the platform takes no notes"), "{why}");
    rig.stop().await;
}
