//! Keys: one for each peer gateway and direction.

use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::Domain;

/// Set before what a key is derived from, so that the secret proves nothing else with it.
const LABEL: &[u8] = b"cpim-gateway envelope 1";

/// What proves the envelopes of one gateway to another. Never shown.
#[derive(Clone)]
pub struct Key(Hmac<Sha256>);

impl Key {
    /// The key for what goes `from` one relay domain `to` another, derived from the secret that both are configured
    /// with. The other direction has another key, so that no envelope can be sent back as an answer.
    #[must_use]
    pub fn new(secret: &[u8], from: &Domain, to: &Domain) -> Self {
        let parts = [LABEL, b"\0", from.as_str().as_bytes(), b"\0", to.as_str().as_bytes()];
        let derived = keyed(secret).chain_update(parts.concat()).finalize().into_bytes();
        Self(keyed(&derived))
    }

    /// The proof of a text.
    pub(super) fn proof(&self, text: &[u8]) -> [u8; 32] {
        self.0.clone().chain_update(text).finalize().into_bytes().into()
    }

    /// Whether it is the proof of the text, in a time that does not tell how much of it is right.
    pub(super) fn proves(&self, text: &[u8], proof: &[u8]) -> bool {
        self.0.clone().chain_update(text).verify_slice(proof).is_ok()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    // HMAC takes a key of any length (RFC 2104 section 2), so that the other arm is never taken.
    Hmac::new_from_slice(key).unwrap_or_else(|_| Hmac::new(&Default::default()))
}
