//! Who is at the other end of the control socket, and what they may do.

use std::fs;

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use tokio::net::{UnixListener, UnixStream};

use super::wire::Role;
use crate::config::Roles;

/// The name of the user this process runs as, as the audit trail knows it.
#[must_use]
pub fn own_name() -> String {
    let uid = rustix::process::geteuid().as_raw();
    let gid = rustix::process::getegid().as_raw();
    Accounts::of_this_machine().peer(uid, gid).name
}

/// A Unix user at the other end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The user's number; `None` if the kernel did not say.
    uid: Option<u32>,
    /// The user's name, or the number as text where no name is known.
    name: String,
    /// The names and numbers of the groups.
    groups: Vec<String>,
}

impl Peer {
    /// The peer of a stream, by the kernel's word.
    fn of(stream: &UnixStream) -> Self {
        match stream.peer_cred() {
            Ok(credentials) => {
                Accounts::of_this_machine().peer(credentials.uid(), credentials.gid())
            }
            Err(_) => Self {
                uid: None,
                name: "unknown".to_owned(),
                groups: Vec::new(),
            },
        }
    }

    /// A peer for tests.
    #[cfg(test)]
    pub(super) fn named(uid: u32, name: &str) -> Self {
        Self {
            uid: Some(uid),
            name: name.to_owned(),
            groups: Vec::new(),
        }
    }

    /// The name under which the person acts.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What the person may do; `None` is nothing at all. Root and the engine's own user are admins.
    pub(super) fn role(&self, roles: &Roles) -> Option<Role> {
        let uid = self.uid?;
        if uid == 0 || uid == rustix::process::geteuid().as_raw() {
            return Some(Role::Admin);
        }
        let listed = |list: &[String]| list.iter().any(|entry| self.is(entry));
        if listed(&roles.admin) {
            Some(Role::Admin)
        } else if listed(&roles.support) {
            Some(Role::Support)
        } else if listed(&roles.viewer) {
            Some(Role::Viewer)
        } else {
            None
        }
    }

    /// Whether an entry of the config (`maria`, `1001`, `@operators`) means this person.
    fn is(&self, entry: &str) -> bool {
        match entry.strip_prefix('@') {
            Some(group) => self.groups.iter().any(|name| name == group),
            None => entry == self.name || self.uid.is_some_and(|uid| entry.parse() == Ok(uid)),
        }
    }
}

impl Connected<IncomingStream<'_, UnixListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        Self::of(stream.io())
    }
}

/// The texts of `/etc/passwd` and `/etc/group`.
///
/// Read as files and not through the C library: a static binary has no name services, and an unknown user is no
/// disaster but is known by number.
struct Accounts {
    passwd: String,
    group: String,
}

impl Accounts {
    /// Read anew for each connection, so that a person added to a group is let in at the next one.
    fn of_this_machine() -> Self {
        let text = |path| fs::read_to_string(path).unwrap_or_default();
        Self {
            passwd: text("/etc/passwd"),
            group: text("/etc/group"),
        }
    }

    fn peer(&self, uid: u32, gid: u32) -> Peer {
        let user = self
            .passwd
            .lines()
            .map(fields)
            .find(|user| number(user, 2) == Some(uid));
        let name = user
            .as_ref()
            .and_then(|user| user.first())
            .map_or_else(|| uid.to_string(), |name| (*name).to_owned());
        let primary = user.and_then(|user| number(&user, 3));
        Peer {
            uid: Some(uid),
            groups: self.groups(&name, &[Some(gid), primary]),
            name,
        }
    }

    /// Names and numbers of the groups that a user is a member of, or that have one of these numbers.
    fn groups(&self, user: &str, numbers: &[Option<u32>]) -> Vec<String> {
        let mut names: Vec<_> = numbers.iter().flatten().map(u32::to_string).collect();
        for group in self.group.lines().map(fields) {
            let member = group
                .get(3)
                .is_some_and(|members| members.split(',').any(|member| member == user));
            let gid = number(&group, 2);
            if member || (gid.is_some() && numbers.contains(&gid)) {
                names.extend(group.first().map(|name| (*name).to_owned()));
            }
        }
        names
    }
}

fn fields(line: &str) -> Vec<&str> {
    line.split(':').collect()
}

fn number(fields: &[&str], place: usize) -> Option<u32> {
    fields.get(place)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0::/root:/bin/sh\nop:x:70001:70001::/home/op:/bin/sh\nbroken\n";
    const GROUP: &str =
        "root:x:0:\nop:x:70001:\noperators:x:70050:someone,op\nadmins:x:70060:someone\n";

    fn accounts() -> Accounts {
        Accounts {
            passwd: PASSWD.to_owned(),
            group: GROUP.to_owned(),
        }
    }

    fn roles() -> Roles {
        Roles {
            viewer: vec!["70002".to_owned(), "op".to_owned()],
            support: vec!["@operators".to_owned()],
            admin: vec!["@70060".to_owned()],
        }
    }

    #[test]
    fn the_highest_role_of_name_and_groups_counts() {
        let peer = accounts().peer(70001, 70001);
        assert_eq!(peer.name(), "op");
        assert_eq!(peer.role(&roles()), Some(Role::Support));
    }

    #[test]
    fn a_user_without_a_name_is_known_by_number() {
        let peer = accounts().peer(70002, 70060);
        assert_eq!(peer.name(), "70002");
        assert_eq!(peer.role(&roles()), Some(Role::Admin));
        let peer = accounts().peer(70002, 1);
        assert_eq!(peer.role(&roles()), Some(Role::Viewer));
    }

    #[test]
    fn root_and_the_engines_user_are_admins_and_strangers_are_nobody() {
        let own = rustix::process::geteuid().as_raw();
        assert_eq!(
            accounts().peer(0, 0).role(&Roles::default()),
            Some(Role::Admin)
        );
        assert_eq!(
            accounts().peer(own, 1).role(&Roles::default()),
            Some(Role::Admin)
        );
        assert_eq!(accounts().peer(70003, 70003).role(&roles()), None);
    }

    #[test]
    fn a_peer_that_the_kernel_does_not_name_may_do_nothing() {
        let peer = Peer {
            uid: None,
            name: "root".to_owned(),
            groups: vec!["operators".to_owned()],
        };
        assert_eq!(peer.role(&roles()), None);
    }
}
