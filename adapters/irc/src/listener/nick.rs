//! Nicks: what one may be, when two are the same, and what a foreign user's looks like.

use std::hash::{DefaultHasher, Hash, Hasher};

use cpim_adapter::{Address, Mapper};
use cpim_irc_proto::Casemapping;

/// Octets in a nick at most, as `NICKLEN` says: what every client shows whole.
pub(crate) const NICK_OCTETS: usize = 30;

/// Octets of a foreign user's own name in his nick: what tells two of them apart has to fit behind it.
const STEM_OCTETS: usize = 16;

/// The numbered candidates: more people of one name than this have digits that mean nothing.
const NUMBERED: usize = 40;

/// The nick of the gateway's own inbox.
pub(crate) const GATEWAY: &str = crate::GATEWAY_NICK;

/// The casemapping is `ascii`: two nicks are the same where they differ in the case of `A` to `Z` alone.
pub(crate) fn fold(nick: &str) -> String {
    Casemapping::Ascii.fold(nick)
}

/// Whether two nicks are the same.
pub(crate) fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// Whether a nick can be had (RFC 2812 section 2.3.1, but for its length).
pub(crate) fn is_nick(text: &str) -> bool {
    let begins = |octet: u8| octet.is_ascii_alphabetic() || b"[]\\`_^{|}".contains(&octet);
    (1..=NICK_OCTETS).contains(&text.len())
        && text.bytes().next().is_some_and(begins)
        && text.bytes().all(|octet| begins(octet) || octet.is_ascii_digit() || octet == b'-')
}

/// What is no nick of a person: services that people write to by habit, and the gateway itself.
pub(crate) fn is_reserved(nick: &str) -> bool {
    let nick = fold(nick);
    nick == GATEWAY || nick.ends_with("serv")
}

/// Nicks for a foreign user, the ones that look most like him first; made as they are asked for, because the first is
/// free almost always.
pub(crate) fn candidates(address: &Address, mapper: &Mapper) -> impl Iterator<Item = String> + use<> {
    let (name, home) = parts(address, mapper);
    let stem = clean(&name, STEM_OCTETS);
    let first_label = home.split('.').next().unwrap_or_default();
    let at_home = [first_label, &home].map(|behind| clean(&format!("{stem}-{behind}"), NICK_OCTETS));
    let mut hasher = DefaultHasher::new();
    address.hash(&mut hasher);
    let drawn = format!("{stem}-{:08x}", hasher.finish() >> 32);
    let first = [stem.clone()].into_iter().chain(at_home);
    let numbered = (2..NUMBERED).map(move |nth| format!("{stem}{nth}"));
    first.chain(numbered).chain([drawn]).filter(|nick| is_nick(nick) && !is_reserved(nick))
}

/// The name of a user by himself, and of where he is at home.
fn parts(address: &Address, mapper: &Mapper) -> (String, String) {
    let Ok(foreign) = mapper.unmap(address) else {
        return (address.local().to_owned(), address.domain().as_str().to_owned());
    };
    let value = foreign.value();
    match (value.rsplit_once('@'), value.rsplit_once('/')) {
        (Some((name, home)), _) | (None, Some((home, name))) => (name.to_owned(), home.to_owned()),
        (None, None) => (value.to_owned(), foreign.selector().as_str().to_owned()),
    }
}

/// What of a text can be in a nick, in lower case, no longer than this.
fn clean(text: &str, octets: usize) -> String {
    let mut nick = String::with_capacity(octets);
    for c in text.chars() {
        let c = match c.to_ascii_lowercase() {
            c if c.is_ascii_alphanumeric() || "[]\\`_^{|}-".contains(c) => c,
            // Between words, so that they stay apart.
            '.' | '+' | '/' | ' ' | '=' | '~' => '-',
            _ => continue,
        };
        if nick.is_empty() && !is_nick(c.encode_utf8(&mut [0; 4])) {
            nick.push('_');
        }
        if nick.len() >= octets {
            break;
        }
        nick.push(c);
    }
    let nick = nick.trim_end_matches('-');
    if nick.is_empty() { "someone".to_owned() } else { nick.to_owned() }
}

#[cfg(test)]
mod tests {
    use cpim_adapter::{Domain, Selectors};

    use super::*;

    fn all(address: &str) -> Vec<String> {
        let mapper = Mapper::new(Domain::parse("gw.example").unwrap(), Selectors::default());
        candidates(&Address::parse(address).unwrap(), &mapper).collect()
    }

    #[test]
    fn nicks_look_like_their_users() {
        assert_eq!(all("im:fred@a.example")[..3], ["fred", "fred-a", "fred-a-example"]);
        assert_eq!(all("im:John.Smith@a.example")[0], "john-smith");
        assert_eq!(all("im:mailto=bob~40mail.example@gw.example")[0], "bob");
        let carl = all("im:irc=irc.example.net/carl@gw.example");
        assert_eq!(carl[..3], ["carl", "carl-irc", "carl-irc-example-net"]);
        assert_eq!(all("im:tel=~2b4930123456@gw.example")[0], "_-4930123456");
        assert_eq!(all("im:7up@a.example")[0], "_7up");
        assert_eq!(all("im:%C3%A9@a.example")[0], "someone");
        assert_ne!(all("im:gateway@a.example")[0], "gateway");
    }

    #[test]
    fn every_candidate_is_a_nick_and_nobodys_service() {
        for address in ["im:a@b.example", "im:%F0%9F%A6%80@a.example", "im:nickserv@a.example"] {
            let all = all(address);
            assert!(all.len() > 30);
            assert!(all.iter().all(|nick| is_nick(nick) && fold(nick) == *nick && !is_reserved(nick)));
        }
    }

    #[test]
    fn the_grammar_is_that_of_the_rfc() {
        for good in ["a", "[x]", "\\o_", "a-b", "_7", "^|^"] {
            assert!(is_nick(good), "{good}");
        }
        for bad in ["", "7a", "-a", "a b", "a.b", "a@b", "é", "#a", "a!b", &"a".repeat(31)] {
            assert!(!is_nick(bad), "{bad}");
        }
    }
}
