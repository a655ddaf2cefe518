//! Aliases: short local-parts that stand for addresses where a protocol is too narrow for them.

use sha2::{Digest, Sha256};

use crate::address::Address;

/// Before the digest in every alias.
const PREFIX: &str = "alias=";

/// The space in [`Memory`](crate::Memory) of the aliases at the relay domain, which all adapters share: an alias that
/// is kept there is understood wherever an address is read.
pub const ALIAS_SPACE: &str = "relay";

/// Characters of the digest: 130 bits, so that two addresses never share an alias.
const DIGEST_CHARACTERS: usize = 26;

/// The alphabet of base32 (RFC 4648 section 6) in lower case, since a leg may fold.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The alias of an address: `alias=` and 26 characters of SHA-256 over its canonical form, 32 octets in all.
///
/// It does not depend on the class: the inbox and the presentity of one foreign user share it, as they share
/// their local-part. It can be turned back only by whoever has kept what it stands for.
#[must_use]
pub fn alias_of(address: &Address) -> String {
    let hash = Sha256::digest(address.mailbox());
    let mut bits = hash.iter().flat_map(|octet| (0..8).rev().map(move |bit| usize::from(octet >> bit & 1)));
    let quintets =
        (0..DIGEST_CHARACTERS).map(|_| bits.by_ref().take(5).fold(0, |index, bit| index << 1 | bit));
    let digest: String = quintets.filter_map(|index| ALPHABET.get(index)).copied().map(char::from).collect();
    format!("{PREFIX}{digest}")
}

/// The alias in lower case, if what follows `alias=` has the form of one.
pub(crate) fn alias_from(digest: &str) -> Option<String> {
    let lower = digest.to_ascii_lowercase();
    let formed = lower.len() == DIGEST_CHARACTERS && lower.bytes().all(|octet| ALPHABET.contains(&octet));
    formed.then(|| format!("{PREFIX}{lower}"))
}
