//! The way out of a subscription: a mail to the keyed address that each notification names (RFC 2369 section 3.2).

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use cpim_adapter::{
    Address, Arrival, Authority, Class, Code, Operation, PresUri, Receipt, Scope, Selectors, Standing,
    Status, TransId, Unsubscribe, Uri,
};
use cpim_smtp_proto::session::Reply;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::Inbound;
use crate::outbound::Keys;

const LATER: Reply = Reply::fixed(451, "4.3.0", "nothing can be taken at present");

/// What a key ends.
#[derive(Clone, Debug)]
pub(super) struct WayOut {
    key: String,
    watcher: PresUri,
    target: PresUri,
}

impl WayOut {
    /// What this key ends; nothing where it was not given out here.
    ///
    /// # Errors
    /// A reply, where that cannot be said at present.
    pub(super) async fn of(key: &str, inbound: &Inbound) -> Result<Option<Self>, Reply> {
        let ends = Keys::subscription(key, &*inbound.cx.memory).await.map_err(|_| LATER)?;
        let pres = |address: Address| PresUri::try_from(Uri::from(address.with_class(Class::Pres))).ok();
        Ok(ends.and_then(|(watcher, target)| {
            Some(Self { key: key.to_owned(), watcher: pres(watcher)?, target: pres(target)? })
        }))
    }

    /// Ends the subscription: whoever has the key is the watcher, or was given it by him. That there is none any more is
    /// as good.
    ///
    /// # Errors
    /// A reply, where it did not end.
    pub(super) async fn take(self, inbound: &Arc<Inbound>) -> Result<(), Reply> {
        let deadline = Instant::now() + inbound.terms().settings.limits.acceptance;
        let route = Selectors::default().find("mailto").ok().map(Scope::Selector);
        let authority = Authority {
            peer: None,
            // Its own, and as one of those who have mail.
            scopes: route.into_iter().chain([Scope::Address(self.watcher.address().clone())]).collect(),
            standing: Standing::Verified,
            label: "the key of a subscription, by mail".into(),
        };
        let (to, mut answers) = mpsc::channel(1);
        let inlet = inbound.cx.open_briefly(Arc::new(authority), &to);
        let place = inlet.reserve().await.ok_or(LATER)?;
        // Each mail asks anew: an earlier one may have ended an earlier subscription.
        let now_us = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        place.submit(Arrival {
            operation: Operation::Unsubscribe(Unsubscribe { watcher: self.watcher, target: self.target }),
            trans_id: TransId::parse(&format!("u{now_us:x}-{:.16}", self.key)).map_err(|_| LATER)?,
            hops: None,
            via: Vec::new(),
            id: None,
            wait: None,
            standing: None,
            held: false,
        });
        let answer = timeout_at(deadline, answers.recv()).await.ok().flatten().ok_or(LATER)?;
        answer.receipt.into_iter().for_each(Receipt::handed_over);
        match (answer.response.status(), answer.response.code()) {
            (Status::Success, _) | (_, Some(Code::NotSubscribed)) => Ok(()),
            (_, Some(Code::Busy | Code::Internal | Code::Unreachable)) => Err(LATER),
            _ => Err(Reply::fixed(550, "5.7.1", "the subscription could not be ended")),
        }
    }
}
