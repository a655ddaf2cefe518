//! Addresses and times as people read them.

use cpim_adapter::{Address, Class};

use crate::clock::UnixMs;
use crate::router::Router;
use crate::rules::Who;

/// An address as its owner would write it: a foreign one in its own system's form, any other as an `im:` URI. A
/// command takes either.
pub(super) fn shown(router: &Router, address: &Address) -> String {
    let names = router.book().names();
    let principal = names.principal(address);
    match names.mapper().unmap(&principal) {
        Ok(foreign) => foreign.to_string(),
        Err(_) => principal.with_class(Class::Im).to_string(),
    }
}

/// Whom a rule is about, likewise.
pub(super) fn shown_who(router: &Router, who: &Who) -> String {
    match who {
        Who::Address(address) => shown(router, address),
        Who::Any => "Everybody".to_owned(),
        wildcard => wildcard.to_string(),
    }
}

/// A moment, to the minute: `2026-11-25 18:00 UTC`.
pub(super) fn when(at: UnixMs) -> String {
    let text = at.to_string();
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(minute)) => format!("{day} {minute} UTC"),
        _ => text,
    }
}
