//! An account's id and the hosts it stands for.
//!
//! In host names the id is written in lower case with a hyphen (`1234567-sb1`), in the OAuth 1.0 realm in upper case
//! with an underscore (`1234567_SB1`). The wrong form of either is refused by NetSuite as an invalid login.

use url::Url;

/// An account id in both of its forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    host: String,
    realm: String,
}

/// Hosts of the vendor that begin with the account's id.
const DOMAINS: [&str; 4] = [
    ".suitetalk.api.netsuite.com",
    ".restlets.api.netsuite.com",
    ".app.netsuite.com",
    ".netsuite.com",
];

impl Account {
    /// Reads an id in either form, alone or as one of the account's addresses.
    ///
    /// # Errors
    /// Why the text names no account.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let lower = text.to_ascii_lowercase();
        let rest = lower.strip_prefix("https://").unwrap_or(&lower);
        let host = rest.split('/').next().unwrap_or_default();
        let id = DOMAINS
            .iter()
            .find_map(|domain| host.strip_suffix(domain))
            .unwrap_or(host);
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let bare_address = lower.starts_with("http") && lower.contains("://") && id == host;
        let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let bytes = id.as_bytes();
        if bare_address
            || bytes.len() > 40
            || !edge(bytes.first())
            || !edge(bytes.last())
            || !id.bytes().all(legal)
        {
            return Err(format!("`{text}` is no NetSuite account id"));
        }
        Ok(Self {
            host: id.replace('_', "-"),
            realm: id.replace('-', "_").to_ascii_uppercase(),
        })
    }

    /// The id as the realm of OAuth 1.0 has it.
    pub(super) fn realm(&self) -> &str {
        &self.realm
    }

    /// Whether it is a sandbox or a release preview.
    pub(super) fn is_sandbox(&self) -> bool {
        self.realm.contains("_SB") || self.realm.contains("_RP")
    }

    /// Where people open the account.
    pub(super) fn portal(&self) -> String {
        format!("https://{}.app.netsuite.com", self.host)
    }

    /// Where its web services are.
    pub(super) fn hosts(&self) -> Hosts {
        Hosts {
            services: format!("https://{}.suitetalk.api.netsuite.com", self.host),
            scripts: format!("https://{}.restlets.api.netsuite.com", self.host),
        }
    }
}

/// Where an account's services are, without a slash at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hosts {
    /// Records, queries, metadata, tokens.
    pub(super) services: String,
    /// Every RESTlet.
    pub(super) scripts: String,
}

impl Hosts {
    /// Both services under one address of one's own.
    ///
    /// # Errors
    /// Why the text is no such address.
    pub(super) fn under(base: &str) -> Result<Self, String> {
        let base = base.trim().trim_end_matches('/');
        let url = Url::parse(base).map_err(|error| format!("`{base}` is no address: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(format!("`{base}` is no http or https address"));
        }
        if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
            return Err("it may hold neither credentials nor a query".to_owned());
        }
        Ok(Self {
            services: base.to_owned(),
            scripts: base.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_in_every_form_and_written_in_both() {
        for text in [
            "1234567_SB1",
            "1234567-sb1",
            "1234567_sb1",
            "https://1234567-sb1.app.netsuite.com/app/center/card.nl",
            "1234567-sb1.suitetalk.api.netsuite.com",
        ] {
            let account = Account::read(text).unwrap();
            assert_eq!(account.realm(), "1234567_SB1", "{text}");
            assert!(account.is_sandbox());
            assert_eq!(
                account.hosts().services,
                "https://1234567-sb1.suitetalk.api.netsuite.com"
            );
            assert_eq!(
                account.hosts().scripts,
                "https://1234567-sb1.restlets.api.netsuite.com"
            );
        }
        let trial = Account::read(" tstdrv123456 ").unwrap();
        assert_eq!(trial.realm(), "TSTDRV123456");
        assert!(!trial.is_sandbox());
        assert_eq!(trial.portal(), "https://tstdrv123456.app.netsuite.com");
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in [
            "",
            "_SB1",
            "12 34",
            "1234567-",
            "https://erp.example.com/",
            "erp.example.com",
            "../x",
            "1234567.netsuite.com.evil.example",
        ] {
            assert!(Account::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_address_of_ones_own_serves_both() {
        let hosts = Hosts::under("http://127.0.0.1:8080/").unwrap();
        assert_eq!(hosts.services, "http://127.0.0.1:8080");
        assert_eq!(hosts.scripts, hosts.services);
        for wrong in ["", "ftp://x", "https://u:p@x", "https://x?y=1"] {
            assert!(Hosts::under(wrong).is_err(), "{wrong}");
        }
    }
}
