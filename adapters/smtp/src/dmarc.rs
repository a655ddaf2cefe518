//! What the owner of a domain says about mail in its name (DMARC, RFC 7489).

use std::sync::Arc;

use mail_auth::common::cache::NoCache;
use mail_auth::common::crypto::Algorithm;
use mail_auth::dmarc::{Alignment, Dmarc, Policy};
use mail_auth::{DkimOutput, DkimResult, Error, MessageAuthenticator, Txt};

/// The policy that holds for a domain.
#[derive(Clone, Debug)]
pub(crate) struct Published {
    record: Option<Arc<Dmarc>>,
    /// It is that of the organisation, not of the domain itself.
    is_inherited: bool,
}

impl Published {
    /// Asks for the policy of a domain: its own, else that of its organisation (RFC 7489 section 6.6.3). No policy that
    /// can be read is none.
    ///
    /// # Errors
    /// Nobody can say now.
    ///
    /// # Cancel safety
    /// Cancelled, nothing is known.
    pub(crate) async fn of(authenticator: &MessageAuthenticator, domain: &str) -> Result<Self, Unknown> {
        for (asked, is_inherited) in [(domain, false), (organisation(domain), true)] {
            let name = format!("_dmarc.{asked}.");
            match authenticator.txt_lookup::<Dmarc>(name, None::<&NoCache<Box<str>, Txt>>).await {
                Ok(record) => return Ok(Self { record: Some(record), is_inherited }),
                Err(Error::DnsError(_)) => return Err(Unknown),
                Err(_) => {}
            }
        }
        Ok(Self { record: None, is_inherited: false })
    }

    /// What is to be done with mail in its name that nothing aligned proves; nothing where the domain does not say.
    pub(crate) fn policy(&self) -> Option<Policy> {
        let record = self.record.as_deref()?;
        Some(match self.is_inherited && record.sp != Policy::Unspecified {
            true => record.sp,
            false => record.p,
        })
    }

    /// Whether the policy holds for all mail, and is no trial.
    pub(crate) fn is_for_all(&self) -> bool {
        self.record.as_deref().is_some_and(|record| record.pct == 100 && !record.t)
    }

    /// Whether what SPF has proven speaks for an author of the domain `from`.
    pub(crate) fn aligns_spf(&self, proven: &str, from: &str) -> bool {
        is_aligned(proven, from, self.is_strict(|record| &record.aspf))
    }

    /// Whether one of these signatures speaks for an author of the domain `from`.
    pub(crate) fn aligns_dkim(&self, signed: &[DkimOutput<'_>], from: &str) -> bool {
        let is_strict = self.is_strict(|record| &record.adkim);
        let mut proven = signed.iter().filter_map(proven_domain);
        proven.any(|domain| is_aligned(&domain.to_ascii_lowercase(), from, is_strict))
    }

    fn is_strict(&self, of: fn(&Dmarc) -> &Alignment) -> bool {
        self.record.as_deref().is_some_and(|record| *of(record) == Alignment::Strict)
    }
}

/// DNS cannot say now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Unknown;

/// The domain that a signature proves. One that does not cover `From` proves no author (RFC 6376 section 5.4), and
/// SHA-1 proves nothing (RFC 8301 section 3.1).
pub(crate) fn proven_domain<'a>(output: &'a DkimOutput<'_>) -> Option<&'a str> {
    let signature = output.signature()?;
    let proves = *output.result() == DkimResult::Pass
        && signature.a != Algorithm::RsaSha1
        && signature.h.iter().any(|name| name.eq_ignore_ascii_case("from"));
    proves.then_some(signature.d.as_str())
}

/// The domain that registered a name: what stands before a public suffix, and that.
fn organisation(domain: &str) -> &str {
    psl::domain_str(domain).unwrap_or(domain)
}

/// Whether a domain that was proven speaks for an author's (RFC 7489 section 3.1).
fn is_aligned(proven: &str, from: &str, strict: bool) -> bool {
    proven == from || !strict && organisation(proven) == organisation(from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alignment_ends_at_what_somebody_registered() {
        assert!(is_aligned("mail.example.com", "example.com", false));
        assert!(is_aligned("a.example.co.uk", "b.example.co.uk", false));
        assert!(!is_aligned("a.co.uk", "b.co.uk", false));
        assert!(!is_aligned("co.uk", "a.co.uk", false));
        assert!(!is_aligned("mail.example.com", "example.com", true));
        assert!(is_aligned("example.com", "example.com", true));
        assert!(!is_aligned("example.com.evil.test", "example.com", false));
        assert!(!is_aligned("", "example.com", false));
    }
}
