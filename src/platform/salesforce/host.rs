//! The hosts of an org: where it signs in, where its API is, and which hosts may be trusted with its token.
//!
//! An org is reached under its My Domain. Client credentials work nowhere else, and every other grant works there
//! too. Where the API is says the answer to the sign-in (`instance_url`), and never the settings.

use serde::Deserialize;
use url::Url;

/// Whether the org is one in production or a sandbox ("Instance Type" of the hosted broker's screen).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum InstanceType {
    /// `login.salesforce.com`; Developer Edition orgs too.
    #[default]
    Production,
    /// `test.salesforce.com`: sandboxes.
    Test,
}

impl InstanceType {
    /// Whom a JWT assertion is for.
    pub(super) fn audience(self) -> &'static str {
        match self {
            Self::Production => "https://login.salesforce.com",
            Self::Test => "https://test.salesforce.com",
        }
    }
}

const VENDOR_DOMAINS: [&str; 2] = [".salesforce.com", ".salesforce.mil"];

/// The My Domain host that an `instance_name` names.
///
/// # Errors
/// Why it names none.
pub(super) fn my_domain(name: &str, kind: InstanceType) -> Result<String, String> {
    let text = name.trim().to_ascii_lowercase();
    if text.starts_with("http://") {
        return Err("Salesforce is reached by https only".to_owned());
    }
    let text = text.strip_prefix("https://").unwrap_or(&text);
    let text = text.strip_suffix('/').unwrap_or(text);
    // People copy the address of the page they see; the API has another host than the pages.
    let text = text.strip_suffix(".lightning.force.com").unwrap_or(text);
    let host = if VENDOR_DOMAINS.iter().any(|domain| text.ends_with(domain)) {
        text.to_owned()
    } else if text.contains('.') {
        match kind {
            InstanceType::Test if text.ends_with(".sandbox") => format!("{text}.my.salesforce.com"),
            _ => format!("{text}.salesforce.com"),
        }
    } else if kind == InstanceType::Test && text.contains("--") {
        format!("{text}.sandbox.my.salesforce.com")
    } else {
        format!("{text}.my.salesforce.com")
    };
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if !host.split('.').all(is_label) {
        return Err(format!("`{}` names no Salesforce org", name.trim()));
    }
    if ["login.salesforce.com", "test.salesforce.com"].contains(&host.as_str()) {
        return Err(format!("{host} is the same for all orgs"));
    }
    Ok(host)
}

/// An address without credentials, query or trailing slash.
pub(super) fn root(text: &str) -> Result<Url, String> {
    let url = Url::parse(text.trim().trim_end_matches('/'))
        .map_err(|error| format!("`{text}` is no address: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(format!("`{text}` is no http or https address"));
    }
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        return Err("it may hold neither credentials nor a query".to_owned());
    }
    Ok(url)
}

/// Where an org signs in.
#[derive(Clone, Debug)]
pub(super) enum Door {
    /// At the vendor's, under the org's My Domain.
    Vendor(Url),
    /// At an address of the admin's choice: a sandbox, a proxy, a test.
    Override(Url),
}

impl Door {
    /// The address to sign in at, without a slash at the end.
    pub(super) fn address(&self) -> &str {
        let (Self::Vendor(url) | Self::Override(url)) = self;
        url.as_str().trim_end_matches('/')
    }

    /// Where the API is, by the word of the answer to a sign-in. The token goes to the vendor's hosts, or to the host of
    /// the override, and to nobody else whatever the answer says.
    ///
    /// # Errors
    /// Why the host is not to be trusted.
    pub(super) fn instance(&self, told: &str) -> Result<String, String> {
        let url = root(told)?;
        let host = url.host_str().unwrap_or_default();
        let text = url.as_str().trim_end_matches('/').to_owned();
        match self {
            Self::Vendor(_) => {
                let is_vendors = VENDOR_DOMAINS.iter().any(|domain| host.ends_with(domain));
                if url.scheme() == "https" && is_vendors {
                    Ok(text)
                } else {
                    Err(format!(
                        "the sign-in was answered with the instance {text}, which is no host of Salesforce"
                    ))
                }
            }
            Self::Override(base)
                if base.host_str() == Some(host) && base.scheme() == url.scheme() =>
            {
                Ok(text)
            }
            Self::Override(_) => Ok(self.address().to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_org_is_named_in_several_ways() {
        use InstanceType::{Production, Test};
        for (name, kind, host) in [
            ("acme", Production, "acme.my.salesforce.com"),
            (
                "https://Acme.my.salesforce.com/",
                Production,
                "acme.my.salesforce.com",
            ),
            (
                "acme.lightning.force.com",
                Production,
                "acme.my.salesforce.com",
            ),
            ("develop.cs91.my", Test, "develop.cs91.my.salesforce.com"),
            ("acme--uat", Test, "acme--uat.sandbox.my.salesforce.com"),
            (
                "acme--uat.sandbox",
                Test,
                "acme--uat.sandbox.my.salesforce.com",
            ),
            (
                "acme--uat.sandbox.lightning.force.com",
                Test,
                "acme--uat.sandbox.my.salesforce.com",
            ),
        ] {
            assert_eq!(my_domain(name, kind).as_deref(), Ok(host), "{name}");
        }
    }

    #[test]
    fn other_names_are_refused() {
        for name in [
            "",
            "http://acme.my.salesforce.com",
            "login.salesforce.com",
            "acme.my.salesforce.com.evil.example/x",
            "user@acme",
            "acme:8443",
            "-acme",
            "a b",
        ] {
            assert!(my_domain(name, InstanceType::Production).is_err(), "{name}");
        }
    }

    #[test]
    fn the_token_goes_to_the_vendor_alone() {
        let door = Door::Vendor(root("https://acme.my.salesforce.com").unwrap());
        assert_eq!(
            door.instance("https://na15.salesforce.com/").as_deref(),
            Ok("https://na15.salesforce.com")
        );
        for told in [
            "http://na15.salesforce.com",
            "https://salesforce.com.evil.example",
            "https://evil.example",
            "x",
        ] {
            assert!(door.instance(told).is_err(), "{told}");
        }
        let door = Door::Override(root("http://127.0.0.1:4000").unwrap());
        assert_eq!(
            door.instance("http://127.0.0.1:5000").as_deref(),
            Ok("http://127.0.0.1:5000")
        );
        assert_eq!(
            door.instance("https://na15.salesforce.com").as_deref(),
            Ok("http://127.0.0.1:4000")
        );
    }
}
