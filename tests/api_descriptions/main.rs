//! Every request that an adapter, or Field Nation's client, sends is one that the vendor's API description allows.
//!
//! Each is driven through every verb of its contract against its stand-in, with every way to sign in and with what
//! follows refusals. What it sent is read off the exchanges it recorded, or off the wire where it records none, and held
//! against the description by our own importer. Where the vendor's pages say otherwise than its description does, the
//! deviation is listed with its reason: one that is not listed fails the test, and so does one that is listed and does
//! not occur. A request that stands in the source and was not sent fails it as well.

mod drive;
mod field_nation;
mod judge;
mod net;
mod platforms;
mod sent;
mod stage;
mod tap;

use std::path::PathBuf;

use fieldbridge::openapi::Document;

/// The vendors' descriptions, where they are there.
fn descriptions(names: &[&str]) -> Option<Vec<Document>> {
    let home = std::env::var("FIELDBRIDGE_SHARED")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").to_owned());
    let load = |name: &&str| {
        let path = PathBuf::from(&home).join("openapi").join(name);
        if !path.exists() {
            println!("skipped: {} is not here", path.display());
            return None;
        }
        Some(Document::load(&path).unwrap())
    };
    names.iter().map(load).collect()
}

/// The judge itself, on the made-up service's description.
mod judging {
    use fieldbridge::model::Exchange;
    use fieldbridge::openapi::Document;
    use fieldbridge::sandbox::REST_DESCRIPTION;

    use super::judge::{Known, judge};

    fn judged(body: &str, known: &[Known]) -> String {
        let exchange = Exchange {
            method: "POST".to_owned(),
            url: "http://127.0.0.1:1/api/v1/tickets".to_owned(),
            request_headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            request_body: Some(body.to_owned()),
            status: Some(201),
            response_headers: Vec::new(),
            response_body: None,
            error: None,
            elapsed_us: 1,
        };
        let document = Document::parse("harbour.yaml", REST_DESCRIPTION).unwrap();
        judge(&[document], "", &[exchange], known)
    }

    const RIGHT: &str = r#"{"ticket": {"subject": "x"}}"#;
    const WRONG: &str = r#"{"ticket": {"subject": 7}}"#;

    const KNOWN: &[Known] = &[Known {
        operation: "POST /tickets",
        place: "body /ticket/subject",
        why: "a trial",
        page: "none §0",
    }];

    #[test]
    fn what_is_right_or_known_passes() {
        assert_eq!(judged(RIGHT, &[]), "POST /tickets");
        assert_eq!(judged(WRONG, KNOWN), "POST /tickets");
    }

    #[test]
    #[should_panic(expected = "POST /tickets | body /ticket/subject | 7 is not of type")]
    fn what_is_not_listed_fails() {
        judged(WRONG, &[]);
    }

    #[test]
    #[should_panic(
        expected = "1 listed ones that did not occur:\nPOST /tickets | body /ticket/subject"
    )]
    fn what_is_listed_and_does_not_occur_fails() {
        judged(RIGHT, KNOWN);
    }
}
