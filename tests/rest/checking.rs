//! Requests held against descriptions.

use fieldbridge::openapi::{Departure, Deviation, Document, Sent, SentBody};
use http::Method;
use serde_json::{Value, json};

use super::shared;

/// What is said against a request.
pub fn check(
    document: &Document,
    method: &Method,
    address: &str,
    body: Option<&Value>,
) -> Vec<Deviation> {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let query: Vec<_> = url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    document.check_request(&Sent {
        method,
        path,
        query: &query,
        headers: &[],
        body: body.map_or(SentBody::Empty, SentBody::Json),
    })
}

fn departures(found: &[Deviation]) -> Vec<(Departure, &str)> {
    found
        .iter()
        .map(|one| (one.departure, one.place.as_str()))
        .collect()
}

fn document(text: &str) -> Document {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("api.yaml");
    std::fs::write(&file, text).unwrap();
    Document::load(&file).unwrap()
}

#[test]
fn vendors_own_requests_pass_and_wrong_ones_do_not() {
    let Some(path) = shared("openapi/smartsheet.json") else {
        return;
    };
    let document = Document::load(&path).unwrap();
    let good = json!([{"toBottom": true, "cells": [{"columnId": 101, "value": "Apple"}]}]);
    assert_eq!(
        check(&document, &Method::POST, "/2.0/sheets/1/rows", Some(&good)),
        []
    );
    assert_eq!(
        check(&document, &Method::POST, "/sheets/1/rows", Some(&good)),
        []
    );
    let bad = json!({"toBottom": true, "cells": [{"columnId": "x"}]});
    let found = check(&document, &Method::POST, "/sheets/1/rows", Some(&bad));
    assert!(!found.is_empty());
    let found = check(&document, &Method::DELETE, "/2.0/sheets", None);
    assert_eq!(found[0].departure, Departure::Operation);
}

#[test]
fn every_schema_of_every_description_can_be_checked_against() {
    for name in [
        "smartsheet.json",
        "quickbase.json",
        "quickbase-openapi3-community.json",
        "autotask.json",
        "connectwise.json",
        "freshdesk.yaml",
        "fieldnation-rest-v2.openapi.yaml",
        "netsuite-supportcase-derived.json",
        "salesforce-subset.json",
        "servicenow-table-records.yaml",
        "varied/12-schema-circular-3.0.json",
        "varied/13-parameters-style-3.1.json",
        "varied/05-petstore3-3.0.yaml",
        "varied/11-museum-3.1.yaml",
    ] {
        let Some(path) = shared(&format!("openapi/{name}")) else {
            return;
        };
        let document = Document::load(&path).unwrap();
        let mut checked = 0;
        for operation in document.operations.iter().take(150) {
            let Some(body) = operation.body.as_ref().filter(|body| body.json().is_some()) else {
                continue;
            };
            // A text is no object: whatever says so was understood.
            let path = operation
                .path_with(|_| Some(&Value::Null))
                .unwrap()
                .replace("//", "/1/");
            let found = check(
                &document,
                &operation.method,
                &path,
                Some(&json!("no object")),
            );
            checked += usize::from(body.required || !found.is_empty());
        }
        println!("{name}: {checked} bodies");
    }
}

const PETS: &str = r"
swagger: 2.0
info: {title: Pets, version: 1}
host: pets.example/base
basePath: /v1
paths:
  /pets:
    get:
      parameters:
        - {name: limit, in: query, type: integer, maximum: 10}
        - {name: tags, in: query, type: array, items: {type: string}, collectionFormat: pipes}
        - {name: X-Realm, in: header, type: string, required: true}
    post:
      parameters:
        - {name: pet, in: body, required: true, schema: {$ref: '#/definitions/Pet'}}
  /pets/{id}/photo:
    post:
      consumes: [multipart/form-data]
      parameters:
        - {name: id, in: path, required: true, type: integer}
        - {name: file, in: formData, required: true, type: file}
        - {name: size, in: formData, type: integer}
