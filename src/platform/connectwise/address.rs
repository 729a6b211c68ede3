//! Where a ConnectWise site is: the host of its API, the host of its pages, and its codebase.
//!
//! Cloud sites answer API calls only under a host with the prefix `api-`; pages, and the look-up of the
//! codebase, live under the host without it. A site of one's own uses one host for both.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use url::{Origin, Url};

use crate::model::RecordId;
use crate::platform::basics::join;

/// The codebase under which every site answers, whatever its version.
pub(super) const STABLE_CODEBASE: &str = "v4_6_release/";

/// The domains of the vendor's cloud, where API hosts carry a prefix.
const CLOUD_DOMAINS: [&str; 2] = [".myconnectwise.net", ".connectwisedev.com"];

/// The prefix of an API host in the cloud.
const API_PREFIX: &str = "api-";

/// The addresses of one site.
#[derive(Clone, Debug)]
pub(super) struct Address {
    /// Scheme, host and perhaps a path, in front of the codebase; no slash at the end.
    api: String,
    /// The same for the codebase look-up.
    pages: String,
    /// The same for people's browsers.
    browser: String,
    /// The codebase, if the admin fixed it.
    codebase: Option<String>,
    /// Where signing keys may be fetched from.
    key_origins: Vec<Origin>,
}

/// What is wrong with a setting (beginning with its name), and how to mend it.
pub(super) type Wrong = (String, &'static str);

impl Address {
    /// Works out the addresses from `site`, `base_url` and `codebase`.
    pub(super) fn new(
        site: Option<&str>,
        base_url: Option<&str>,
        codebase: Option<&str>,
    ) -> Result<Self, Wrong> {
        let site = site.map(Site::parse).transpose()?;
        let base = base_url.map(parse_base).transpose()?;
        let fixed = codebase.map(with_slash);
        let site_origins = site.iter().flat_map(|site| [&site.api, &site.pages]);
        let mut key_origins: Vec<Origin> = site_origins.map(Url::origin).collect();
        if let Some((base, codebase_in_base)) = base {
            key_origins.push(base.origin());
            // With an override everything goes there, the look-up included.
            let api = trimmed(&base);
            return Ok(Self {
                browser: site.map_or_else(|| api.clone(), |site| trimmed(&site.pages)),
                pages: api.clone(),
                api,
                codebase: fixed.or(codebase_in_base),
                key_origins,
            });
        }
        let Some(site) = site else {
            return Err((
                "site is missing".into(),
                "write the host you open ConnectWise under, e.g. site = \"na.myconnectwise.net\"",
            ));
        };
        Ok(Self {
            api: trimmed(&site.api),
            pages: trimmed(&site.pages),
            browser: trimmed(&site.pages),
            codebase: fixed,
            key_origins,
        })
    }

    /// The codebase, if the admin fixed it.
    pub(super) fn fixed_codebase(&self) -> Option<&str> {
        self.codebase.as_deref()
    }

    /// Where the codebase of a company is looked up; needs no credential.
    pub(super) fn company_info(&self, company: &str) -> String {
        let company = utf8_percent_encode(company, NON_ALPHANUMERIC);
        join(&self.pages, &format!("login/companyinfo/{company}"))
    }

    /// The full address of an API path.
    pub(super) fn api(&self, codebase: &str, path: &str) -> String {
        join(&self.api, &format!("{codebase}apis/3.0/{path}"))
    }

    /// Where a person opens a ticket. Without the company's name the page can't tell whose ticket is meant.
    pub(super) fn ticket_page(&self, company: &str, ticket: &RecordId) -> String {
        let company = utf8_percent_encode(company, NON_ALPHANUMERIC);
        let path = "services/system_io/Service/fv_sr100_request.rails";
        join(
            &self.browser,
            &format!("{STABLE_CODEBASE}{path}?service_recid={ticket}&companyName={company}"),
        )
    }

    /// Whether a signing key may be fetched from there: the very hosts the admin named, by the same scheme and port.
    pub(super) fn may_hold_keys(&self, address: &Url) -> bool {
        address.username().is_empty()
            && address.password().is_none()
            && self.key_origins.contains(&address.origin())
    }

    /// The hosts from which signing keys may come, for people.
    pub(super) fn key_hosts(&self) -> String {
        let hosts = self.key_origins.iter().map(Origin::ascii_serialization);
        hosts.collect::<Vec<_>>().join(", ")
    }
}

struct Site {
    api: Url,
    pages: Url,
}

impl Site {
    fn parse(text: &str) -> Result<Self, Wrong> {
        let wrong = || {
            (
                format!("site: `{text}` is no host"),
                "write a host alone, e.g. site = \"na.myconnectwise.net\"",
            )
        };
        let with_scheme = match text.split_once("://") {
            // Over plain HTTP the vendor answers "SSL is required".
            Some((_, rest)) => format!("https://{rest}"),
            None => format!("https://{text}"),
        };
        let mut pages = Url::parse(&with_scheme).map_err(|_| wrong())?;
        pages.set_path("");
        pages.set_query(None);
        pages.set_fragment(None);
        let host = pages.host_str().ok_or_else(wrong)?.to_owned();
        let mut api = pages.clone();
        if CLOUD_DOMAINS.iter().any(|domain| host.ends_with(domain)) {
            let bare = host.strip_prefix(API_PREFIX).unwrap_or(&host);
            pages.set_host(Some(bare)).map_err(|_| wrong())?;
            let prefixed = format!("{API_PREFIX}{bare}");
            api.set_host(Some(&prefixed)).map_err(|_| wrong())?;
        }
        Ok(Self { api, pages })
    }
}

/// Reads `base_url`; when somebody wrote the whole API base, its codebase is taken out of it.
fn parse_base(text: &str) -> Result<(Url, Option<String>), Wrong> {
    let wrong = || {
        (
            format!("base_url: `{text}` is no http(s) address"),
            "write scheme and host, e.g. base_url = \"https://api-staging.connectwisedev.com\"",
        )
    };
    let mut base = Url::parse(text).map_err(|_| wrong())?;
    if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
        return Err(wrong());
    }
    let path = base.path().trim_end_matches('/').to_owned();
    let Some(before) = path.strip_suffix("apis/3.0") else {
        return Ok((base, None));
    };
    let before = before.trim_end_matches('/');
    let (prefix, codebase) = before.rsplit_once('/').unwrap_or(("", before));
    let codebase = (!codebase.is_empty()).then(|| with_slash(codebase));
    base.set_path(prefix);
    Ok((base, codebase))
}

