//! Where a presentity's presence is found.

use std::sync::Arc;

use cpim_adapter::{Address, Class, Code, ForeignAddress, Local, PresenceSupport, Scope, Standing};

use super::super::Router;
use super::super::policy::Policy;
use super::super::refusal::Refusal;
use super::super::route::Missed;
use super::super::target::Target;
use crate::presence::Kind;

/// Where a presentity's presence is found.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// With another server, who keeps the subscription.
    Beyond { presentity: Address },
    /// In a foreign system, which an adapter observes.
    Foreign { port: usize, foreign: ForeignAddress, presentity: Address },
    /// Here.
    Hosted(Address),
    /// Here: it is the information about the watchers of another.
    Winfo { presentity: Address, of: Address },
}

impl Place {
    /// The presentity that is meant, whatever it was written as.
    pub(super) const fn presentity(&self) -> &Address {
        match self {
            Self::Beyond { presentity }
            | Self::Foreign { presentity, .. }
            | Self::Hosted(presentity)
            | Self::Winfo { presentity, .. } => presentity,
        }
    }
}

impl Router {
    /// Where a presentity's presence is found. Asks the store for aliases and for who was here, and DNS for domains.
    /// Whatever a route or an alias means, the administrator's rules must let `asker` through to it.
    ///
    /// # Errors
    /// The refusal to be answered with.
    pub(super) async fn place(
        &self,
        written: &Address,
        asker: &Address,
        standing: Standing,
    ) -> Result<Place, Refusal> {
        let policy = self.policy();
        let mut address = written.clone();
        for _ in 0..=cpim_adapter::Mapper::MAX_DEPTH {
            match policy.mapper.resident(&address) {
                Ok(Some(Local::Winfo(of))) => {
                    return self.place_of_winfo(address, of.with_class(Class::Pres)).await;
                }
                Ok(Some(Local::Gateway)) => return Ok(Place::Hosted(address)),
                _ => {}
            }
            if self.is_hosted(&address, &policy) {
                return Ok(Place::Hosted(address));
            }
            address = match self.target(&address, &policy) {
                Target::Alias(alias) => {
                    let meant = self.behind_alias(&alias).await.map_err(refused)?.with_class(Class::Pres);
                    policy.let_pass(asker, standing, &meant)?;
                    meant
                }
                // Of a presentity there is none: it is inboxes that are forwarded.
                Target::Forwarded(_) => {
                    return Err(Refusal::new(Code::Unsupported, "only messages are forwarded", ""));
                }
                Target::Inner(inner) => {
                    policy.let_pass(asker, standing, &inner)?;
                    inner
                }
                Target::Foreign { port, foreign } => return self.place_of_foreign(address, port, foreign),
                Target::Served { .. } => return Ok(Place::Beyond { presentity: address }),
                Target::Nowhere(refusal) => return self.known_or(address, refusal, &policy).await,
                Target::Elsewhere => {
                    return match self.resolve(&address, &policy).await {
                        Ok(_) => Ok(Place::Beyond { presentity: address }),
                        Err(Missed::Later(detail)) => {
                            Err(Refusal::new(Code::Unreachable, "the domain cannot be resolved now", detail))
                        }
                        Err(Missed::Never(refusal)) => self.known_or(address, refusal, &policy).await,
                        Err(Missed::OutOfContact) => {
                            self.known_or(address, Refusal::out_of_contact(), &policy).await
                        }
                    };
                }
            };
        }
        Err(Refusal::new(Code::BadAddress, "nested too deep", ""))
    }

    /// Whether an address is one of a session's own, or hosted here by configuration.
    fn is_hosted(&self, address: &Address, policy: &Policy) -> bool {
        let forms = [Class::Pres, Class::Im].map(|class| address.with_class(class));
        policy.hosts(address)
            || forms.iter().any(|form| policy.hosted_addresses.contains(form))
            || self.contacts.serving(&forms.map(Scope::Address)).is_some()
    }

    /// One that nothing leads to may have been here before; a whole domain, too.
    async fn known_or(&self, address: Address, refusal: Refusal, policy: &Policy) -> Result<Place, Refusal> {
        if !matches!(refusal.code, Code::NoRoute | Code::Unreachable) || policy.expects(address.domain()) {
            return Err(refusal);
        }
        for form in [Class::Pres, Class::Im].map(|class| address.with_class(class)) {
            if self.was_seen(&form).await {
                return Ok(Place::Hosted(address));
            }
        }
        match self.state.seen(address.domain().as_str()).await {
            Ok(true) => Err(Refusal::out_of_contact()),
            _ => Err(refusal),
        }
    }

    fn place_of_foreign(
        &self,
        written: Address,
        port: usize,
        foreign: ForeignAddress,
    ) -> Result<Place, Refusal> {
        let capabilities = self.adapter(port).map(|adapter| adapter.capabilities().presence);
        let mapper = Arc::clone(&self.policy().mapper);
        let presentity =
            mapper.map_foreign(&foreign, Class::Pres).map_or_else(|_| written, |uri| uri.address().clone());
        match capabilities.unwrap_or(PresenceSupport::None) {
            PresenceSupport::Observe => Ok(Place::Foreign { port, foreign, presentity }),
            PresenceSupport::PassThrough => Ok(Place::Beyond { presentity }),
            // Whose system knows none may have set it here by a command.
            PresenceSupport::None
                if self.presence.with(|book, _| book.kind_of(&presentity)) == Some(Kind::Hosted) =>
            {
                Ok(Place::Hosted(presentity))
            }
            PresenceSupport::None => {
                Err(Refusal::new(Code::Unsupported, "that system knows no presence", foreign.to_string()))
            }
        }
    }

    /// Watcher information is about who is hosted here.
    async fn place_of_winfo(&self, presentity: Address, of: Address) -> Result<Place, Refusal> {
        let policy = self.policy();
        let known = self.is_hosted(&of, &policy)
            || self.presence.with(|book, _| book.kind_of(&of)) == Some(Kind::Hosted)
            || self.was_seen(&of).await
            || self.was_seen(&of.with_class(Class::Im)).await;
        match known {
            true => Ok(Place::Winfo { presentity, of }),
            false => Err(Refusal::new(Code::BadAddress, "not a presentity of ours", of.to_string())),
        }
    }
}

fn refused(missed: Missed) -> Refusal {
    match missed {
        Missed::Never(refusal) => refusal,
        Missed::OutOfContact => Refusal::out_of_contact(),
        Missed::Later(detail) => Refusal::new(Code::Unreachable, "it cannot be looked up now", detail),
    }
}
