//! Asks a running gateway over its admin interface, as the command line does.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::header;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use crate::config::Secret;

/// For one question, from connecting to the end of the answer.
const ANSWER_TIME: Duration = Duration::from_secs(30);

/// Octets of an answer at most: the longest list, of operations with many steps each.
const ANSWER_OCTETS: usize = 64 << 20;

/// Where a gateway's admin interface is.
#[derive(Clone, Debug)]
pub enum Client {
    /// On TCP.
    Http {
        /// Host and port.
        authority: String,
        /// The token; without it only `/live` and `/ready` answer.
        token: Option<Secret>,
    },
    /// At a Unix socket.
    Socket(PathBuf),
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The answer was cut off, or is no HTTP.
    #[error("no answer from the admin interface at {at}: {detail}")]
    NoAnswer {
        /// Where.
        at: String,
        /// What happened.
        detail: String,
    },
    /// Nobody is there.
    #[error("cannot reach the admin interface at {at}: {source}; is the gateway running?")]
    NotThere {
        /// Where.
        at: String,
        /// What the system said.
        source: io::Error,
    },
    /// The gateway says no.
    #[error("{detail} ({error})")]
    Refused {
        /// The status of HTTP.
        status: u16,
        /// The word for programs.
        error: String,
        /// The words for people.
        detail: String,
    },
}

/// The body of a refusal.
#[derive(Deserialize)]
struct Refusal {
    error: String,
    detail: String,
}

impl Client {
    /// Asks for a path, and reads the answer.
    ///
    /// # Errors
    /// [`ClientError`].
    ///
    /// # Cancel safety
    /// May be dropped at any time; nothing is changed by asking.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let body = self.get_octets(path).await?;
        serde_json::from_slice(&body).map_err(|error| self.no_answer(error))
    }

    /// Has something done, and reads the answer.
    ///
    /// # Errors
    /// [`ClientError`].
    ///
    /// # Cancel safety
    /// Dropped, it may have been done or not.
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        asked: &(impl Serialize + Sync),
    ) -> Result<T, ClientError> {
        let asked = serde_json::to_vec(asked).map_err(|error| self.no_answer(error))?;
        let body = self.octets(path, Some(asked.into())).await?;
        serde_json::from_slice(&body).map_err(|error| self.no_answer(error))
    }

    /// Asks for a path, and takes the answer's octets.
    ///
    /// # Errors
    /// [`ClientError`].
    ///
    /// # Cancel safety
    /// As [`Client::get`].
    pub async fn get_octets(&self, path: &str) -> Result<Bytes, ClientError> {
        self.octets(path, None).await
    }

    async fn octets(&self, path: &str, posted: Option<Bytes>) -> Result<Bytes, ClientError> {
        let asked = timeout(ANSWER_TIME, self.connect_and_ask(path, posted)).await;
        let (status, body) = asked.map_err(|_| self.no_answer("it took too long"))??;
        if status.is_success() {
            return Ok(body);
        }
        let refusal: Result<Refusal, _> = serde_json::from_slice(&body);
        let Refusal { error, detail } = refusal.map_err(|_| self.no_answer(status))?;
        Err(ClientError::Refused { status: status.as_u16(), error, detail })
    }

    async fn connect_and_ask(
        &self,
        path: &str,
        posted: Option<Bytes>,
    ) -> Result<(StatusCode, Bytes), ClientError> {
        let not_there = |source| ClientError::NotThere { at: self.at(), source };
        match self {
            Self::Http { authority, .. } => {
                let stream = TcpStream::connect(authority).await.map_err(not_there)?;
                self.ask(stream, path, posted).await
            }
            Self::Socket(socket) => {
                let stream = UnixStream::connect(socket).await.map_err(not_there)?;
                self.ask(stream, path, posted).await
            }
        }
    }

    async fn ask<S>(
        &self,
        stream: S,
        path: &str,
        posted: Option<Bytes>,
    ) -> Result<(StatusCode, Bytes), ClientError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (host, token) = match self {
            Self::Http { authority, token } => (authority.as_str(), token.as_ref()),
            Self::Socket(_) => ("localhost", None),
        };
        let mut request = match &posted {
            Some(_) => Request::post(path).header(header::CONTENT_TYPE, "application/json"),
            None => Request::get(path),
        };
        request = request.header(header::HOST, host);
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", token.expose()));
        }
        let request =
            request.body(Full::new(posted.unwrap_or_default())).map_err(|error| self.no_answer(error))?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| self.no_answer(error))?;
        let asked = async {
            let response = sender.send_request(request).await.map_err(|error| self.no_answer(error))?;
            let status = response.status();
            let body = Limited::new(response.into_body(), ANSWER_OCTETS).collect().await;
            Ok((status, body.map_err(|error| self.no_answer(error))?.to_bytes()))
        };
        // The connection is driven here, in the same task, for as long as the answer is read.
        tokio::pin!(asked, connection);
        tokio::select! {
            biased;
            answer = &mut asked => answer,
            _ = &mut connection => asked.await,
        }
    }

    fn at(&self) -> String {
        match self {
            Self::Http { authority, .. } => format!("http://{authority}"),
            Self::Socket(socket) => socket.display().to_string(),
        }
    }

    fn no_answer(&self, detail: impl ToString) -> ClientError {
        ClientError::NoAnswer { at: self.at(), detail: detail.to_string() }
    }
}
