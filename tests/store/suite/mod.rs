//! What any store must do, said against the trait alone.

pub mod accepting;
pub mod lanes;
pub mod linking;
pub mod looking;
pub mod pausing;
pub mod people;
pub mod working;

/// Makes a test of every one of the suite, for the worlds that `$make` makes.
#[macro_export]
macro_rules! conformance {
    ($make:expr; $($file:ident: $($test:ident),+;)+) => {
        $(mod $file {
            $(#[tokio::test]
            async fn $test() {
                $crate::store::suite::$file::$test($make()).await;
            })+
        })+
    };
    ($make:expr) => {
        $crate::conformance! { $make;
            accepting:
                what_is_accepted_can_be_read_back,
                a_delivery_seen_before_changes_nothing,
                an_acceptance_sent_again_stores_once,
                a_trigger_joins_the_one_that_waits,
                a_trigger_joins_nothing_that_has_begun,
                events_never_join,
                replays_with_payloads_stand_alone,
                a_live_trigger_makes_what_it_joins_live,
                triggers_of_one_acceptance_join_each_other,
                a_correlation_completes_what_arrives;
            working:
                a_claim_leases_and_begins_an_attempt,
                older_goes_before_younger,
                live_goes_before_background_of_all_connectors,
                connectors_take_turns,
                nothing_is_claimed_before_it_is_due,
                a_retry_that_fell_due_is_not_starved_by_newer_ones,
                steps_leave_journal_payloads_and_progress,
                a_retry_fetches_afresh_but_forgets_no_delivery,
                what_a_crash_interrupts_keeps_its_progress,
                postponing_gives_the_attempt_back,
                ends_leave_what_they_should,
                only_the_holder_of_the_lease_may_write,
                renewing_keeps_a_lease,
                reclaiming_gives_back_only_what_lapsed,
                many_callers_at_once_claim_each_transaction_once;
            lanes:
                one_of_a_lane_at_a_time_in_order,
                a_failing_head_holds_back_only_its_own_lane,
                every_end_sets_the_next_free,
                what_is_discarded_while_waiting_sets_the_next_free,
                an_older_one_that_arrives_late_does_not_run_beside_the_one_in_flight,
                what_is_retried_takes_its_old_place,
                a_record_that_becomes_known_changes_the_lane,
                a_lane_that_becomes_busy_keeps_its_waiting_head;
            linking:
                a_correlation_is_found_from_both_sides,
                linking_again_replaces_both_ways,
                linking_merges_the_lanes,
                a_link_in_a_step_is_written_with_it;
            pausing:
                pausing_holds_what_waits_and_resuming_releases_it,
                what_arrives_at_a_paused_connector_is_held,
                what_is_in_flight_finishes_or_is_held,
                held_by_a_connector_that_runs_again_is_queued,
                a_persons_pause_outlasts_a_failures,
                a_pause_of_many_lets_others_through,
                a_retry_of_a_paused_connector_is_held;
            people:
                a_command_acts_once,
                a_stale_command_is_refused_and_says_who,
                an_illegal_command_changes_nothing,
                a_retry_from_the_dead_begins_anew,
                discarding_and_restoring,
                every_command_leaves_a_line_in_the_audit_trail,
                the_audit_trail_pages_from_the_newest,
                an_unknown_transaction_is_not_found;
            looking:
                pages_are_stable_while_newer_ones_arrive,
                every_filter_finds_what_a_look_at_everything_finds,
                counts_are_what_a_recount_says,
                failure_groups_follow_the_dead,
                the_latest_to_die_stands_for_its_group,
                next_due_is_the_earliest_of_the_named,
                what_is_over_and_old_is_forgotten,
                connectors_keep_status_catalogue_and_mapping,
                mappings_come_in_force_one_after_the_other,
                a_draft_is_saved_by_those_who_saw_the_last_one,
                secrets_are_kept_and_removed;
        }
    };
}
