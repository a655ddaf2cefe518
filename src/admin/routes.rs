//! What can be asked over the admin interface, and the answers in JSON.

use std::sync::Arc;

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Extension, Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use metrics::gauge;
use metrics_exporter_prometheus::PrometheusHandle;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tracing::info;

use super::AdminState;
use crate::config::Secret;
use crate::router::{AliasView, OperationView, SessionView, SubscriptionView, WatcherView};
use crate::rules::{NobodyError, RuleView};
use crate::store::StoreError;

/// Rows that an answer has where the question names no number.
const LIMIT: usize = 100;

/// Rows that an answer has at most; what more there is comes with another question.
const MAX_LIMIT: usize = 1_000;

/// Octets of a command with whom it is for: two of the longest addresses, escaped.
const COMMAND_OCTETS: usize = 16 << 10;

/// What the handlers look at.
#[derive(Clone)]
pub(super) struct Context {
    pub(super) state: Arc<AdminState>,
    pub(super) metrics: PrometheusHandle,
}

/// Marks a request of somebody who may see everything.
#[derive(Clone, Copy)]
struct Trusted;

/// For whoever could open the socket.
pub(super) fn for_owner(context: Context) -> Router {
    routes(context).layer(Extension(Trusted))
}

/// For whoever has the token; for others no more than whether the gateway lives and is ready.
pub(super) fn for_token(context: Context, token: Secret) -> Router {
    routes(context).layer(middleware::from_fn_with_state(Arc::new(token), authorise))
}

fn routes(context: Context) -> Router {
    Router::new()
        .route("/live", get(live))
        .route("/ready", get(ready))
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .route("/v1/operations/{id}", get(trace))
        .route("/v1/queue", get(queue))
        .route("/v1/sessions", get(sessions))
        .route("/v1/aliases", get(aliases))
        .route("/v1/watchers", get(watchers))
        .route("/v1/subscriptions", get(subscriptions))
        .route("/v1/rules", get(rules).post(set_rule).layer(DefaultBodyLimit::max(COMMAND_OCTETS)))
        .route("/v1/adapters/{name}", post(manage).layer(DefaultBodyLimit::max(COMMAND_OCTETS)))
        .fallback(|| async {
            Refusal::new(StatusCode::NOT_FOUND, "not-found", "there is nothing at this path")
        })
        .method_not_allowed_fallback(|| async {
            Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "GET is understood, and POST at /v1/rules and /v1/adapters/NAME",
            )
        })
        .with_state(context)
}

async fn authorise(State(token): State<Arc<Secret>>, mut request: Request, next: Next) -> Response {
    if bearer(request.headers()).is_some_and(|offered| token.matches(offered)) {
        request.extensions_mut().insert(Trusted);
    } else if !matches!(request.uri().path(), "/live" | "/ready") {
        let refusal =
            Refusal::new(StatusCode::UNAUTHORIZED, "unauthorised", "expected `Authorization: Bearer TOKEN`");
        return ([(header::WWW_AUTHENTICATE, "Bearer")], refusal).into_response();
    }
    next.run(request).await
}

/// The token of RFC 6750 section 2.1; the scheme's case does not matter (RFC 9110 section 11.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The process lives, whatever else is the matter.
async fn live() -> Json<serde_json::Value> {
    Json(json!({ "live": true }))
}

/// Whether operations are accepted; why not is not for everybody.
async fn ready(State(context): State<Context>, trusted: Option<Extension<Trusted>>) -> Response {
    let health = context.state.health();
    if health.ready {
        return Json(json!({ "ready": true })).into_response();
    }
    let detail = match trusted {
        Some(_) => health.reasons.join("; "),
        None => "operations are not accepted at present".to_owned(),
    };
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "not-ready", detail).into_response()
}

async fn health(State(context): State<Context>) -> impl IntoResponse {
    Json(context.state.health())
}

/// The text format of Prometheus, version 0.0.4.
async fn metrics(State(context): State<Context>) -> impl IntoResponse {
    let health = context.state.health();
    gauge!("cpim_operations_in_flight").set(u32::try_from(health.in_flight).map_or(f64::MAX, f64::from));
    gauge!("cpim_ready").set(if health.ready { 1.0 } else { 0.0 });
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], context.metrics.render())
}

/// The answer of `/v1/operations/{id}` and `/v1/queue`.
#[derive(Debug, Deserialize, Serialize)]
pub struct Operations {
    /// Oldest first.
    pub operations: Vec<OperationView>,
}

/// The answer of `/v1/sessions`.
#[derive(Debug, Deserialize, Serialize)]
pub struct Sessions {
    /// In the order in which they were opened.
    pub sessions: Vec<SessionView>,
}

/// The answer of `/v1/aliases`.
#[derive(Debug, Deserialize, Serialize)]
pub struct Aliases {
    /// By space and name.
    pub aliases: Vec<AliasView>,
}

/// The answer of `/v1/watchers`.
#[derive(Debug, Deserialize, Serialize)]
pub struct Watchers {
    /// Those who watch now first, the newest first.
    pub watchers: Vec<WatcherView>,
}

/// The answer of `/v1/subscriptions`.
#[derive(Debug, Deserialize, Serialize)]
pub struct Subscriptions {
    /// The newest first.
    pub subscriptions: Vec<SubscriptionView>,
}

/// The answer of `/v1/rules`.
#[derive(Debug, Deserialize, Serialize)]
pub struct Rules {
    /// By their owners.
    pub rules: Vec<RuleView>,
}

/// Whose.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Of {
    of: String,
}

