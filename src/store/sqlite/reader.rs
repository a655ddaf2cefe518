//! Reading: a second connection that cannot write and never waits for the one that does.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Params, Result, Row, params};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::rows;
use crate::store::retention::is_remembered;
use crate::store::rows::{AliasRow, Attempt, KeptAnswer, OwnerScope, Recalled, Settled, Story, Unsettled};
use crate::store::write::{Acceptance, Intent, Outcome};
use crate::store::{PAGE_OCTETS, PAGE_ROWS, STORIES, StoreError};

/// What [`settled`] reads, under names that the table of operations does not have.
macro_rules! outcome_columns {
    () => {
        "settled_at, handed_over, status, code, text, lang, duration, subscript_id, outcome.steps AS outcome_steps"
    };
}

/// Selects the numbers of the operations whose leg is `?1`: one look into each part of two indexes, which stands together.
macro_rules! numbers_of_leg {
    () => {
        "SELECT number FROM (
            WITH RECURSIVE part (nth) AS (
                SELECT max(number) >> 10 FROM operation
                UNION ALL SELECT nth - 1 FROM part WHERE nth > (SELECT min(number) >> 10 FROM operation))
            SELECT number FROM part CROSS JOIN operation ON number >> 10 = nth AND leg = ?1
            UNION SELECT number FROM part CROSS JOIN attempt ON number >> 10 = nth AND leg = ?1)"
    };
}

/// The reading connection. One read at a time: reads are for starts, late answers and people.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    connection: Arc<Mutex<Option<Connection>>>,
    /// Waited for before a thread is taken: many that wait for the connection would each hold one up.
    turn: Arc<Semaphore>,
}

impl Reader {
    pub(super) fn new(connection: Connection) -> Self {
        Self { connection: Arc::new(Mutex::new(Some(connection))), turn: Arc::new(Semaphore::new(1)) }
    }

    /// Reads on a thread that may block. Cancel safe: a read that nobody waits for is finished and dropped.
    pub(super) async fn read<T, F>(&self, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        let turn = Arc::clone(&self.turn).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let shared = Arc::clone(&self.connection);
        let read = move || {
            let _turn = turn;
            let guard = shared.lock().unwrap_or_else(PoisonError::into_inner);
            let connection = guard.as_ref().ok_or(StoreError::Closed)?;
            read(connection).map_err(|error| StoreError::Failed(error.to_string()))
        };
        spawn_blocking(read).await.map_err(|error| StoreError::Failed(error.to_string()))?
    }

    /// Closes the connection, after the read that is under way.
    pub(super) async fn close(&self) {
        let shared = Arc::clone(&self.connection);
        let close = move || drop(shared.lock().unwrap_or_else(PoisonError::into_inner).take());
        // It fails only where the runtime is going down, which drops the connection as well.
        spawn_blocking(close).await.ok();
    }
}

pub(super) fn recall(
    connection: &Connection,
    owner: &str,
    trans_id: &str,
    digest: &[u8; 32],
    remembers_s: u32,
    now: i64,
) -> Result<Option<Recalled>> {
    let found = connection
        .prepare_cached(concat!(
            "SELECT operation.number AS number, id, ",
            outcome_columns!(),
            " FROM operation LEFT JOIN outcome USING (number)
                 WHERE trans_id = ?1 AND operation.owner = ?2 AND digest = ?3"
        ))?
        .query_row(params![trans_id, owner, digest], |row| {
            let settled = settled(row)?;
            let remembered = settled
                .as_ref()
                .is_none_or(|settled| is_remembered(settled.at, settled.handed_over, remembers_s, now));
            let outcome = settled.map(|settled| settled.outcome);
            Ok(remembered.then_some(Recalled { number: row.get("number")?, id: row.get("id")?, outcome }))
        })
        .optional()?;
    Ok(found.flatten())
}

