//! Looking in: what is under way, what became of an operation, who is in contact.

use std::collections::VecDeque;

use cpim_adapter::{Operation, OperationId, TransId};
use serde::{Deserialize, Serialize};
use tracing::info;

use super::Router;
use super::flight::{Flight, Stage};
use super::refusal::Refusal;
use super::rows;
use super::step::Step;
use crate::clock::UnixMs;
use crate::store::{AliasRow, StoreError, Story};
use crate::sync::lock;

/// Refusals that can still be traced: nothing of them is in the journal.
const REFUSALS: usize = 10_000;

/// An operation, as an administrator sees it. No content, no secret.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct OperationView {
    /// Its name, end to end.
    pub id: String,
    /// Which operation.
    pub kind: String,
    /// Who sends, as it was spelled.
    pub source: String,
    /// To whom, as it was spelled.
    pub destination: String,
    /// When it arrived.
    pub accepted_at: UnixMs,
    /// Octets of content.
    pub octets: u64,
    /// How well the source is known.
    pub standing: String,
    /// Relay domains it had crossed.
    pub via: String,
    /// Where it stands: `refused`, `queued`, `handed over`, `settling`, `settled`.
    pub state: String,
    /// The leg by which it came.
    pub arrived: LegView,
    /// The legs by which it went.
    pub departed: Vec<LegView>,
    /// Its outcome, once there is one: status and text.
    pub outcome: Option<String>,
    /// Whether its owner has the answer.
    pub answered: bool,
    /// Everything that happened to it, in order.
    pub steps: Vec<Step>,
}

/// One leg of an operation.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct LegView {
    /// Whose it is: the answer's owner, or the next hop.
    pub with: String,
    /// The transID on it.
    pub trans_id: String,
}

/// A connection, as an administrator sees it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct SessionView {
    /// The adapter.
    pub adapter: String,
    /// Who it is.
    pub label: String,
    /// The peer gateway it is, where it is one.
    pub peer: Option<String>,
    /// What is delivered to it.
    pub serves: Vec<String>,
    /// What it may speak for.
    pub speaks: Vec<String>,
}

/// An alias, as an administrator sees it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct AliasView {
    /// Where it stands for the address: `relay` for the relay domain, `irc.nicks.NETWORK` and the like for nicks.
    pub space: String,
    /// The local-part or nick that stands for the address.
    pub name: String,
    /// The address.
    pub address: String,
    /// When it was assigned.
    pub first_used: UnixMs,
    /// When it was asked for last.
    pub last_used: UnixMs,
}

/// The last refusals.
#[derive(Default)]
pub(super) struct Refusals(VecDeque<OperationView>);

impl Refusals {
    fn note(&mut self, view: OperationView) {
        if self.0.len() >= REFUSALS {
            self.0.pop_front();
        }
        self.0.push_back(view);
    }
}

impl Router {
    pub(super) fn note_refusal(
        &self,
        id: &OperationId,
        trans_id: &TransId,
        operation: &Operation,
        refusal: &Refusal,
    ) {
        let (source, destination) = (operation.speaks_for(), operation.goes_to());
        let response = refusal.response();
        info!(
            %id, from = %source.address(), to = %destination.address(), detail = refusal.detail,
            "refused: {}", response.text(),
        );
        metrics::counter!("cpim_refused_total", "code" => refusal.code.as_str()).increment(1);
        let now = UnixMs::now();
        let view = OperationView {
            id: id.to_string(),
            kind: operation.kind().to_string(),
            source: source.spelled().to_owned(),
            destination: destination.spelled().to_owned(),
            accepted_at: now,
            octets: operation.content().map_or(0, |content| content.len() as u64),
            standing: String::new(),
            via: String::new(),
            state: "refused".into(),
            arrived: LegView { with: source.address().to_string(), trans_id: trans_id.to_string() },
            departed: Vec::new(),
            outcome: Some(response.to_string()),
            answered: true,
            steps: vec![Step::new(now, "refused", refusal.detail.clone())],
        };
        lock(&self.refusals).note(view);
    }

