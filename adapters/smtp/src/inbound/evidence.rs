//! What proves who wrote a mail: SPF (RFC 7208), DKIM (RFC 6376), and whether either speaks for the author, as DMARC
//! has it (RFC 7489 section 3.1).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use cpim_adapter::Domain;
use cpim_smtp_proto::address::Mailbox;
use mail_auth::dmarc::Policy;
use mail_auth::spf::verify::SpfParameters;
use mail_auth::{AuthenticatedMessage, DkimOutput, DkimResult, MessageAuthenticator, SpfResult};
use tokio::time::timeout;

use crate::dmarc::{Published, Unknown, proven_domain};

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
        let published = match Published::of(&self.authenticator, from).await {
            Ok(found) => found,
            Err(Unknown) => {
                evidence.summary.push_str(", dmarc=temperror");
                return evidence;
            }
        };
        let by_spf = spf == SpfResult::Pass && published.aligns_spf(&spf_domain, from);
        let by_dkim = published.aligns_dkim(&signed, from);
        evidence.is_proven = by_spf || by_dkim;
        let policy = published.policy();
        evidence.summary.push_str(match (by_spf, by_dkim, policy) {
            (true, true, _) => ", aligned by both",
            (true, false, _) => ", aligned by spf",
            (false, true, _) => ", aligned by dkim",
            (false, false, Some(Policy::Reject)) => ", not aligned, and its domain wants it refused",
            (false, false, _) => ", not aligned",
        });
        if evidence.is_proven {
            evidence.refused_by = None;
        } else if policy == Some(Policy::Reject) && published.is_for_all() && !is_temporary {
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