/// The first `limit` answers kept for `scopes`, each once.
pub(super) fn kept(
    connection: &Connection,
    scopes: &[OwnerScope],
    after: i64,
    limit: usize,
) -> Result<Vec<KeptAnswer>> {
    let mut answers = Vec::new();
    for scope in scopes {
        let (domain, only, from, to) = match scope {
            OwnerScope::Domain(domain) => (domain, "AND ?4 IS NULL AND ?5 IS NULL", None, None),
            OwnerScope::Owner { domain, owner } => {
                (domain, "AND outcome.owner = ?4 AND ?5 IS NULL", Some(owner.clone()), None)
            }
            OwnerScope::Route { domain, selector } => {
                let (from, to) = OwnerScope::route_range(selector);
                (domain, "AND outcome.owner >= ?4 AND outcome.owner < ?5", Some(from), Some(to))
            }
        };
        let sql = format!(
            "SELECT outcome.number AS number, outcome.owner AS owner, trans_id, {}
             FROM outcome JOIN operation USING (number)
             WHERE handed_over = 0 AND outcome.owner_domain = ?1 {only} AND outcome.number > ?2
             ORDER BY outcome.number LIMIT ?3",
            outcome_columns!()
        );
        let mut statement = connection.prepare_cached(&sql)?;
        let found = statement.query_map(params![domain, after, rows(limit), from, to], |row| {
            Ok(KeptAnswer {
                number: row.get("number")?,
                owner: row.get("owner")?,
                trans_id: row.get("trans_id")?,
                outcome: outcome(row)?,
            })
        })?;
        for answer in found {
            answers.push(answer?);
        }
        answers.sort_unstable_by_key(|answer| answer.number);
        answers.dedup_by_key(|answer| answer.number);
        answers.truncate(limit);
    }
    Ok(answers)
}

/// One page; its last row may take it beyond [`PAGE_OCTETS`].
pub(super) fn unsettled(connection: &Connection, gateway: i64, after: i64) -> Result<Vec<Unsettled>> {
    let mut statement = connection.prepare_cached(
        "SELECT operation.*, content, metadata FROM body CROSS JOIN operation USING (number)
         WHERE body.number > ?1 AND held_by = ?2
           AND NOT EXISTS (SELECT 1 FROM outcome WHERE outcome.number = body.number)
         ORDER BY body.number LIMIT ?3",
    )?;
    let mut found = statement.query(params![after, gateway, rows(PAGE_ROWS)])?;
    let (mut page, mut octets) = (Vec::new(), 0);
    while octets < PAGE_OCTETS
        && let Some(row) = found.next()?
    {
        let acceptance = acceptance(row)?;
        octets += acceptance.content.len();
        let attempt = attempts(connection, row)?.pop();
        page.push(Unsettled { acceptance, attempt });
    }
    Ok(page)
}

pub(super) fn find_leg(connection: &Connection, leg: &str) -> Result<Vec<Story>> {
    stories(
        connection,
        concat!("SELECT number FROM (", numbers_of_leg!(), " ORDER BY number DESC LIMIT ?2) ORDER BY number"),
        params![leg, rows(STORIES)],
    )
}

pub(super) fn trace(connection: &Connection, text: &str) -> Result<Vec<Story>> {
    stories(
        connection,
        concat!(
            "SELECT number FROM (
                SELECT number FROM operation WHERE id = ?1 UNION SELECT number FROM operation WHERE trans_id = ?1
                UNION ",
            numbers_of_leg!(),
            " ORDER BY number DESC LIMIT ?2) ORDER BY number"
        ),
        params![text, rows(STORIES)],
    )
}

pub(super) fn story_of(connection: &Connection, number: i64) -> Result<Option<Story>> {
    let found = stories(connection, "SELECT number FROM operation WHERE number = ?1", params![number])?;
    Ok(found.into_iter().next())
}