    /// Everything that is known of operations with this id, or this transID on either leg; oldest first.
    ///
    /// # Errors
    /// [`StoreError`] where the journal cannot be read.
    pub async fn trace(&self, text: &str) -> Result<Vec<OperationView>, StoreError> {
        let refused: Vec<OperationView> = lock(&self.refusals)
            .0
            .iter()
            .filter(|view| view.id == text || view.arrived.trans_id == text)
            .cloned()
            .collect();
        let stories = self.journal.trace(text).await?;
        let told = stories.into_iter().map(|story| self.view(story));
        Ok(refused.into_iter().chain(told).collect())
    }

    /// The first operations that are accepted and not settled.
    ///
    /// # Errors
    /// [`StoreError`] where the journal cannot be read.
    pub async fn queue(&self, limit: usize) -> Result<Vec<OperationView>, StoreError> {
        Ok(self.journal.queue(limit).await?.into_iter().map(|story| self.view(story)).collect())
    }

    /// The connections that are there now, those that adapters keep of their own accord last; but for the gateway's own
    /// inbox, which always is.
    #[must_use]
    pub fn sessions(&self) -> Vec<SessionView> {
        let name = |port: usize| self.ports.get(port).map_or("", |port| port.name);
        let own = self.ports.iter().flat_map(|port| {
            port.adapter.connections().into_iter().map(|connection| SessionView {
                adapter: port.name.to_owned(),
                label: connection.label,
                peer: None,
                serves: Vec::new(),
                speaks: connection.speaks.iter().map(ToString::to_string).collect(),
            })
        });
        self.contacts
            .all()
            .into_iter()
            .filter(|contact| Some(contact.port) != self.own_inbox())
            .map(|contact| SessionView {
                adapter: name(contact.port).to_owned(),
                label: contact.facts.authority.label.clone(),
                peer: contact.facts.authority.peer.as_ref().map(ToString::to_string),
                serves: contact.facts.serves.iter().map(ToString::to_string).collect(),
                speaks: contact.facts.authority.scopes.iter().map(ToString::to_string).collect(),
            })
            .chain(own)
            .collect()
    }

    /// The aliases that come after `after` (`SPACE NAME`), by space and name, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] where the store cannot be read.
    pub async fn aliases(&self, after: &str, limit: usize) -> Result<Vec<AliasView>, StoreError> {
        let (space, name) = after.split_once(' ').unwrap_or((after, ""));
        let rows = self.state.aliases(space, name, limit).await?;
        let view = |row: AliasRow| AliasView {
            space: row.space,
            name: row.name,
            address: row.address,
            first_used: UnixMs(row.first_used),
            last_used: UnixMs(row.last_used),
        };
        Ok(rows.into_iter().map(view).collect())
    }

    /// What the journal tells, and what happened since it was told last.
    fn view(&self, story: Story) -> OperationView {
        let mut steps = Step::from_text(&story.steps);
        let settled = story.settled;
        let (state, outcome, answered) = match &settled {
            Some(settled) => {
                steps.extend(Step::from_text(&settled.steps));
                (
                    "settled",
                    Some(rows::response(&settled.outcome).to_string()),
                    settled.handed_over || lock(&self.table).is_given(story.number),
                )
            }
            None => {
                let table = lock(&self.table);
                let flight = table.get(story.number);
                steps.extend(flight.map(|flight| flight.steps.clone()).unwrap_or_default());
                (flight.map_or("queued", state), None, false)
            }
        };
        OperationView {
            id: story.id,
            kind: story.kind.into_owned(),
            source: story.source,
            destination: story.destination,
            accepted_at: UnixMs(story.accepted_at),
            octets: story.octets,
            standing: story.standing,
            via: story.via,
            state: state.into(),
            arrived: LegView { with: story.owner, trans_id: story.trans_id },
            departed: story
                .attempts
                .into_iter()
                .map(|attempt| LegView { with: attempt.intent.hop, trans_id: attempt.intent.leg })
                .collect(),
            outcome,
            answered,
            steps,
        }
    }
}

fn state(flight: &Flight) -> &'static str {
    match flight.stage {
        Stage::Accepting | Stage::Queued => "queued",
        Stage::Committed => "handed over",
        Stage::Settling(_) => "settling",
    }
}
