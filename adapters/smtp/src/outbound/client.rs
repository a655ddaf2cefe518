//! One connection to a mail server: greeting, TLS, what the server offers, and transactions on it.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use cpim_adapter::{Code, DeliveryError, Fault, Retry};
use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Ehlo, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, MailBodyParameter, MailParameter, RcptParameter};
use lettre::transport::smtp::response::Severity;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::servers::Place;
use super::tls::TlsPolicy;
use super::wire::{Seen, Wire};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(30);
/// How long a server may take for a command (RFC 5321 section 4.5.3.2 says five minutes at most; a route has other
/// servers, and another try).
const COMMAND: Duration = Duration::from_secs(60);
/// How long it may take for what follows the final dot (RFC 5321 section 4.5.3.2.6).
const FINAL: Duration = Duration::from_secs(600);

/// What is handed to a server in one transaction.
pub(crate) struct Transaction<'a> {
    /// Where reports go; nowhere for what is a report itself.
    pub(crate) reverse_path: Option<&'a str>,
    /// The recipient.
    pub(crate) recipient: &'a str,
    /// The transaction's name in reports (RFC 3461 section 4.4).
    pub(crate) envid: &'a str,
    /// The reports that are wanted (RFC 3461 section 4.1); none: none are spoken of.
    pub(crate) reports: Option<&'static str>,
    /// The mail.
    pub(crate) octets: &'a [u8],
    /// Its body needs RFC 6152.
    pub(crate) eight_bit: bool,
    /// Its addresses need RFC 6531.
    pub(crate) utf8: bool,
}

/// What became of what was handed over.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Handed {
    /// The server has it, and reports to us what becomes of it.
    Reported,
    /// The server has it, and that is all that will be known.
    Taken,
    /// The connection ended behind the final dot.
    Unknown,
}

/// Why there is no connection.
enum Unconnected {
    /// The server offers TLS and cannot do it.
    Tls(DeliveryError),
    Otherwise(DeliveryError),
}

impl Unconnected {
    fn error(self) -> DeliveryError {
        match self {
            Self::Tls(error) | Self::Otherwise(error) => error,
        }
    }
}

impl From<DeliveryError> for Unconnected {
    fn from(error: DeliveryError) -> Self {
        Self::Otherwise(error)
    }
}

/// One connection.
pub(crate) struct Client {
    connection: AsyncSmtpConnection,
    /// The same socket, to look at without asking.
    line: std::net::TcpStream,
    seen: Arc<Seen>,
    server: SocketAddr,
    eight_bit: bool,
    reports: bool,
    utf8: bool,
    pipelining: bool,
    /// The server awaits the text of a mail that will not come.
    is_cut_short: bool,
    /// That of whoever uses it, among all who use one to the same server.
    pub(super) turn: Option<OwnedSemaphorePermit>,
}

impl Client {
    /// Connects, and learns what the server offers. Where TLS is for those who only listen, and a server that offers it
    /// cannot do it, it is done without, as every other mail server does (RFC 7435 section 3).
    ///
    /// # Errors
    /// Nothing was sent: to be tried again, or elsewhere.
    pub(crate) async fn connect(place: &Place, hello: &str) -> Result<Self, DeliveryError> {
        match Self::connect_by(place, hello, true).await {
            Err(Unconnected::Tls(error)) if place.tls.policy == TlsPolicy::Opportunistic => {
                tracing::debug!(server = %place.server, error = error.detail, "without TLS, which it cannot do");
                Self::connect_by(place, hello, false).await.map_err(Unconnected::error)
            }
            connected => connected.map_err(Unconnected::error),
        }
    }

