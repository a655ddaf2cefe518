//! Keeping a seat on the network: connecting, coming back with back-off, and knowing when not to.

use std::sync::Arc;
use std::time::Duration;

use cpim_irc_proto::client::{Applicant, Ending, Sasl};
use cpim_irc_proto::{Param, Trailing};
use tokio::time::{Instant, sleep, sleep_until};

use super::config::Login;
use super::connect::{Stream, connect};
use super::gate::Pass;
use super::link::{End, serve};
use super::looks;
use super::seat::Seat;
use super::{Joined, draw};

/// How long a seat that was killed stays away: somebody wanted it gone.
const KILLED: Duration = Duration::from_mins(2);

/// Kills in a row after which it stays away for good.
const KILLS: u32 = 3;

/// How long a connection must last for the one before it to be forgotten.
const LASTED: Duration = Duration::from_mins(2);

/// Keeps a seat until it is left for good.
pub(super) async fn keep(joined: Arc<Joined>, seat: Arc<Seat>) {
    let shutdown = joined.shutdown();
    let mut tries = Tries::default();
    loop {
        let began = Instant::now();
        let made = tokio::select! {
            made = Box::pin(attempt(&joined, &seat, tries.failed)) => made,
            () = shutdown.draining() => break,
        };
        let end = match made {
            None => break,
            Some(Ok((stream, applicant, pass))) => serve(&joined, &seat, stream, applicant, pass).await,
            Some(Err(why)) => End { why, ending: Ending::Dropped, was_in: false },
        };
        if seat.mailbox.is_closed() || shutdown.is_draining() || is_done(&joined, &seat) {
            break;
        }
        tracing::info!(network = joined.name(), seat = seat.label(), why = end.why, "off the network");
        match tries.after(&end, began.elapsed(), joined.settings.pause) {
            Next::Again(pause) => {
                joined.is_out(&seat, &end.why);
                seat.hold((end.ending == Ending::Killed).then(|| end.why.clone()));
                let wake = Instant::now() + pause.mul_f64(0.75 + draw() / 2.0);
                tokio::select! {
                    () = sleep_until(wake) => {}
                    () = joined.told_to_try() => {
                        is_tried_again(&joined, &seat);
                        tries = Tries::default();
                    }
                    () = shutdown.draining() => break,
                }
                seat.hold(None);
            }
            Next::Never => {
                joined.is_barred(&seat, &end.why);
                // Until the administrator has changed something, and said so.
                tokio::select! {
                    () = joined.told_to_try() => {
                        is_tried_again(&joined, &seat);
                        tries = Tries::default();
                        joined.may_try_again(&seat);
                    }
                    () = shutdown.draining() => break,
                }
            }
        }
    }
    seat.mailbox.close();
    joined.gives_up(&seat);
}

/// The administrator has changed something, and so this is not waited for any longer.
fn is_tried_again(joined: &Joined, seat: &Seat) {
    tracing::info!(network = joined.name(), seat = seat.label(), "tried again after the reload");
}

/// Connects, once the network is there and it is the seat's turn. `None`: nobody wants it any more. An error: why it did
/// not come about.
async fn attempt(
    joined: &Joined,
    seat: &Seat,
    failed: u32,
) -> Option<Result<(Box<dyn Stream>, Applicant, Pass), String>> {
    // Only the relay tries whether the network is there.
    let is_up = async {
        if !seat.is_relay() {
            joined.is_up().await;
        }
    };
    tokio::select! {
        () = is_up => {}
        () = lapses(joined, seat) => return None,
    }
    let pass = passes(joined, seat).await?;
    let (host, port) = joined.server(failed);
    let made = async {
        joined.recall_heard(seat).await;
        let applicant = joined.applicant(seat).await?;
        let stream = connect(host, port, joined.tls_of(seat)).await;
        Ok((stream.map_err(|error| format!("{host}:{port}: {error}"))?, applicant, pass))
    };
    Some(made.await)
}

/// Leave to connect. Whoever is waited for goes before all others, also if that began while he waited himself. `None`:
/// nobody wants it any more.
async fn passes(joined: &Joined, seat: &Seat) -> Option<Pass> {
    loop {
        let hurried = seat.mailbox.is_waited_for();
        let pass = joined.gate.pass(hurried);
        tokio::pin!(pass);
        while hurried == seat.mailbox.is_waited_for() {
            tokio::select! {
                pass = &mut pass => return Some(pass),
                () = seat.mailbox.changed() => {}
                () = sleep(joined.settings.linger) => {}
            }
            if is_unwanted(joined, seat) {
                return None;
            }
        }
    }
}

/// Resolves when nobody has used a puppet that is not on the network for long, or nobody may any more.
async fn lapses(joined: &Joined, seat: &Seat) {
    while !is_unwanted(joined, seat) {
        tokio::select! {
            () = seat.mailbox.changed() => {}
            () = sleep(joined.settings.linger) => {}
        }
    }
}

