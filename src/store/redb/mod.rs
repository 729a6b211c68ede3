//! The redb implementation of the store.
