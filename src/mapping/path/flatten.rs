//! The inverse of writing.

use serde_json::{Map, Value};

use super::push_key;

/// The values of an output by their target paths: what is no object, arrays whole, and empty objects.
/// Writing them all again makes the same output.
#[must_use]
pub fn flatten(output: &Map<String, Value>) -> Vec<(String, Value)> {
    let mut leaves = Vec::new();
    descend(output, &mut String::new(), &mut leaves);
    leaves
}

fn descend(object: &Map<String, Value>, path: &mut String, leaves: &mut Vec<(String, Value)>) {
    for (key, value) in object {
        let length = path.len();
        push_key(path, key);
        match value {
            Value::Object(members) if !members.is_empty() => descend(members, path, leaves),
            _ => leaves.push((path.clone(), value.clone())),
        }
        path.truncate(length);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn leaves_have_their_target_paths() {
        let Value::Object(output) = json!({
            "title": "T",
            "location": {"city": "Boston", "geo": {"a.b": 1}},
            "customFields": [{"caption": "Site code", "value": 1}],
            "nothing": {},
        }) else {
            unreachable!("the literal above is an object")
        };
        let leaves = flatten(&output);
        let paths: Vec<&str> = leaves.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "title",
                "location.city",
                "location.geo[\"a.b\"]",
                "customFields",
                "nothing"
            ]
        );
    }
}
