//! The admin interface over real sockets, before a gateway that is made up.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use cpim_adapter::{Health, HealthReporter, Shutdown};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::{AdminError, AdminHandle, AdminState, Client, ClientError, Look};
use crate::clock::UnixMs;
use crate::config::{Admin, Secret};
use crate::router::{AliasView, LegView, OperationView, SessionView, Step};
use crate::store::{StoreError, StoreHealth};

/// A gateway that has one operation under way.
struct Made;

fn operation() -> OperationView {
    OperationView {
        id: "01k".into(),
        kind: "message".into(),
        source: "im:fred@a.example".into(),
        destination: "im:barney@b.example".into(),
        accepted_at: UnixMs(1_000),
        octets: 61,
        standing: "verified".into(),
        via: String::new(),
        state: "queued".into(),
        arrived: LegView { with: "im:fred@a.example".into(), trans_id: "a/1?".into() },
        departed: Vec::new(),
        outcome: None,
        answered: false,
        steps: vec![Step { at: UnixMs(1_000), what: "accepted".into(), detail: String::new() }],
    }
}

#[async_trait]
impl Look for Made {
    async fn trace(&self, text: &str) -> Result<Vec<OperationView>, StoreError> {
        let found = Some(operation()).filter(|one| one.id == text || one.arrived.trans_id == text);
        Ok(found.into_iter().collect())
    }

    async fn queue(&self, limit: usize) -> Result<Vec<OperationView>, StoreError> {
        Ok(vec![operation(); limit.min(2)])
    }

    fn watchers(&self, _: &str) -> Result<Vec<crate::router::WatcherView>, crate::rules::NobodyError> {
        Ok(Vec::new())
    }

    fn subscriptions(
        &self,
        _: &str,
    ) -> Result<Vec<crate::router::SubscriptionView>, crate::rules::NobodyError> {
        Ok(Vec::new())
    }

    fn rules(
        &self,
        _: Option<&str>,
        _: usize,
    ) -> Result<Vec<crate::rules::RuleView>, crate::rules::NobodyError> {
        Ok(Vec::new())
    }

    async fn aliases(&self, after: &str, _: usize) -> Result<Vec<AliasView>, StoreError> {
        match after {
            "closed" => Err(StoreError::Closed),
            _ => Ok(Vec::new()),
        }
    }

    async fn manage(
        &self,
        adapter: &str,
        words: &[String],
        secret: Option<&str>,
    ) -> Result<Vec<String>, String> {
        match (adapter, secret) {
            ("toy", Some(secret)) => Ok(vec![format!("{} with {secret}", words.join(" "))]),
            _ => Err(format!("there is no adapter `{adapter}`")),
        }
    }

    async fn set_rule(&self, of: &str, command: &str) -> Result<String, String> {
        match command {
            "block *" => Ok(format!("{of} blocks everybody.")),
            _ => Err(format!("{command} is no command")),
        }
    }

    fn sessions(&self) -> Vec<SessionView> {
        Vec::new()
    }

    fn in_flight(&self) -> usize {
        1
    }

    fn is_draining(&self) -> bool {
        false
    }
}

/// The interface of that gateway, and what its health hangs on.
struct Served {
    folder: TempDir,
    handle: AdminHandle,
    adapter: HealthReporter,
    store: watch::Sender<StoreHealth>,
    shutdown: Shutdown,
}

fn settings(folder: &Path) -> Admin {
    Admin {
        socket: folder.join("admin.sock"),
        http: Some(([127, 0, 0, 1], 0).into()),
        token_file: folder.join("token"),
    }
}

impl Served {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (adapter, health) = HealthReporter::new();
        adapter.set(Health::Up);
        let (store, store_health) = watch::channel(StoreHealth::Ok);
        let shutdown = Shutdown::default();
        let state = AdminState::new(Arc::new(Made), store_health, vec![("cpim", health)], shutdown.clone());
        let handle = super::serve(&settings(folder.path()), state).await.unwrap();
        Self { folder, handle, adapter, store, shutdown }
    }

    fn socket(&self) -> Client {
        Client::Socket(self.folder.path().join("admin.sock"))
    }

    fn http(&self, token: Option<Secret>) -> Client {
        Client::Http { authority: self.handle.http().unwrap().to_string(), token }
    }

    fn token(&self) -> Secret {
        Secret::from_file(&self.folder.path().join("token")).unwrap()
    }
}

async fn get(client: &Client, path: &str) -> Result<Value, u16> {
    match client.get(path).await {
        Ok(body) => Ok(body),
        Err(ClientError::Refused { status, .. }) => Err(status),
        Err(other) => panic!("{path}: {other}"),
    }
}

#[tokio::test]
async fn the_owner_sees_everything_at_the_socket() {
    let served = Served::start().await;
    let client = served.socket();
    assert_eq!(get(&client, "/live").await.unwrap(), json!({ "live": true }));
    assert_eq!(get(&client, "/ready").await.unwrap(), json!({ "ready": true }));
    let health = get(&client, "/health").await.unwrap();
    assert_eq!((&health["status"], &health["in_flight"]), (&json!("up"), &json!(1)));
    assert_eq!(health["adapters"], json!([{ "name": "cpim", "status": "up" }]));
    let traced = get(&client, "/v1/operations/01k").await.unwrap();
    assert_eq!(traced["operations"][0]["destination"], "im:barney@b.example");
    assert_eq!(
        get(&client, "/v1/operations/a%2F1%3F").await.unwrap(),
        traced,
        "by its transID, whatever is in it"
    );
    assert_eq!(get(&client, "/v1/queue?limit=1").await.unwrap()["operations"].as_array().unwrap().len(), 1);
    assert_eq!(get(&client, "/v1/sessions").await.unwrap(), json!({ "sessions": [] }));
    assert_eq!(get(&client, "/v1/aliases").await.unwrap(), json!({ "aliases": [] }));
    let metrics = client.get_octets("/metrics").await.unwrap();
    assert!(String::from_utf8_lossy(&metrics).contains("cpim_operations_in_flight 1"), "{metrics:?}");
}

