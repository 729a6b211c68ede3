//! Reading a ticket's number out of a body that does not parse.
//!
//! One pass, no recursion, nothing decoded, no more than the first [`LONGEST`] bytes looked at.

use super::json::digits;

/// So much of a body is looked at.
pub(super) const LONGEST: usize = 1024 * 1024;

/// The number behind the first `"ticket_id":`, else behind the first `"external_id":`, else behind `"id":`.
pub(super) fn json(body: &[u8]) -> Option<u64> {
    let body = body.get(..body.len().min(LONGEST)).unwrap_or(body);
    let names: [&[u8]; 3] = [b"ticket_id", b"external_id", b"id"];
    let mut found = [None; 3];
    let mut place = 0;
    while let Some(start) = find(body, place, b'"') {
        place = start + 1;
        let rest = body.get(place..).unwrap_or_default();
        let Some(which) = names.iter().position(|name| is_named(rest, name)) else {
            continue;
        };
        if found[which].is_some() {
            continue;
        }
        let after = rest.get(names[which].len() + 1..).unwrap_or_default();
        found[which] = value(after);
        if which == 0 && found[0].is_some() {
            break;
        }
    }
    found.into_iter().flatten().next()
}

/// The number that the first `<ticket_id>` holds, by whichever spelling.
pub(super) fn xml(body: &[u8]) -> Option<u64> {
    let body = body.get(..body.len().min(LONGEST)).unwrap_or(body);
    let names: [&[u8]; 5] = [
        b"ticket_id",
        b"ticket-id",
        b"external_id",
        b"external-id",
        b"display-id",
    ];
    let mut place = 0;
    while let Some(start) = find(body, place, b'<') {
        place = start + 1;
        let rest = body.get(place..).unwrap_or_default();
        let Some(name) = names.iter().find(|name| rest.starts_with(name)) else {
            continue;
        };
        let after = rest.get(name.len()..).unwrap_or_default();
        let content = match after.first() {
            Some(b'>') => after.get(1..),
            Some(byte) if byte.is_ascii_whitespace() => {
                // Attributes are short; a tag that does not end soon is no tag.
                let end = after.iter().take(200).position(|byte| *byte == b'>');
                end.and_then(|end| after.get(end + 1..))
            }
            _ => None,
        };
        let content = content.unwrap_or_default();
        let content = content.get(..content.len().min(60)).unwrap_or(content);
        let content = content.trim_ascii_start();
        let content = content.strip_prefix(b"<![CDATA[").unwrap_or(content);
        let end = content.iter().position(|byte| matches!(byte, b'<' | b']'));
        if let Some(number) = end.and_then(|end| digits(content.get(..end)?)) {
            return Some(number);
        }
    }
    None
}

fn find(body: &[u8], from: usize, wanted: u8) -> Option<usize> {
    let place = body.get(from..)?.iter().position(|byte| *byte == wanted)?;
    Some(from + place)
}

fn is_named(rest: &[u8], name: &[u8]) -> bool {
    rest.starts_with(name) && rest.get(name.len()) == Some(&b'"')
}

/// The number in `: "11"`, `:11,` and the like; it must end where a value may end.
fn value(rest: &[u8]) -> Option<u64> {
    // Room for a generous indentation and the longest number.
    let rest = rest.get(..rest.len().min(100)).unwrap_or(rest);
    let rest = rest
        .trim_ascii_start()
        .strip_prefix(b":")?
        .trim_ascii_start();
    let (rest, quoted) = match rest.strip_prefix(b"\"") {
        Some(inner) => (inner.trim_ascii_start(), true),
        None => (rest, false),
    };
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = digits(rest.get(..length)?)?;
    let end = rest.get(length..)?.trim_ascii_start().first();
    let ends_well = if quoted {
        end == Some(&b'"')
    } else {
        matches!(end, Some(b',' | b'}' | b']'))
    };
    ends_well.then_some(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_surest_name_wins_and_the_first_of_it() {
        assert_eq!(json(br#"{"id":1,"external_id":2,"ticket_id":3,"#), Some(3));
        assert_eq!(json(br#"{"id":1,"external_id":"2","x"#), Some(2));
        assert_eq!(json(br#"{"x":"a "b" c","id" : "1" }"#), Some(1));
        assert_eq!(
            json(br#"{"ticket_id":"4","subject":"","ticket_id":"5""}"#),
            Some(4)
        );
    }

    #[test]
    fn what_is_no_number_is_passed_over() {
        for body in [
            &b"{\"ticket_id\":\"{{ticket.id}}\""[..],
            b"{\"ticket_id\":12ab,",
            b"{\"ticket_id\":12",
            b"{\"ticket_id\":\"12",
            b"{\"ticket_id\":1.5}",
            b"{\"ticket_id\":-1,",
            b"{\"my_ticket_id\":1,",
            b"\"ticket_id\"",
            b"\"ticket_id\":",
            b"\xff\xfe\"",
        ] {
            assert_eq!(json(body), None, "{}", String::from_utf8_lossy(body));
        }
        assert_eq!(json(b"{\"ticket_id\":0,\"id\":7,"), Some(7));
    }

    #[test]
    fn xml_is_read_without_being_parsed() {
        assert_eq!(xml(b"<a><ticket_id>11</ticket_id>"), Some(11));
        assert_eq!(
            xml(b"<ticket-id type='integer'>\n 11 </ticket-id>"),
            Some(11)
        );
        assert_eq!(xml(b"<ticket_id><![CDATA[11]]></ticket_id>"), Some(11));
        assert_eq!(
            xml(b"<ticket_id nil='true'/><external_id>7</external_id>"),
            Some(7)
        );
        for body in [
            &b"<ticket_id>"[..],
            b"<ticket_idx>1<",
            b"<ticket_id>x</ticket_id>",
            b"<",
        ] {
            assert_eq!(xml(body), None, "{}", String::from_utf8_lossy(body));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(body in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = json(&body);
            let _ = xml(&body);
        }

        #[test]
        fn the_number_is_found_whatever_the_subject(
            id in 1..i64::MAX.unsigned_abs(),
            subject in any::<String>(),
            quoted in any::<bool>(),
        ) {
            // Pasted without escaping, as Freshdesk does.
            let id_text = if quoted { format!("\"{id}\"") } else { id.to_string() };
            let body = format!("{{\"ticket_id\" : {id_text},\n\"ticket_subject\":\"{subject}\"}}");
            prop_assert_eq!(json(body.as_bytes()), Some(id));
            let after = format!("{{\"ticket_subject\":\"{subject}\",\"ticket_id\":{id_text}}}");
            prop_assert_eq!(json(after.as_bytes()), Some(id));
        }

        #[test]
        fn a_cut_body_never_gives_a_wrong_number(id in 10_000_u64..100_000, cut in 0_usize..40) {
            let body = format!("{{\"ticket_id\":\"{id}\",\"x\":1}}");
            let cut = cut.min(body.len());
            let found = json(&body.as_bytes()[..cut]);
            prop_assert!(found.is_none() || found == Some(id));
        }
    }
}