pub(super) fn queue(connection: &Connection, limit: usize) -> Result<Vec<Story>> {
    stories(
        connection,
        "SELECT number FROM body WHERE NOT EXISTS (SELECT 1 FROM outcome WHERE outcome.number = body.number)
         ORDER BY number LIMIT ?1",
        params![rows(limit)],
    )
}

pub(super) fn last_number(connection: &Connection) -> Result<i64> {
    connection.query_row("SELECT coalesce(max(number), 0) FROM operation", [], |row| row.get(0))
}

pub(super) fn alias_of(connection: &Connection, space: &str, address: &str) -> Result<Option<AliasRow>> {
    connection
        .prepare_cached("SELECT * FROM alias WHERE space = ?1 AND address = ?2")?
        .query_row([space, address], alias)
        .optional()
}

pub(super) fn alias_named(connection: &Connection, space: &str, name: &str) -> Result<Option<AliasRow>> {
    connection
        .prepare_cached("SELECT * FROM alias WHERE space = ?1 AND name = ?2")?
        .query_row([space, name], alias)
        .optional()
}

pub(super) fn aliases(
    connection: &Connection,
    space: &str,
    name: &str,
    limit: usize,
) -> Result<Vec<AliasRow>> {
    connection
        .prepare_cached("SELECT * FROM alias WHERE (space, name) > (?1, ?2) ORDER BY space, name LIMIT ?3")?
        .query_map(params![space, name, rows(limit)], alias)?
        .collect()
}

pub(super) fn note(connection: &Connection, space: &str, key: &str, now: i64) -> Result<Option<Bytes>> {
    connection
        .prepare_cached(
            "SELECT value FROM note WHERE space = ?1 AND key = ?2 AND (expires_at IS NULL OR expires_at > ?3)",
        )?
        .query_row(params![space, key, now], |row| Ok(row.get::<_, Vec<u8>>(0)?.into()))
        .optional()
}

pub(super) fn notes(
    connection: &Connection,
    space: &str,
    after: &str,
    limit: usize,
    now: i64,
) -> Result<Vec<(String, Bytes)>> {
    connection
        .prepare_cached(
            "SELECT key, value FROM note
             WHERE space = ?1 AND key > ?2 AND (expires_at IS NULL OR expires_at > ?4)
             ORDER BY key LIMIT ?3",
        )?
        .query_map(params![space, after, rows(limit), now], |row| {
            Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?.into()))
        })?
        .collect()
}

pub(super) fn seen(connection: &Connection, address: &str) -> Result<bool> {
    connection.prepare_cached("SELECT 1 FROM seen WHERE address = ?1")?.exists([address])
}

/// The stories of the operations whose numbers `sql` selects.
fn stories(connection: &Connection, sql: &str, params: impl Params) -> Result<Vec<Story>> {
    let mut select = connection.prepare_cached(sql)?;
    let mut tell = connection.prepare_cached(concat!(
        "SELECT operation.*, ",
        outcome_columns!(),
        " FROM operation LEFT JOIN outcome USING (number) WHERE operation.number = ?1"
    ))?;
    let numbers: Vec<i64> = select.query_map(params, |row| row.get(0))?.collect::<Result<_>>()?;
    numbers.iter().map(|number| tell.query_row([number], |row| story(connection, row))).collect()
}

fn story(connection: &Connection, row: &Row<'_>) -> Result<Story> {
    Ok(Story {
        number: row.get("number")?,
        id: row.get("id")?,
        owner: row.get("owner")?,
        trans_id: row.get("trans_id")?,
        kind: row.get::<_, String>("kind")?.into(),
        source: row.get("source")?,
        destination: row.get("destination")?,
        octets: row.get::<_, i64>("octets")?.unsigned_abs(),
        hops: row.get("hops")?,
        via: row.get("via")?,
        wait_until: row.get("wait_until")?,
        standing: row.get("standing")?,
        accepted_at: row.get("accepted_at")?,
        attempts: attempts(connection, row)?,
        steps: row.get("steps")?,
        settled: settled(row)?,
    })
}