#[tokio::test]
async fn what_is_asked_wrongly_is_refused_with_a_reason() {
    let served = Served::start().await;
    let client = served.socket();
    for (path, status) in [
        ("/", 404),
        ("/v1/operations/other", 404),
        ("/v1/queue?limit=0", 400),
        ("/v1/queue?limit=1001", 400),
        ("/v1/queue?limit=many", 400),
        ("/v1/queue?limits=1", 400),
        ("/v1/operations/%ff", 400),
        ("/v1/aliases?after=closed", 503),
    ] {
        assert_eq!(get(&client, path).await, Err(status), "{path}");
    }
}

#[tokio::test]
async fn without_the_token_http_tells_no_details() {
    let served = Served::start().await;
    let (stranger, owner) = (served.http(None), served.http(Some(served.token())));
    let guesser = served.http(Some(Secret::new(&"0".repeat(64)).unwrap()));
    served.adapter.set(Health::Down("the port is gone".into()));
    assert_eq!(get(&stranger, "/live").await.unwrap(), json!({ "live": true }));
    for nobody in [&stranger, &guesser] {
        for path in
            ["/health", "/metrics", "/v1/queue", "/v1/sessions", "/v1/aliases", "/v1/operations/01k", "/x"]
        {
            assert_eq!(get(nobody, path).await, Err(401), "{path}");
        }
    }
    let told = raw(&served, b"GET /ready HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(told.starts_with("HTTP/1.1 503 "), "{told}");
    assert!(told.contains("not-ready") && !told.contains("port"), "{told}");
    let refused = raw(&served, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(refused.contains("www-authenticate: Bearer\r\n"), "{refused}");
    let posted = raw(&served, b"POST /live HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").await;
    assert!(posted.starts_with("HTTP/1.1 405 "), "{posted}");
    let told = owner.get::<Value>("/ready").await.unwrap_err().to_string();
    assert_eq!(told, "cpim is down: the port is gone (not-ready)");
}

#[tokio::test]
async fn health_is_the_sum_of_the_parts() {
    let served = Served::start().await;
    let client = served.socket();
    let sum = async || {
        let health = get(&client, "/health").await.unwrap();
        let ready = get(&client, "/ready").await.is_ok();
        assert_eq!(health["ready"], json!(ready));
        (health["status"].as_str().unwrap().to_owned(), ready)
    };
    assert_eq!(sum().await, ("up".to_owned(), true));
    served.adapter.set(Health::Degraded("one listener of two".into()));
    assert_eq!(sum().await, ("degraded".to_owned(), true));
    served.store.send_replace(StoreHealth::Degraded("the disk is full".into()));
    assert_eq!(sum().await, ("down".to_owned(), false));
    served.store.send_replace(StoreHealth::Ok);
    served.adapter.set(Health::Starting);
    assert_eq!(sum().await, ("down".to_owned(), false));
    served.adapter.set(Health::Up);
    served.shutdown.begin_drain();
    assert_eq!(sum().await, ("draining".to_owned(), false));
}

#[tokio::test]
async fn a_request_over_the_cap_is_refused() {
    let served = Served::start().await;
    let long = format!("GET /live HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "x".repeat(20_000));
    let told = raw(&served, long.as_bytes()).await;
    assert!(told.starts_with("HTTP/1.1 431 "), "{told}");
}

#[tokio::test]
async fn what_cannot_be_bound_is_an_error_before_anything_is_served() {
    let served = Served::start().await;
    let state = || {
        AdminState::new(Arc::new(Made), watch::channel(StoreHealth::Ok).1, Vec::new(), Shutdown::default())
    };
    let again = settings(served.folder.path());
    let running = super::serve(&again, state()).await;
    assert!(matches!(running, Err(AdminError::Running { .. })), "{running:?}");

    let elsewhere = tempfile::tempdir().unwrap();
    let taken = Admin { http: served.handle.http(), ..settings(elsewhere.path()) };
    let failed = super::serve(&taken, state()).await;
    assert!(matches!(failed, Err(AdminError::Http { .. })), "{failed:?}");
    assert!(!taken.socket.exists(), "nothing is left behind");
}

#[tokio::test]
async fn it_stops_when_told_and_takes_its_socket_along() {
    let served = Served::start().await;
    // A connection that says nothing does not hold it up for long.
    let _silent = TcpStream::connect(served.handle.http().unwrap()).await.unwrap();
    assert!(get(&served.socket(), "/live").await.is_ok());
    let socket = served.socket();
    served.handle.stop().await;
    assert!(!served.folder.path().join("admin.sock").exists());
    assert!(matches!(socket.get::<Value>("/live").await, Err(ClientError::NotThere { .. })));
}

/// What comes back for these octets.
async fn raw(served: &Served, octets: &[u8]) -> String {
    let mut stream = TcpStream::connect(served.handle.http().unwrap()).await.unwrap();
    stream.write_all(octets).await.unwrap();
    let mut told = Vec::new();
    stream.read_to_end(&mut told).await.unwrap();
    String::from_utf8(told).unwrap()
}