    async fn connect_by(place: &Place, hello: &str, by_tls: bool) -> Result<Self, Unconnected> {
        let server = place.server;
        let hello = ClientId::Domain(hello.to_owned());
        let broken = |error: Error| DeliveryError::transport(format!("{server}: {error}"));
        let unreached = |error: std::io::Error| DeliveryError::transport(format!("{server}: {error}"));
        let stream = timeout(CONNECT, TcpStream::connect(server)).await.map_err(|_| slow(server))?;
        let stream = stream.map_err(unreached)?;
        stream.set_nodelay(true).map_err(unreached)?;
        let stream = stream.into_std().map_err(unreached)?;
        let line = stream.try_clone().map_err(unreached)?;
        let stream = TcpStream::from_std(stream).map_err(unreached)?;
        let (wire, seen) = Wire::new(stream, place.tls.policy != TlsPolicy::Plain);
        let greeting = AsyncSmtpConnection::connect_with_transport(Box::new(wire), &hello);
        let greeted = timeout(COMMAND, greeting).await.map_err(|_| slow(server))?;
        let mut connection = greeted.map_err(broken)?;
        let said =
            |error: DeliveryError| DeliveryError { detail: format!("{server}: {}", error.detail), ..error };
        if by_tls && place.tls.begins(connection.can_starttls()).map_err(said)? {
            let parameters = place.tls.parameters(&place.name).map_err(broken)?;
            let upgrading = timeout(CONNECT, connection.starttls(parameters, &hello)).await;
            let upgraded = upgrading.map_err(|_| slow(server)).and_then(|upgraded| upgraded.map_err(broken));
            upgraded.map_err(Unconnected::Tls)?;
        }
        seen.trust();
        // Once more, because the answer of the first is not to be had: what is offered is read from it.
        let offers = timeout(COMMAND, connection.command(Ehlo::new(hello))).await;
        let offers = offers.map_err(|_| slow(server))?.map_err(broken)?;
        let offers = |wanted: &str| {
            offers.message().any(|line| {
                line.split_ascii_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case(wanted))
            })
        };
        let (eight_bit, reports, utf8) = (offers("8BITMIME"), offers("DSN"), offers("SMTPUTF8"));
        let pipelining = offers("PIPELINING");
        Ok(Self {
            connection,
            line,
            seen,
            server,
            eight_bit,
            reports,
            utf8,
            pipelining,
            is_cut_short: false,
            turn: None,
        })
    }

    /// Whether the server takes bodies beyond ASCII.
    pub(crate) const fn eight_bit(&self) -> bool {
        self.eight_bit
    }

    /// Where it goes to.
    pub(crate) const fn server(&self) -> SocketAddr {
        self.server
    }

    /// Whether it is still there: one that was used just now, where the server has said nothing since, not even goodbye.
    pub(crate) async fn is_alive(&mut self, is_fresh: bool) -> bool {
        let is_quiet = || self.line.peek(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
        if self.connection.has_broken() || !is_quiet() {
            return false;
        }
        is_fresh || timeout(COMMAND, self.connection.test_connected()).await.unwrap_or(false)
    }

    /// Whether another transaction may follow.
    pub(crate) fn is_sound(&self) -> bool {
        !self.connection.has_broken()
    }

    /// Leaves in order, as far as the server lets us.
    pub(crate) async fn leave(mut self) {
        if self.is_cut_short {
            return;
        }
        let _late = timeout(Duration::from_secs(5), self.connection.abort()).await;
    }

    /// One mail to one recipient.
    ///
    /// # Errors
    /// The server has not accepted it.
    pub(crate) async fn hand_over(&mut self, transaction: &Transaction<'_>) -> Result<Handed, DeliveryError> {
        if transaction.utf8 && !self.utf8 {
            // Nobody but the domain itself can say what else the mailbox is called (RFC 6531 section 3.5).
            let public = "5.6.7 the mail server takes no addresses beyond ASCII";
            return Err(DeliveryError::refused(Code::Unsupported, public));
        }
        let reports = transaction.reports.filter(|_| self.reports);
        let (mail, rcpt) = self.commands(transaction, reports)?;
        match self.pipelining {
            true => self.all_at_once(&mail, &rcpt).await?,
            false => {
                self.command(mail).await?;
                self.command(rcpt).await?;
                self.command(Data).await?;
            }
        }
        // lettre ends the last line by itself; ended twice, an empty line more would arrive.
        let octets = transaction.octets.strip_suffix(b"\r\n").unwrap_or(transaction.octets);
        match timeout(FINAL, self.connection.message(octets)).await {
            Ok(Ok(reply)) if reply.code().severity != Severity::PositiveCompletion => Ok(Handed::Unknown),
            Ok(Ok(_)) if reports.is_some() => Ok(Handed::Reported),
            Ok(Ok(_)) => Ok(Handed::Taken),
            Ok(Err(error)) if error.is_transient() || error.is_permanent() => Err(self.refused(&error)),
            // What did not go out whole, final dot and all, the server cannot have accepted.
            Ok(Err(error)) if !self.seen.is_all_out() => Err(self.refused(&error)),
            Err(_) if !self.seen.is_all_out() => Err(slow(self.server)),
            Ok(Err(_)) | Err(_) => Ok(Handed::Unknown),
        }
    }

    fn commands(
        &self,
        transaction: &Transaction<'_>,
        reports: Option<&'static str>,
    ) -> Result<(Mail, Rcpt), DeliveryError> {
        let address = |text: &str| {
            let parsed = text.parse::<Address>().or_else(|error| match text.rsplit_once('@') {
                // Longer than we write any, and yet somebody's: lettre takes none. It was checked when it was read.
                Some((local, domain)) if local.len() > 64 => Ok(Address::new_dangerous(local, domain)),
                _ => Err(error),
            });
            parsed.map_err(|error| {
                let public = "that address cannot be written to by mail";
                DeliveryError {
                    detail: format!("{text}: {error}"),
                    ..DeliveryError::refused(Code::BadAddress, public)
                }
            })
        };
        let (mut of_mail, mut of_rcpt) = (Vec::new(), Vec::new());
        if transaction.eight_bit {
            of_mail.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        if transaction.utf8 {
            of_mail.push(MailParameter::SmtpUtfEight);
        }
        if let Some(reports) = reports {
            let parameter = |keyword: &str, value: String| (keyword.to_owned(), Some(value));
            for (keyword, value) in
                [parameter("RET", "HDRS".into()), parameter("ENVID", xtext(transaction.envid))]
            {
                of_mail.push(MailParameter::Other { keyword, value });
            }
            let original = format!("rfc822;{}", xtext(transaction.recipient));
            for (keyword, value) in [parameter("NOTIFY", reports.into()), parameter("ORCPT", original)] {
                of_rcpt.push(RcptParameter::Other { keyword, value });
            }
        }
        let reverse_path = transaction.reverse_path.map(address).transpose()?;
        Ok((Mail::new(reverse_path, of_mail), Rcpt::new(address(transaction.recipient)?, of_rcpt)))
    }

    async fn command(&mut self, command: impl std::fmt::Display) -> Result<(), DeliveryError> {
        match timeout(COMMAND, self.connection.command(command)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(self.refused(&error)),
            Err(_) => Err(slow(self.server)),
        }
    }

    /// The commands before the text in one piece, where the server takes them so (RFC 2920): each is answered, and the
    /// first refusal is the word on all.
    async fn all_at_once(&mut self, mail: &Mail, rcpt: &Rcpt) -> Result<(), DeliveryError> {
        let mut replied = self.command(format!("{mail}{rcpt}{Data}")).await;
        for _ in 1..3 {
            if replied.as_ref().is_err_and(|error| error.fault != Fault::PeerRefused) {
                return replied;
            }
            let reply = match timeout(COMMAND, self.connection.read_response()).await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(error)) => Err(self.refused(&error)),
                Err(_) => Err(slow(self.server)),
            };
            // The text is wanted all the same: without its end, it is no mail.
            self.is_cut_short = replied.is_err() && reply.is_ok();
            replied = replied.and(reply);
        }
        replied
    }

    /// The one place where a reply becomes an error: 5yz is the last word, 4yz and trouble on the way are not.
    fn refused(&self, error: &Error) -> DeliveryError {
        let detail = format!("{}: {error}", self.server);
        match error.status() {
            Some(status) if error.is_permanent() => DeliveryError {
                fault: Fault::PeerRefused,
                retry: Retry::Never,
                code: Code::Refused,
                public: words(error, status.into()),
                detail,
            },
            Some(status) if error.is_transient() => DeliveryError {
                fault: Fault::PeerRefused,
                retry: Retry::Later,
                code: Code::Unreachable,
                public: words(error, status.into()),
                detail,
            },
            _ => DeliveryError::transport(detail),
        }
    }
}

/// What the server said, as its own administrator meant it to be read by senders.
fn words(error: &Error, status: u16) -> String {
    use std::error::Error as _;
    let said = error.source().map(ToString::to_string).unwrap_or_default();
    let said: String = said.chars().map(|c| if c.is_control() { ' ' } else { c }).take(512).collect();
    format!("the mail server says {status} {said}").trim_end().to_owned()
}

fn slow(server: SocketAddr) -> DeliveryError {
    DeliveryError::transport(format!("{server}: no answer in time"))
}

/// xtext (RFC 3461 section 4).
fn xtext(text: &str) -> String {
    text.bytes().fold(String::new(), |mut xtext, octet| {
        match octet {
            b'+' | b'=' => xtext.push_str(&format!("+{octet:02X}")),
            b'!'..=b'~' => xtext.push(char::from(octet)),
            _ => xtext.push_str(&format!("+{octet:02X}")),
        }
        xtext
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xtext_is_that_of_the_vectors() {
        assert_eq!(xtext("a+b=c d"), "a+2Bb+3Dc+20d");
        assert_eq!(xtext("fred@é"), "fred@+C3+A9");
    }
}
