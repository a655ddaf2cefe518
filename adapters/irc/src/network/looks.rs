//! How foreign users look on a network: nick, user name and host.

use cpim_adapter::{Address, Mapper};
use cpim_irc_proto::{Nick, User};
use ring::digest::{SHA256, digest};

use crate::listener::candidates;

/// Octets of a user name that every server lets have.
const USER_OCTETS: usize = 9;

/// Numbers behind a name at most: more people of one name have digits that mean nothing.
const NUMBERED: usize = 100;

/// Nicks for a foreign user, those that look most like him first, none longer than this. Made as they are asked for.
pub(super) fn nicks(
    address: &Address,
    mapper: &Mapper,
    octets: usize,
) -> impl Iterator<Item = String> + use<> {
    let mut all = candidates(address, mapper).peekable();
    let stem = all.peek().cloned().unwrap_or_else(|| "someone".to_owned());
    let short = move |behind: &str| {
        let room = octets.saturating_sub(behind.len()).min(stem.len());
        format!("{}{behind}", stem.get(..stem.floor_char_boundary(room)).unwrap_or_default())
    };
    let (first, last) = (short(""), short(&format!("-{}", drawn(address, 2))));
    let numbered = (2..NUMBERED).map(move |number| short(&number.to_string()));
    let mut seen = std::collections::HashSet::new();
    let is_new_nick =
        move |nick: &String| nick.len() <= octets && Nick::parse(nick).is_ok() && seen.insert(nick.clone());
    [first].into_iter().chain(all).chain(numbered).chain([last]).filter(is_new_nick)
}

/// Nicks to try where somebody has the first: they last for one connection.
pub(super) fn instead_of(nick: &str, octets: usize) -> Vec<Nick> {
    let behind = ["", "_", "__", "-gw", "_1", "_2", "_3"];
    let mut nicks: Vec<Nick> = Vec::new();
    for behind in behind {
        let room = octets.saturating_sub(behind.len()).min(nick.len());
        let stem = nick.get(..nick.floor_char_boundary(room)).unwrap_or_default();
        nicks.extend(Nick::parse(&format!("{stem}{behind}")).ok().filter(|nick| !nicks.contains(nick)));
    }
    nicks
}

/// The user name of a foreign user: what of his own name can stand there.
pub(super) fn user(nick: &str) -> User {
    let kept: String =
        nick.chars().filter(|c| c.is_ascii_alphanumeric()).take(USER_OCTETS).collect::<String>();
    User::parse(&kept).unwrap_or_else(|_| User::anybody())
}

/// An address that stands for a foreign user and for nobody's machine, so that operators can tell one from another:
/// out of the space that is no one's on the Internet (RFC 4193), and always the same.
pub(super) fn ip(address: &Address) -> String {
    let digits = drawn(address, 15);
    let groups: Vec<&str> = (0..7).filter_map(|nth| digits.get(2 + nth * 4..6 + nth * 4)).collect();
    format!("fd{}:{}", digits.get(..2).unwrap_or("00"), groups.join(":"))
}

/// Hexadecimal digits that an address always has, two for each octet.
fn drawn(address: &Address, octets: usize) -> String {
    let digest = digest(&SHA256, address.mailbox().as_bytes());
    digest.as_ref().iter().take(octets).map(|octet| format!("{octet:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use cpim_adapter::{Domain, Selectors};

    use super::*;

    fn all(address: &str, octets: usize) -> Vec<String> {
        let mapper = Mapper::new(Domain::parse("gw.example").unwrap(), Selectors::default());
        nicks(&Address::parse(address).unwrap(), &mapper, octets).collect()
    }

    #[test]
    fn nicks_look_like_their_users_and_fit() {
        assert_eq!(all("im:fred@a.example", 30)[..4], ["fred", "fred-a", "fred-a-example", "fred2"]);
        assert_eq!(all("im:John.Smith@a.example", 9)[..3], ["john-smit", "john-smi2", "john-smi3"]);
        let many = all("im:fred@a.example", 30);
        let each: std::collections::HashSet<_> = many.iter().collect();
        assert!(many.len() > 100 && each.len() == many.len(), "each once: {many:?}");
        for octets in [1, 5, 9, 30, 64] {
            let all = all("im:John.Smith@a.example", octets);
            assert!(all.iter().all(|nick| nick.len() <= octets), "{octets}: {all:?}");
        }
    }

    #[test]
    fn a_nick_that_is_taken_has_others_beside_it() {
        let text =
            |octets| -> Vec<String> { instead_of("fred", octets).iter().map(ToString::to_string).collect() };
        assert_eq!(text(9), ["fred", "fred_", "fred__", "fred-gw", "fred_1", "fred_2", "fred_3"]);
        assert_eq!(text(4), ["fred", "fre_", "fr__", "f-gw", "fr_1", "fr_2", "fr_3"]);
        assert_eq!(user("john-smith").as_str(), "johnsmith");
        assert_eq!(user("---").as_str(), "someone");
    }

    #[test]
    fn everybody_has_an_address_that_is_no_machines() {
        let ip = |text| ip(&Address::parse(text).unwrap());
        assert_eq!(ip("im:fred@a.example"), ip("im:fred@a.example"));
        assert_ne!(ip("im:fred@a.example"), ip("im:fred@b.example"));
        let parsed: std::net::Ipv6Addr = ip("im:fred@a.example").parse().unwrap();
        assert!(parsed.is_unique_local());
    }
}