/// Whether a seat that is not on the network need not come there.
fn is_unwanted(joined: &Joined, seat: &Seat) -> bool {
    !seat.is_relay() && (seat.mailbox.is_closed() || is_done(joined, seat))
}

/// Whether a puppet has not been used for so long that it need not come back.
fn is_done(joined: &Joined, seat: &Seat) -> bool {
    let is_old = || seat.mailbox.used().is_none_or(|used| used + joined.settings.linger <= Instant::now());
    !seat.is_relay() && !seat.mailbox.is_waited_for() && is_old()
}

/// What was tried, and came to nothing.
#[derive(Debug, Default)]
struct Tries {
    failed: u32,
    kills: u32,
}

#[derive(Debug, Eq, PartialEq)]
enum Next {
    Again(Duration),
    Never,
}

impl Tries {
    fn after(&mut self, end: &End, lasted: Duration, pause: (Duration, Duration)) -> Next {
        if end.was_in && lasted >= LASTED {
            *self = Self::default();
        }
        match end.ending {
            Ending::Banned | Ending::Refused => Next::Never,
            Ending::Killed if self.kills + 1 >= KILLS => Next::Never,
            Ending::Killed => {
                self.kills += 1;
                Next::Again(KILLED)
            }
            Ending::Dropped | Ending::NickTaken => {
                let pause = pause.0.saturating_mul(1 << self.failed.min(10)).min(pause.1);
                self.failed = self.failed.saturating_add(1);
                Next::Again(pause)
            }
        }
    }
}

impl Joined {
    /// The server to try, after so many that failed.
    fn server(&self, failed: u32) -> (&str, u16) {
        let servers = &self.settings.servers;
        let nth = usize::try_from(failed).unwrap_or_default() % servers.len().max(1);
        servers.get(nth).map_or(("", 0), |(host, port)| (host, *port))
    }

    /// As whom a seat registers.
    async fn applicant(&self, seat: &Seat) -> Result<Applicant, String> {
        let password = self.settings.password.as_ref();
        let password = password.map(|password| Trailing::lossy(password.text()));
        let octets = self.nick_octets();
        let Some(principal) = &seat.principal else {
            let nick = &self.settings.nick;
            return Ok(Applicant {
                nicks: looks::instead_of(nick.as_str(), octets.max(nick.as_str().len())),
                user: looks::user(nick.as_str()),
                real_name: Trailing::lossy(&format!("gateway of {}", self.relay_domain())),
                password,
                webirc: None,
                sasl: self.settings.login.as_ref().map(sasl),
            });
        };
        let address = principal.address();
        let nick = self.nick_for(address, octets).await?;
        let webirc = self.settings.webirc.as_ref().map(|password| {
            let host = address.domain().as_str().to_owned();
            [password.text().to_owned(), "cpim-gateway".into(), host, looks::ip(address)]
                .map(|word| Param::lossy(&word))
        });
        Ok(Applicant {
            nicks: looks::instead_of(&nick, octets),
            user: looks::user(&nick),
            real_name: Trailing::lossy(&address.to_string()),
            password,
            webirc,
            // The account is the relay's own.
            sasl: None,
        })
    }
}

fn sasl(login: &Login) -> Sasl {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    match login {
        Login::Password { account, password } => {
            Sasl::Plain(STANDARD.encode(format!("\0{account}\0{}", password.text())))
        }
        Login::Certificate => Sasl::External,
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::NetworkSettings;
    use super::*;

    const PAUSE: (Duration, Duration) = NetworkSettings::PAUSE;

    fn end(ending: Ending, was_in: bool) -> End {
        End { why: String::new(), ending, was_in }
    }

    #[test]
    fn pauses_grow_and_end_where_somebody_means_it() {
        let mut tries = Tries::default();
        let dropped = end(Ending::Dropped, true);
        let pauses: Vec<Next> = (0..8).map(|_| tries.after(&dropped, Duration::ZERO, PAUSE)).collect();
        assert_eq!(pauses.first(), Some(&Next::Again(PAUSE.0)));
        assert_eq!(pauses.last(), Some(&Next::Again(PAUSE.1)));
        assert_eq!(tries.after(&dropped, LASTED, PAUSE), Next::Again(PAUSE.0), "that one had lasted");
        assert_eq!(tries.after(&end(Ending::Banned, true), Duration::ZERO, PAUSE), Next::Never);
        assert_eq!(tries.after(&end(Ending::Refused, false), Duration::ZERO, PAUSE), Next::Never);
        let killed = end(Ending::Killed, true);
        let kills: Vec<Next> = (0..3).map(|_| tries.after(&killed, Duration::ZERO, PAUSE)).collect();
        assert_eq!(kills, [Next::Again(KILLED), Next::Again(KILLED), Next::Never]);
    }
}
