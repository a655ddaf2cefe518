//! What proves who wrote a mail: SPF (RFC 7208), DKIM (RFC 6376), and whether either speaks for the author, as DMARC
//! has it (RFC 7489 section 3.1).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use cpim_adapter::Domain;
use cpim_smtp_proto::address::Mailbox;
use mail_auth::common::cache::NoCache;
use mail_auth::common::crypto::Algorithm;
use mail_auth::dmarc::{Alignment, Dmarc, Policy};
use mail_auth::spf::verify::SpfParameters;
use mail_auth::{AuthenticatedMessage, DkimOutput, DkimResult, Error, MessageAuthenticator, SpfResult, Txt};
use tokio::time::timeout;

/// Signatures of one mail that are looked at: each costs a question to a DNS server that the sender chooses.
const MAX_SIGNATURES: usize = 10;

/// For everything that is asked about one mail. What is not answered by then proves nothing.
const TIME: Duration = Duration::from_secs(20);

/// Who brought a mail, and what its envelope says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Carrier<'a> {
    /// The client's address.
    pub(super) ip: IpAddr,
    /// What it calls itself in EHLO.
    pub(super) helo: &'a str,
    /// The reverse-path; nothing where it is the null one.
    pub(super) sender: Option<&'a Mailbox>,
}

/// What is known of a mail's author.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Evidence {
    /// Its `From` is proven.
    pub(super) is_proven: bool,
    /// The owner of a domain says that this mail is not of it, and is to be refused: in whose words, where so.
    pub(super) refused_by: Option<Refuser>,
    /// All of it in one line, for the trace: `spf=pass (mail.example), dkim=pass (mail.example), aligned`.
    pub(super) summary: String,
}

/// By whose word a mail is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Refuser {
    /// The author's domain, by its DMARC policy.
    Dmarc,
    /// The envelope's domain, by SPF.
    Spf,
}

/// Asks for evidence.
pub(super) struct Witness {
    authenticator: Arc<MessageAuthenticator>,
    relay: Domain,
}

impl Witness {
    /// One who asks this way.
    pub(super) fn new(relay: &Domain, authenticator: Arc<MessageAuthenticator>) -> Self {
        Self { authenticator, relay: relay.clone() }
    }

    /// What is known of the author of a mail, who is `from`: nobody, where it names none or several.
    ///
    /// # Cancel safety
    /// Cancelled, nothing is known.
    pub(super) async fn hear(&self, mail: &[u8], from: Option<&Mailbox>, carrier: Carrier<'_>) -> Evidence {
        let evidence = timeout(TIME, self.ask(mail, from, carrier)).await;
        evidence.unwrap_or_else(|_| Evidence {
            summary: "DNS took too long to say anything".into(),
            ..Evidence::default()
        })
    }

    async fn ask(&self, mail: &[u8], from: Option<&Mailbox>, carrier: Carrier<'_>) -> Evidence {
        let (spf, spf_domain) = self.spf(carrier).await;
        let mut summary = format!("spf={} ({spf_domain})", word(&spf));
        // Strict: a signature over a part of the body says nothing of the rest.
        let read = AuthenticatedMessage::parse_with_opts(mail, true);
        let signed = match &read {
            Some(read) if read.dkim_headers.len() <= MAX_SIGNATURES => {
                self.authenticator.verify_dkim(read).await
            }
            Some(_) => {
                summary.push_str(", too many signatures");
                Vec::new()
            }
            None => Vec::new(),
        };
        for output in &signed {
            summary.push_str(&format!(", dkim={}", signature(output)));
        }
        let is_temporary = spf == SpfResult::TempError
            || signed.iter().any(|output| matches!(output.result(), DkimResult::TempError(_)));
        let mut evidence = Evidence { summary, ..Evidence::default() };
        if spf == SpfResult::Fail {
            evidence.refused_by = Some(Refuser::Spf);
        }
        let Some(from) = from.map(|from| from.domain().as_str()) else {
            return evidence;
        };
        let (record, domain) = match self.policy(from).await {
            Ok(found) => found,
            Err(error) => {
                evidence.summary.push_str(&format!(", dmarc={error}"));
                return evidence;
            }
        };
        let is_strict = |of: fn(&Dmarc) -> &Alignment| {
            record.as_deref().is_some_and(|record| *of(record) == Alignment::Strict)
        };
        let by_spf =
            spf == SpfResult::Pass && is_aligned(&spf_domain, from, is_strict(|record| &record.aspf));
        let by_dkim = signed
            .iter()
            .filter_map(proven_domain)
            .any(|domain| is_aligned(&domain.to_ascii_lowercase(), from, is_strict(|record| &record.adkim)));
        evidence.is_proven = by_spf || by_dkim;
        let policy = record.as_deref().map(|record| match domain == from {
            true => record.p,
            false if record.sp == Policy::Unspecified => record.p,
            false => record.sp,
        });
        evidence.summary.push_str(match (by_spf, by_dkim, policy) {
            (true, true, _) => ", aligned by both",
            (true, false, _) => ", aligned by spf",
            (false, true, _) => ", aligned by dkim",
            (false, false, Some(Policy::Reject)) => ", not aligned, and its domain wants it refused",
            (false, false, _) => ", not aligned",
        });
        let is_for_all = record.as_deref().is_some_and(|record| record.pct == 100 && !record.t);
        if evidence.is_proven {
            evidence.refused_by = None;
        } else if policy == Some(Policy::Reject) && is_for_all && !is_temporary {
            evidence.refused_by = Some(Refuser::Dmarc);
        }
        evidence
    }

