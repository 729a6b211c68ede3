//! Reading ids out of bodies that do not parse.
//!
//! Quickbase pastes a record's values into the admin's template as they are, so that a quotation mark in a title breaks
//! JSON and an ampersand XML. One pass, no recursion, nothing decoded, no more than the first [`LONGEST`] bytes looked at.

use crate::platform::basics::digits;

/// So much of a body is looked at.
pub(super) const LONGEST: usize = 1024 * 1024;

/// The longest name that is looked at.
const LONGEST_NAME: usize = 40;

/// A member or element, and where its value begins.
struct Named<'a> {
    name: String,
    rest: &'a [u8],
}

/// A name without regard to how it is spelt: `record_id`, `recordId` and `Record ID#` are one.
pub(super) fn squashed(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|character| character.to_ascii_lowercase())
        .collect()
}

/// The numbers behind all members of the first of these names that has any.
pub(super) fn numbers(body: &[u8], names: &[&str]) -> Vec<u64> {
    let mut found = vec![Vec::new(); names.len()];
    for named in members(body) {
        if let Some(place) = names.iter().position(|name| *name == named.name)
            && let Some(list) = found.get_mut(place)
        {
            list.extend(number(named.rest));
        }
    }
    let first = found.into_iter().find(|list| !list.is_empty());
    first.unwrap_or_default()
}

/// The word behind the first member of one of these names.
pub(super) fn word(body: &[u8], names: &[&str]) -> Option<String> {
    let mut members = members(body).filter(|named| names.contains(&named.name.as_str()));
    let value = members.find_map(|named| {
        let (text, _) = unquoted(named.rest)?;
        let length = text
            .iter()
            .take(LONGEST_NAME)
            .take_while(|byte| byte.is_ascii_alphanumeric())
            .count();
        text.get(..length).filter(|text| !text.is_empty())
    })?;
    String::from_utf8(value.to_vec()).ok()
}

/// Whatever looks like `"name":` or `<name>`.
fn members(body: &[u8]) -> impl Iterator<Item = Named<'_>> {
    let body = body.get(..body.len().min(LONGEST)).unwrap_or(body);
    let marks = body
        .iter()
        .enumerate()
        .filter(|(_, byte)| matches!(byte, b'"' | b'<'));
    marks.filter_map(move |(place, mark)| {
        let rest = body.get(place + 1..)?;
        if *mark == b'"' {
            json_member(rest)
        } else {
            xml_element(rest)
        }
    })
}

fn json_member(rest: &[u8]) -> Option<Named<'_>> {
    let length = rest
        .iter()
        .take(LONGEST_NAME)
        .position(|byte| *byte == b'"')?;
    let name = std::str::from_utf8(rest.get(..length)?).ok()?;
    let rest = near(rest.get(length + 1..)?).trim_ascii_start();
    Some(Named {
        name: squashed(name),
        rest: rest.strip_prefix(b":")?,
    })
}

fn xml_element(rest: &[u8]) -> Option<Named<'_>> {
    let is_end = |byte: &u8| *byte == b'>' || byte.is_ascii_whitespace();
    let length = rest.iter().take(LONGEST_NAME).position(is_end)?;
    let name = std::str::from_utf8(rest.get(..length)?).ok()?;
    if name.starts_with(['/', '!', '?']) {
        return None;
    }
    // Attributes are short; a tag that does not end soon is no tag.
    let rest = rest.get(length..)?;
    let end = rest.iter().take(200).position(|byte| *byte == b'>')?;
    let content = near(rest.get(end + 1..)?).trim_ascii_start();
    Some(Named {
        name: squashed(name),
        rest: content.strip_prefix(b"<![CDATA[").unwrap_or(content),
    })
}

/// Room for a generous indentation and the longest number.
fn near(rest: &[u8]) -> &[u8] {
    rest.get(..rest.len().min(100)).unwrap_or(rest)
}

/// A value without the quotation mark it may begin with, and whether it had one.
fn unquoted(rest: &[u8]) -> Option<(&[u8], bool)> {
    let rest = near(rest).trim_ascii_start();
    match rest.first()? {
        b'"' => Some((rest.get(1..)?.trim_ascii_start(), true)),
        _ => Some((rest, false)),
    }
}