definitions:
  Pet:
    type: object
    required: [name, id]
    properties:
      id: {type: integer, readOnly: true}
      name: {type: string, maxLength: 5}
      age: {type: integer, minimum: 0, exclusiveMinimum: true}
      owner: {x-nullable: true, allOf: [{$ref: '#/definitions/Pet'}]}
    additionalProperties: false
";

#[test]
fn parameters_and_bodies_of_two_are_checked() {
    let document = document(PETS);
    let get = Method::GET;
    let realm = [("x-realm".to_owned(), "acme".to_owned())];
    let query = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    };
    let list = |pairs: &[(&str, &str)], headers: &[(String, String)]| {
        document.check_request(&Sent {
            method: &get,
            path: "/base/v1/pets",
            query: &query(pairs),
            headers,
            body: SentBody::Empty,
        })
    };
    assert_eq!(list(&[("limit", "7"), ("tags", "a|b")], &realm), []);
    assert_eq!(
        departures(&list(&[("limit", "11"), ("page", "2")], &[])),
        [
            (Departure::Value, "query parameter `limit`"),
            (Departure::Missing, "header parameter `X-Realm`"),
            (Departure::Unknown, "query parameter `page`"),
        ]
    );
    assert_eq!(list(&[("limit", "many")], &realm).len(), 1);

    let post = Method::POST;
    let good = json!({"name": "Rex", "owner": null, "age": 1});
    assert_eq!(check(&document, &post, "/base/v1/pets", Some(&good)), []);
    let bad = json!({"age": 0, "colour": "red", "owner": {"name": "too long"}});
    let found = check(&document, &post, "/base/v1/pets", Some(&bad));
    let kinds: Vec<_> = found.iter().map(|one| one.departure).collect();
    for kind in [Departure::Missing, Departure::Unknown, Departure::Value] {
        assert!(kinds.contains(&kind), "{found:?}");
    }
    assert_eq!(
        departures(&check(&document, &post, "/base/v1/pets", None)),
        [(Departure::Missing, "body")]
    );

    let photo = |parts: &[(String, Option<String>)]| {
        document.check_request(&Sent {
            method: &post,
            path: "/base/v1/pets/1/photo",
            query: &[],
            headers: &[],
            body: SentBody::Multipart(parts),
        })
    };
    assert_eq!(
        photo(&[("file".into(), None), ("size".into(), Some("3".into()))]),
        []
    );
    assert_eq!(photo(&[("size".into(), Some("big".into()))]).len(), 2);
    let other = document.check_request(&Sent {
        method: &post,
        path: "/base/v1/pets/1/photo",
        query: &[],
        headers: &[],
        body: SentBody::Json(&json!({})),
    });
    assert_eq!(other[0].departure, Departure::MediaType);
}

#[test]
fn a_schema_that_requires_itself_says_nothing_and_harms_nothing() {
    let document = document(
        r"
openapi: 3.1.0
info: {title: T, version: 1}
paths:
  /a: {post: {requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/A'}}}}}}
components:
  schemas:
    A: {allOf: [{$ref: '#/components/schemas/B'}, {type: object}]}
    B: {anyOf: [{$ref: '#/components/schemas/A'}]}
",
    );
    assert_eq!(check(&document, &Method::POST, "/a", Some(&json!({}))), []);
    assert_eq!(
        check(&document, &Method::POST, "/a", Some(&json!(1))).len(),
        1
    );
}

#[test]
fn every_style_of_the_style_matrix_is_understood() {
    let Some(path) = shared("openapi/varied/13-parameters-style-3.1.json") else {
        return;
    };
    let document = Document::load(&path).unwrap();
    let styles: std::collections::HashSet<String> = document
        .operations
        .iter()
        .flat_map(|one| &one.parameters)
        .map(|one| format!("{:?}", one.encoding.style))
        .collect();
    for style in [
        "Simple",
        "Label",
        "Matrix",
        "Form",
        "SpaceDelimited",
        "PipeDelimited",
        "DeepObject",
    ] {
        assert!(styles.contains(style), "{style}: {styles:?}");
    }
}
