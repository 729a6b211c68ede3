//! What any store must do, held against the one on redb, and against the model in memory that the
//! random test compares it with.

mod store;

mod on_redb {
    crate::conformance!(crate::store::on_redb);
}

mod in_memory {
    crate::conformance!(crate::store::in_memory);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 96, ..proptest::prelude::ProptestConfig::default() })]

    #[test]
    fn random_verbs_do_to_redb_what_they_do_to_the_model(verbs in store::model::verbs()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut pair = store::model::Pair::new(store::on_redb(), store::in_memory());
            for verb in &verbs {
                pair.carry_out(verb).await;
            }
        });
    }
}