/// Whose, or everybody's.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MaybeOf {
    of: Option<String>,
}

/// How much of a list is wanted.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Page {
    /// The last row of the page before: of aliases `SPACE NAME`.
    after: String,
    /// How many rows.
    limit: usize,
}

impl Default for Page {
    fn default() -> Self {
        Self { after: String::new(), limit: LIMIT }
    }
}

async fn trace(
    State(context): State<Context>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<Operations>, Refusal> {
    let Path(id) = id.map_err(|error| bad_request(error.body_text()))?;
    let operations = context.state.look.trace(&id).await?;
    match operations.is_empty() {
        true => {
            let detail = "no operation that is remembered has this id, or this transID on either leg";
            Err(Refusal::new(StatusCode::NOT_FOUND, "unknown-operation", detail))
        }
        false => Ok(Json(Operations { operations })),
    }
}

async fn queue(
    State(context): State<Context>,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Operations>, Refusal> {
    let page = checked(page)?;
    Ok(Json(Operations { operations: context.state.look.queue(page.limit).await? }))
}

async fn sessions(State(context): State<Context>) -> Json<Sessions> {
    Json(Sessions { sessions: context.state.look.sessions() })
}

async fn aliases(
    State(context): State<Context>,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Aliases>, Refusal> {
    let page = checked(page)?;
    Ok(Json(Aliases { aliases: context.state.look.aliases(&page.after, page.limit).await? }))
}

async fn watchers(
    State(context): State<Context>,
    of: Result<Query<Of>, QueryRejection>,
) -> Result<Json<Watchers>, Refusal> {
    let Query(Of { of }) = of.map_err(|error| bad_request(error.body_text()))?;
    Ok(Json(Watchers { watchers: context.state.look.watchers(&of)? }))
}

async fn subscriptions(
    State(context): State<Context>,
    of: Result<Query<Of>, QueryRejection>,
) -> Result<Json<Subscriptions>, Refusal> {
    let Query(Of { of }) = of.map_err(|error| bad_request(error.body_text()))?;
    Ok(Json(Subscriptions { subscriptions: context.state.look.subscriptions(&of)? }))
}

/// A command about the rules of somebody.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SetRule {
    /// Whose rules: a URI, or a foreign address.
    pub of: String,
    /// The command, as he would write it to the gateway's inbox: `block *@spam.example`.
    pub command: String,
}

/// The answer to a command.
#[derive(Debug, Deserialize, Serialize)]
pub struct Said {
    /// What holds from now on, in words for the one whose rules they are.
    pub said: String,
}

/// `/v1/adapters/NAME`: something that an adapter is asked to do.
#[derive(Debug, Deserialize, Serialize)]
pub struct Manage {
    /// In the adapter's own words.
    pub words: Vec<String>,
    /// What must not stand in a command line, such as a password.
    pub secret: Option<String>,
}

/// What an adapter says to that.
#[derive(Debug, Deserialize, Serialize)]
pub struct Managed {
    /// Lines for people.
    pub lines: Vec<String>,
}

async fn manage(
    State(context): State<Context>,
    name: Result<Path<String>, PathRejection>,
    asked: Result<Json<Manage>, JsonRejection>,
) -> Result<Json<Managed>, Refusal> {
    let Path(name) = name.map_err(|error| bad_request(error.body_text()))?;
    let Json(Manage { words, secret }) = asked.map_err(|error| bad_request(error.body_text()))?;
    let lines = context.state.look.manage(&name, &words, secret.as_deref()).await;
    let lines = lines.map_err(|why| Refusal::new(StatusCode::BAD_REQUEST, "bad-command", why))?;
    info!(adapter = name, words = words.join(" "), "done for the administrator");
    Ok(Json(Managed { lines }))
}

async fn set_rule(
    State(context): State<Context>,
    command: Result<Json<SetRule>, JsonRejection>,
) -> Result<Json<Said>, Refusal> {
    let Json(SetRule { of, command }) = command.map_err(|error| bad_request(error.body_text()))?;
    let said = context.state.look.set_rule(&of, &command).await;
    let said = said.map_err(|why| Refusal::new(StatusCode::BAD_REQUEST, "bad-command", why))?;
    info!(of, command, "rules set by the administrator");
    Ok(Json(Said { said }))
}

async fn rules(
    State(context): State<Context>,
    of: Result<Query<MaybeOf>, QueryRejection>,
) -> Result<Json<Rules>, Refusal> {
    let Query(MaybeOf { of }) = of.map_err(|error| bad_request(error.body_text()))?;
    Ok(Json(Rules { rules: context.state.look.rules(of.as_deref(), MAX_LIMIT)? }))
}

fn checked(page: Result<Query<Page>, QueryRejection>) -> Result<Page, Refusal> {
    let Query(page) = page.map_err(|error| bad_request(error.body_text()))?;
    match page.limit {
        1..=MAX_LIMIT => Ok(page),
        _ => Err(bad_request(format!("limit: expected 1 to {MAX_LIMIT}"))),
    }
}

fn bad_request(detail: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "bad-request", detail)
}

/// A question that is not answered, and why.
struct Refusal {
    status: StatusCode,
    error: &'static str,
    detail: String,
}

impl Refusal {
    fn new(status: StatusCode, error: &'static str, detail: impl Into<String>) -> Self {
        Self { status, error, detail: detail.into() }
    }
}

impl From<NobodyError> for Refusal {
    fn from(error: NobodyError) -> Self {
        bad_request(error.to_string())
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "store", error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "error": self.error, "detail": self.detail }))).into_response()
    }
}
