//! Between plain text and the HTML in which some platforms keep descriptions and notes.

/// Plain text as HTML: what would be markup is escaped, line ends become breaks.
pub(super) fn from_text(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + 16);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            '\r' => {
                if characters.peek() != Some(&'\n') {
                    html.push_str("<br>");
                }
            }
            '\n' => html.push_str("<br>"),
            character if character.is_control() && character != '\t' => {}
            character => html.push(character),
        }
    }
    html
}

/// Elements that the platforms' editors and Field Nation's write; their presence tells markup from text.
const KNOWN: [&str; 18] = [
    "div", "p", "br", "span", "b", "strong", "i", "em", "u", "ul", "ol", "li", "a", "table", "h1",
    "h2", "h3", "img",
];

/// Text for a field of HTML: markup is passed on as it is, plain text is escaped.
pub(super) fn keep_or_convert(text: &str) -> String {
    if is_html(text) {
        text.to_owned()
    } else {
        from_text(text)
    }
}

fn is_html(text: &str) -> bool {
    text.split('<').skip(1).any(|after| {
        let name: String = after
            .trim_start_matches('/')
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        KNOWN.contains(&name.to_ascii_lowercase().as_str()) && after.contains('>')
    })
}

/// HTML as plain text: blocks become lines, entities characters, scripts and styles nothing.
pub(super) fn to_text(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        decode(&rest[..start], &mut text);
        let tag = &rest[start + 1..];
        let Some(end) = tag.find('>') else {
            // A lone bracket is text.
            decode(&rest[start..], &mut text);
            rest = "";
            break;
        };
        let name: String = tag
            .trim_start_matches('/')
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect::<String>()
            .to_ascii_lowercase();
        rest = &tag[end + 1..];
        match name.as_str() {
            "script" | "style" if !tag.starts_with('/') => rest = after_element(rest, &name),
            "br" => text.push('\n'),
            "p" | "div" | "li" | "tr" | "h1" | "h2" | "h3" | "h4" | "ul" | "ol" | "table"
            | "blockquote"
                if !text.is_empty() && !text.ends_with('\n') =>
            {
                text.push('\n');
            }
            _ => {}
        }
    }
    decode(rest, &mut text);
    let lines = text.lines().map(str::trim_end);
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

fn after_element<'a>(rest: &'a str, name: &str) -> &'a str {
    let closing = format!("</{name}");
    let found = rest
        .as_bytes()
        .windows(closing.len())
        .position(|window| window.eq_ignore_ascii_case(closing.as_bytes()));
    let Some(start) = found else { return "" };
    let tail = &rest[start..];
    tail.find('>').map_or("", |end| &tail[end + 1..])
}

fn decode(piece: &str, text: &mut String) {
    let mut rest = piece;
    while let Some(start) = rest.find('&') {
        text.push_str(&rest[..start]);
        let after = &rest[start + 1..];
        let end = after.bytes().take(10).position(|byte| byte == b';');
        let decoded = end.and_then(|end| Some((entity(after.get(..end)?)?, end)));
        if let Some((character, end)) = decoded {
            text.push(character);
            rest = &after[end + 1..];
        } else {
            text.push('&');
            rest = after;
        }
    }
    text.push_str(rest);
}

fn entity(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "hellip" => '…',
        "ndash" => '–',
        "mdash" => '—',
        _ => {
            let digits = name.strip_prefix('#')?;
            let code = match digits.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => digits.parse().ok()?,
            };
            char::from_u32(code).filter(|character| *character != '\0')?
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_stays_text_in_html() {
        assert_eq!(
            from_text("a <b> & \"c\"\r\nd\re"),
            "a &lt;b&gt; &amp; &quot;c&quot;<br>d<br>e"
        );
    }

    #[test]
    fn html_becomes_lines() {
        assert_eq!(
            to_text("<div>One &amp; two</div><p>Three<br/>four&#8217;s</p><script>x<1</script>5"),
            "One & two\nThree\nfour’s\n5"
        );
        assert_eq!(
            to_text("1 < 2 &amp 3 &unknown; 4"),
            "1 < 2 &amp 3 &unknown; 4"
        );
    }

    #[test]
    fn markup_is_told_from_text() {
        assert_eq!(keep_or_convert("<p>Hi</p>"), "<p>Hi</p>");
        assert_eq!(keep_or_convert("a < b > c"), "a &lt; b &gt; c");
        assert_eq!(
            keep_or_convert("mail <me@example.com>"),
            "mail &lt;me@example.com&gt;"
        );
    }

    proptest! {
        #[test]
        fn what_was_escaped_is_read_back(text in "[a-z&<>\"';#0-9\n ]{0,60}") {
            let lines = text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
            prop_assert_eq!(to_text(&from_text(&text)), lines.trim());
        }

        #[test]
        fn no_html_breaks_the_reader(html in any::<String>()) {
            let _ = to_text(&html);
        }
    }
}