fn acceptance(row: &Row<'_>) -> Result<Acceptance> {
    Ok(Acceptance {
        number: row.get("number")?,
        id: row.get("id")?,
        owner: row.get("owner")?,
        owner_domain: row.get("owner_domain")?,
        trans_id: row.get("trans_id")?,
        digest: row.get("digest")?,
        kind: row.get::<_, String>("kind")?.into(),
        source: row.get("source")?,
        destination: row.get("destination")?,
        source_key: row.get("source_key")?,
        destination_key: row.get("destination_key")?,
        content: row.get::<_, Vec<u8>>("content")?.into(),
        metadata: row.get("metadata")?,
        hops: row.get("hops")?,
        via: row.get("via")?,
        wait_until: row.get("wait_until")?,
        standing: row.get("standing")?,
        accepted_at: row.get("accepted_at")?,
        intent: None,
        steps: row.get("steps")?,
    })
}

/// The attempts at the operation in `row`: the one accepted with it, then the later ones.
fn attempts(connection: &Connection, row: &Row<'_>) -> Result<Vec<Attempt>> {
    let mut attempts = Vec::new();
    if let Some(leg) = row.get("leg")? {
        let intent = Intent { leg, hop: row.get("hop")?, recall_until: row.get("recall_until")? };
        attempts.push(Attempt { intent, at: row.get("accepted_at")? });
    }
    let mut later = connection
        .prepare_cached("SELECT leg, hop, recall_until, at FROM attempt WHERE number = ?1 ORDER BY turn")?;
    let found = later.query_map([row.get::<_, i64>("number")?], |row| {
        let intent = Intent { leg: row.get(0)?, hop: row.get(1)?, recall_until: row.get(2)? };
        Ok(Attempt { intent, at: row.get(3)? })
    })?;
    for attempt in found {
        attempts.push(attempt?);
    }
    Ok(attempts)
}

/// The outcome in a row to which one may or may not have been joined.
fn settled(row: &Row<'_>) -> Result<Option<Settled>> {
    let Some(at) = row.get("settled_at")? else {
        return Ok(None);
    };
    Ok(Some(Settled {
        outcome: outcome(row)?,
        at,
        handed_over: row.get("handed_over")?,
        steps: row.get("outcome_steps")?,
    }))
}

fn outcome(row: &Row<'_>) -> Result<Outcome> {
    Ok(Outcome {
        status: row.get::<_, String>("status")?.into(),
        code: row.get::<_, Option<String>>("code")?.map(Into::into),
        text: row.get("text")?,
        lang: row.get("lang")?,
        duration: row.get("duration")?,
        subscript_id: row.get("subscript_id")?,
    })
}

fn alias(row: &Row<'_>) -> Result<AliasRow> {
    Ok(AliasRow {
        space: row.get("space")?,
        name: row.get("name")?,
        address: row.get("address")?,
        first_used: row.get("first_used")?,
        last_used: row.get("last_used")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without its index, each late response would be a search through the whole history.
    #[test]
    fn a_leg_is_looked_for_in_its_index() {
        let connection = Connection::open_in_memory().unwrap();
        super::super::open::MIGRATIONS.iter().for_each(|step| connection.execute_batch(step).unwrap());
        let sql = concat!("EXPLAIN QUERY PLAN ", numbers_of_leg!());
        let mut plan = connection.prepare(sql).unwrap();
        let steps = plan.query_map(["1"], |row| row.get::<_, String>(3)).unwrap();
        let steps: Vec<String> = steps.collect::<Result<_>>().unwrap();
        for index in ["operation_leg (<expr>=? AND leg=?)", "attempt_leg (<expr>=? AND leg=?)"] {
            assert!(steps.iter().any(|step| step.ends_with(index)), "{steps:?}");
        }
    }
}
