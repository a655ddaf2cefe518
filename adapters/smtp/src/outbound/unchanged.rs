//! Addresses that stay as they are in mail. That a domain's mail comes to this gateway does not yet mean that it may
//! write in the domain's name: that is for the domain's own policy to say (RFC 7489), and what it does not let us write
//! others would refuse. Where it does not, mail is written from a mailbox of the relay domain, which leads back as well.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cpim_adapter::Domain;
use mail_auth::dmarc::Policy;
use mail_auth::{AuthenticatedMessage, DkimResult, MessageAuthenticator};
use tokio::time::{Instant, timeout};
use tracing::{info, warn};

use super::dkim::Signers;
use crate::dmarc::{Published, Unknown};

/// For how long an answer holds. A domain whose policy has changed is taken at its new word after that.
const HOLDS: Duration = Duration::from_secs(5 * 60);
/// For how long it holds that nobody could say: DNS comes back by itself.
const HOLDS_UNKNOWN: Duration = Duration::from_secs(30);
/// For everything that is asked about one domain: a mail waits for it.
const TIME: Duration = Duration::from_secs(10);

/// The domains whose addresses may stay as they are.
pub(crate) struct Unchanged {
    /// Those that the configuration names.
    domains: Vec<Domain>,
    /// Who is asked, where DNS is asked at all; else the configuration's word holds.
    asked: Option<Arc<MessageAuthenticator>>,
    /// What was found out of each, and until when that holds. It has no more entries than `domains`.
    known: Mutex<HashMap<Domain, (bool, Instant)>>,
}

impl Unchanged {
    pub(crate) fn new(domains: Vec<Domain>, asked: Option<Arc<MessageAuthenticator>>) -> Self {
        Self { domains, asked, known: Mutex::default() }
    }

    /// The domain, where mail may be written in its name now, signed by these.
    ///
    /// # Cancel safety
    /// Cancelled, nothing is known.
    pub(crate) async fn lets(&self, domain: &Domain, signers: &Signers) -> Option<Domain> {
        let domain = self.domains.iter().find(|known| *known == domain)?;
        let Some(asked) = &self.asked else { return Some(domain.clone()) };
        let known = self.lock().get(domain).copied();
        let may = match known.filter(|(_, until)| Instant::now() < *until) {
            Some((may, _)) => may,
            None => {
                let found = timeout(TIME, ask(asked, domain, signers)).await.unwrap_or(Err(Unknown));
                let holds = if found.is_ok() { HOLDS } else { HOLDS_UNKNOWN };
                let may = say(domain, found);
                self.lock().insert(domain.clone(), (may, Instant::now() + holds));
                may
            }
        };
        may.then(|| domain.clone())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Domain, (bool, Instant)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells the administrator why addresses look otherwise than he has said.
fn say(domain: &Domain, found: Result<bool, Unknown>) -> bool {
    match found {
        Ok(true) => {}
        Ok(false) => warn!(
            %domain,
            "its DMARC policy lets this gateway write in its name only with a key that it publishes: its addresses \
             stand in mail as addresses of the relay domain; `cpim-gateway dns --check` shows what is missing"
        ),
        Err(Unknown) => info!(
            %domain,
            "its DMARC policy cannot be had now: its addresses stand in mail as addresses of the relay domain"
        ),
    }
    found == Ok(true)
}

/// Whether a domain lets us write in its name: it wants nothing refused, or our signature is one that it vouches for. SPF
/// does not help, because it speaks for the reverse-path, which is of the relay domain.
async fn ask(
    authenticator: &MessageAuthenticator,
    domain: &Domain,
    signers: &Signers,
) -> Result<bool, Unknown> {
    let published = Published::of(authenticator, domain.as_str()).await?;
    if !matches!(published.policy(), Some(Policy::Quarantine | Policy::Reject)) {
        return Ok(true);
    }
    // What the receiving server will do with our mail, done with a mail of one line.
    let trial = format!("From: <postmaster@{domain}>\r\n\r\n.\r\n").into_bytes();
    let Ok(trial) = signers.signed(domain, trial) else { return Ok(false) };
    let Some(read) = AuthenticatedMessage::parse_with_opts(&trial, true) else { return Ok(false) };
    let signed = authenticator.verify_dkim(&read).await;
    if published.aligns_dkim(&signed, domain.as_str()) {
        return Ok(true);
    }
    let is_temporary = signed.iter().any(|output| matches!(output.result(), DkimResult::TempError(_)));
    if is_temporary { Err(Unknown) } else { Ok(false) }
}
