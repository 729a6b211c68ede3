//! Ids as the vendor makes them: a prefix by object, the instance, a counter, and three characters of check sum.

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const CHECKS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

/// The id of the so-many-th record of an object.
pub(super) fn id(prefix: &str, number: u64) -> String {
    let mut counter = [b'0'; 9];
    let mut rest = number;
    for place in counter.iter_mut().rev() {
        let digit = usize::try_from(rest % 62).unwrap_or_default();
        *place = DIGITS.get(digit).copied().unwrap_or(b'0');
        rest /= 62;
    }
    let counter = String::from_utf8_lossy(&counter);
    // The instance's two characters stand within the counter's leading zeros.
    widened(&format!(
        "{prefix}Hs0{}",
        counter.get(..9).unwrap_or_default()
    ))
}

/// The 18 characters of 15.
fn widened(short: &str) -> String {
    let sums = short.as_bytes().chunks(5).map(|five| {
        let bits = five.iter().enumerate();
        let sum = bits.fold(0_usize, |sum, (place, byte)| {
            sum | (usize::from(byte.is_ascii_uppercase()) << place)
        });
        char::from(CHECKS.get(sum).copied().unwrap_or(b'A'))
    });
    short.chars().chain(sums).collect()
}

/// The 18-character form of an id in either form, if it has the form of one.
pub(super) fn long(text: &str) -> Option<String> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match text.len() {
        15 if is_plain => Some(widened(text)),
        18 if is_plain => Some(text.to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_vendors_form_and_differ() {
        assert_eq!(
            long("003J800000DeOXj").as_deref(),
            Some("003J800000DeOXjIAN")
        );
        let some: std::collections::BTreeSet<_> =
            (0..5_000).map(|number| id("500", number)).collect();
        assert_eq!(some.len(), 5_000);
        assert!(some.iter().all(|id| id.len() == 18
            && id.starts_with("500")
            && long(&id[..15]).as_deref() == Some(id)));
        assert_eq!(long("500"), None);
    }
}