/// The number at the beginning; it must end where a value may end.
fn number(rest: &[u8]) -> Option<u64> {
    let (rest, quoted) = unquoted(rest)?;
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = digits(rest.get(..length)?)?;
    let end = rest.get(length..)?.trim_ascii_start().first()?;
    let ends_well = if quoted {
        *end == b'"'
    } else {
        matches!(end, b',' | b'}' | b']' | b'<')
    };
    ends_well.then_some(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NAMES: [&str; 3] = ["recordid", "rid", "id"];

    fn read(body: &str) -> Vec<u64> {
        numbers(body.as_bytes(), &NAMES)
    }

    #[test]
    fn all_of_the_surest_name_are_taken() {
        assert_eq!(read(r#"{"id":1,"rid":2,"record_id":3,"#), [3]);
        assert_eq!(read(r#"{"x":"a "b" c","rid" : "2" }"#), [2]);
        assert_eq!(
            read(r#"[{"record_id":"1","t":"a "b""},{"Record ID#":"2","t":""},]"#),
            [1, 2]
        );
        assert_eq!(read(r#"{"recordId":"1"}{"recordId":"2"}"#), [1, 2]);
    }

    #[test]
    fn xml_is_read_without_being_parsed() {
        assert_eq!(read("<a><record_id>11</record_id><t>A & B</t></a>"), [11]);
        assert_eq!(read("<rec><RecordId type='n'>\n 11 </RecordId>"), [11]);
        assert_eq!(read("<record_id><![CDATA[11]]></record_id>"), [11]);
        assert_eq!(read("<r><rid>1</rid></r><r><rid>2</rid></r>"), [1, 2]);
        for body in [
            "<record_id>",
            "<record_idx>1<",
            "<rid>x</rid>",
            "<",
            "<rid>1",
        ] {
            assert_eq!(read(body), [] as [u64; 0], "{body}");
        }
    }

    #[test]
    fn what_is_no_number_is_passed_over() {
        for body in [
            "{\"record_id\":\"[Record ID#]\"",
            "{\"record_id\":12ab,",
            "{\"record_id\":12",
            "{\"record_id\":\"12",
            "{\"record_id\":1.5}",
            "{\"record_id\":-1,",
            "{\"my_record_id\":1,",
            "\"record_id\"",
        ] {
            assert_eq!(read(body), [] as [u64; 0], "{body}");
        }
    }

    #[test]
    fn a_tables_word_is_found() {
        let body = br#"{"record_id":"1","table_id":"bck7gp3q2","title":"say "hi""}"#;
        assert_eq!(word(body, &["tableid"]).as_deref(), Some("bck7gp3q2"));
        assert_eq!(
            word(b"<dbid>bck7</dbid>", &["dbid"]).as_deref(),
            Some("bck7")
        );
        assert_eq!(word(b"{\"table_id\":\"%dbid%\"", &["tableid"]), None);
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(body in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = numbers(&body, &NAMES);
            let _ = word(&body, &NAMES);
        }

        #[test]
        fn the_number_is_found_whatever_the_title(
            id in 1..i64::MAX.unsigned_abs(),
            title in any::<String>(),
            quoted in any::<bool>(),
        ) {
            // Pasted without escaping, as Quickbase does.
            let id_text = if quoted { format!("\"{id}\"") } else { id.to_string() };
            let body = format!("{{\"record_id\" : {id_text},\n\"title\":\"{title}\"}}");
            prop_assert!(read(&body).contains(&id));
            let after = format!("{{\"title\":\"{title}\",\"record_id\":{id_text}}}");
            prop_assert!(read(&after).contains(&id));
        }

        #[test]
        fn a_cut_body_never_gives_a_wrong_number(id in 10_000_u64..100_000, cut in 0_usize..40) {
            let body = format!("{{\"record_id\":\"{id}\",\"x\":1}}");
            let found = read(&body[..cut.min(body.len())]);
            prop_assert!(found.is_empty() || found == [id]);
        }
    }
}