    /// The envelope's sender, or, where that is nobody, the client by its own name (RFC 7208 section 2.4).
    async fn spf(&self, carrier: Carrier<'_>) -> (SpfResult, String) {
        let host = self.relay.as_str();
        let sender = carrier.sender.map(ToString::to_string);
        let parameters = match &sender {
            Some(sender) => SpfParameters::verify_mail_from(carrier.ip, carrier.helo, host, sender),
            None => SpfParameters::verify_ehlo(carrier.ip, carrier.helo, host),
        };
        let domain = carrier.sender.map_or(carrier.helo, |sender| sender.domain().as_str());
        (self.authenticator.verify_spf(parameters).await.result(), printable(domain))
    }

    /// The DMARC record that holds for a domain, and where it was found: its own, else that of its organisation (RFC
    /// 7489 section 6.6.3).
    async fn policy<'a>(&self, from: &'a str) -> Result<(Option<Arc<Dmarc>>, &'a str), &'static str> {
        for domain in [from, organisation(from)] {
            let name = format!("_dmarc.{domain}.");
            match self.authenticator.txt_lookup::<Dmarc>(name, None::<&NoCache<Box<str>, Txt>>).await {
                Ok(record) => return Ok((Some(record), domain)),
                Err(Error::DnsError(_)) => return Err("temperror"),
                // None, or none that can be read.
                Err(_) => {}
            }
        }
        Ok((None, from))
    }
}

/// The domain that registered a name: what stands before a public suffix, and that.
fn organisation(domain: &str) -> &str {
    psl::domain_str(domain).unwrap_or(domain)
}

/// Whether a domain that was proven speaks for an author's (RFC 7489 section 3.1).
fn is_aligned(proven: &str, from: &str, strict: bool) -> bool {
    proven == from || !strict && organisation(proven) == organisation(from)
}

/// The domain that a signature proves. One that does not cover `From` proves no author (RFC 6376 section 5.4), and
/// SHA-1 proves nothing (RFC 8301 section 3.1).
fn proven_domain<'a>(output: &'a DkimOutput<'_>) -> Option<&'a str> {
    let signature = output.signature()?;
    let proves = *output.result() == DkimResult::Pass
        && signature.a != Algorithm::RsaSha1
        && signature.h.iter().any(|name| name.eq_ignore_ascii_case("from"));
    proves.then_some(signature.d.as_str())
}

fn signature(output: &DkimOutput<'_>) -> String {
    let result = match output.result() {
        DkimResult::Pass if proven_domain(output).is_none() => "pass, and proves no author".to_owned(),
        result => result.to_string(),
    };
    let domain = output.signature().map_or_else(String::new, |signature| format!(" ({})", signature.d));
    printable(&format!("{result}{domain}"))
}

/// What a stranger wrote, fit for a line of the trace.
fn printable(text: &str) -> String {
    text.chars().take(255).map(|c| if c.is_control() { '?' } else { c }).collect()
}

const fn word(result: &SpfResult) -> &'static str {
    match result {
        SpfResult::Pass => "pass",
        SpfResult::Fail => "fail",
        SpfResult::SoftFail => "softfail",
        SpfResult::Neutral => "neutral",
        SpfResult::TempError => "temperror",
        SpfResult::PermError => "permerror",
        SpfResult::None => "none",
    }
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
