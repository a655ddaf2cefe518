//! Names that DNS does not have, and must not be asked for.

/// Why nobody is asked for `name`, a lower-case name without a trailing dot, nor for anything below it.
///
/// `.test`, `.example` and `.local` are asked for like any other: private servers have them.
pub(super) fn reason(name: &str) -> Option<&'static str> {
    Some(match name.rsplit('.').next()? {
        "alt" => "`.alt` is for other name systems (RFC 9476)",
        "invalid" => "`.invalid` never exists (RFC 6761 section 6.4)",
        "localhost" => "`localhost` is this machine (RFC 6761 section 6.3)",
        "onion" => "`.onion` is for Tor (RFC 7686)",
        _ => return None,
    })
}

/// Whether `name` stands for the machine's own loopback addresses.
pub(super) fn is_localhost(name: &str) -> bool {
    name.rsplit('.').next() == Some("localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_names() {
        for special in ["invalid", "a.invalid", "localhost", "a.localhost", "a.onion", "a.alt"] {
            assert!(reason(special).is_some(), "{special}");
        }
        for plain in ["invalid.example", "localhost.example", "a.test", "a.example", "a.local", "notinvalid"]
        {
            assert!(reason(plain).is_none(), "{plain}");
        }
    }
}