/// A codebase with the slash at its end, as the vendor writes it.
pub(super) fn with_slash(codebase: &str) -> String {
    format!("{}/", codebase.trim().trim_matches('/'))
}

fn trimmed(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(text: &str) -> Address {
        Address::new(Some(text), None, None).unwrap()
    }

    #[test]
    fn cloud_hosts_get_the_prefix_and_own_hosts_do_not() {
        for (text, api, pages) in [
            (
                "na.myconnectwise.net",
                "https://api-na.myconnectwise.net",
                "https://na.myconnectwise.net",
            ),
            (
                "https://API-EU.myconnectwise.net/",
                "https://api-eu.myconnectwise.net",
                "https://eu.myconnectwise.net",
            ),
            (
                "http://au.myconnectwise.net",
                "https://api-au.myconnectwise.net",
                "https://au.myconnectwise.net",
            ),
            (
                "staging.connectwisedev.com",
                "https://api-staging.connectwisedev.com",
                "https://staging.connectwisedev.com",
            ),
            (
                "psa.example.com:8443",
                "https://psa.example.com:8443",
                "https://psa.example.com:8443",
            ),
        ] {
            let address = site(text);
            assert_eq!(
                address.api("v2024_1/", "service/tickets/1"),
                format!("{api}/v2024_1/apis/3.0/service/tickets/1")
            );
            assert_eq!(
                address.company_info("a b"),
                format!("{pages}/login/companyinfo/a%20b")
            );
        }
    }

    #[test]
    fn an_override_takes_everything_even_a_whole_api_base() {
        let address = Address::new(None, Some("http://127.0.0.1:9/cw/"), None).unwrap();
        assert_eq!(
            address.api(STABLE_CODEBASE, "x"),
            "http://127.0.0.1:9/cw/v4_6_release/apis/3.0/x"
        );
        assert_eq!(
            address.company_info("acme"),
            "http://127.0.0.1:9/cw/login/companyinfo/acme"
        );
        let whole = Address::new(None, Some("https://h.example/v2024_1/apis/3.0/"), None).unwrap();
        assert_eq!(whole.fixed_codebase(), Some("v2024_1/"));
        assert_eq!(
            whole.api("v2024_1/", "x"),
            "https://h.example/v2024_1/apis/3.0/x"
        );
        assert!(Address::new(None, Some("ftp://h"), None).is_err());
        assert!(Address::new(None, None, None).is_err());
    }

    #[test]
    fn keys_come_from_the_named_hosts_only() {
        let address = site("na.myconnectwise.net");
        let may = |text: &str| address.may_hold_keys(&Url::parse(text).unwrap());
        assert!(may(
            "https://api-na.myconnectwise.net/v4_6_release/apis/3.0/system/callbacks/keys/1"
        ));
        assert!(may("https://na.myconnectwise.net/keys/1"));
        for hostile in [
            "http://api-na.myconnectwise.net/keys/1",
            "https://api-na.myconnectwise.net.evil.example/keys/1",
            "https://api-na.myconnectwise.net@evil.example/keys/1",
            "https://user@api-na.myconnectwise.net/keys/1",
            "https://api-na.myconnectwise.net:8443/keys/1",
            "https://eu.myconnectwise.net/keys/1",
            "file:///etc/passwd",
        ] {
            assert!(!may(hostile), "{hostile}");
        }
    }

    #[test]
    fn a_ticket_opens_in_the_pages_host() {
        let page = site("na.myconnectwise.net").ticket_page("acme", &RecordId::new("69"));
        assert!(
            page.starts_with("https://na.myconnectwise.net/v4_6_release/services/"),
            "{page}"
        );
        assert!(
            page.ends_with("?service_recid=69&companyName=acme"),
            "{page}"
        );
    }
}
