//! The writer's statements, prepared once.

use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, OptionalExtension, Params, Result, Statement, params};

use super::leases::LeaseStatements;
use crate::store::retention::{SEEN_AGAIN_MS, is_remembered};
use crate::store::write::{Acceptance, Done, Intent, Kept, Outcome, Verdict, Write};

/// Everything the writer does to the file, within the transaction that it has begun.
pub(super) struct Statements<'c> {
    gateway: i64,
    fence: i64,
    remembers_s: u32,
    accept: Statement<'c>,
    body: Statement<'c>,
    first: Statement<'c>,
    release: Statement<'c>,
    looped: Statement<'c>,
    held: Statement<'c>,
    attempt: Statement<'c>,
    withdraw: Statement<'c>,
    withdraw_first: Statement<'c>,
    settle: Statement<'c>,
    settled: Statement<'c>,
    handed_over: Statement<'c>,
    alias_used: Statement<'c>,
    alias: Statement<'c>,
    unalias: Statement<'c>,
    note: Statement<'c>,
    add_note: Statement<'c>,
    forget_note: Statement<'c>,
    leases: LeaseStatements<'c>,
    seen: Statement<'c>,
    probe: Statement<'c>,
}

/// `number` is held by this gateway, in this run of it.
macro_rules! held {
    () => {
        "FROM operation WHERE number = ?1 AND held_by = ?2 AND fence = ?3"
    };
}

impl<'c> Statements<'c> {
    pub(super) fn new(
        connection: &'c Connection,
        gateway: i64,
        fence: i64,
        remembers_s: u32,
    ) -> Result<Self> {
        Ok(Self {
            gateway,
            fence,
            remembers_s,
            accept: connection.prepare(
                "INSERT INTO operation (number, held_by, fence, id, owner_domain, owner, trans_id, digest, kind,
                    source, source_key, destination, destination_key, octets, hops, via, wait_until, standing,
                    accepted_at, leg, hop, recall_until, steps)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
                    ?21, ?22, ?23)
                 ON CONFLICT DO NOTHING",
            )?,
            body: connection.prepare("INSERT INTO body (number, content, metadata) VALUES (?1, ?2, ?3)")?,
            first: connection.prepare(
                "SELECT number, settled_at, handed_over FROM operation LEFT JOIN outcome USING (number)
                 WHERE trans_id = ?1 AND operation.owner = ?2 AND digest = ?3",
            )?,
            release: connection.prepare("UPDATE operation SET digest = NULL WHERE number = ?1")?,
            looped: connection.prepare("SELECT 1 FROM operation WHERE id = ?1 AND destination_key = ?2")?,
            // Not INSERT with SELECT: what may be many rows has a savepoint of its own, which costs as much as the row.
            held: connection.prepare(concat!("SELECT owner_domain, owner ", held!()))?,
            attempt: connection.prepare(
                "INSERT INTO attempt (number, turn, leg, hop, recall_until, at)
                 VALUES (?1, 1 + (SELECT coalesce(max(turn), 0) FROM attempt WHERE number = ?1), ?2, ?3, ?4, ?5)",
            )?,
            withdraw: connection
                .prepare(concat!("DELETE FROM attempt WHERE number IN (SELECT number ", held!(), ")"))?,
            withdraw_first: connection.prepare(
                "UPDATE operation SET leg = NULL, hop = NULL, recall_until = NULL
                 WHERE number = ?1 AND held_by = ?2 AND fence = ?3 AND leg IS NOT NULL",
            )?,
            settle: connection.prepare(
                "INSERT INTO outcome (number, owner_domain, owner, settled_at, status, code, text, lang, duration,
                    subscript_id, steps)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
                 ON CONFLICT DO NOTHING",
            )?,
            settled: connection.prepare("SELECT 1 FROM outcome WHERE number = ?1")?,
            handed_over: connection
                .prepare("UPDATE outcome SET handed_over = 1 WHERE number = ?1 AND handed_over = 0")?,
            alias_used: connection.prepare(
                "UPDATE alias SET last_used = max(last_used, ?3) WHERE space = ?1 AND address = ?2 RETURNING name",
            )?,
            alias: connection.prepare(
                "INSERT INTO alias (space, name, address, first_used, last_used) VALUES (?1, ?2, ?3, ?4, ?4)
                 ON CONFLICT DO NOTHING",
            )?,
            unalias: connection.prepare("DELETE FROM alias WHERE space = ?1 AND name = ?2")?,
            note: connection.prepare(
                "INSERT INTO note (space, key, value, expires_at) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (space, key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at",
            )?,
            add_note: connection.prepare(
                "INSERT INTO note (space, key, value, expires_at) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (space, key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at
                 WHERE note.expires_at <= ?5",
            )?,
            forget_note: connection.prepare("DELETE FROM note WHERE space = ?1 AND key = ?2")?,
            leases: LeaseStatements::new(connection, gateway, fence)?,
            seen: connection.prepare(
                "INSERT INTO seen (address, domain, first_seen, last_seen) VALUES (?1, ?2, ?3, ?3)
                 ON CONFLICT (address) DO UPDATE SET last_seen = excluded.last_seen
                 WHERE excluded.last_seen - last_seen >= ?4",
            )?,
            probe: connection.prepare("UPDATE gateway SET probed = probed + 1 WHERE gateway = ?1")?,
        })
    }

    /// Performs one write.
    pub(super) fn perform(&mut self, write: &Write) -> Result<Option<Done>> {
        match write {
            Write::Accept(acceptance) => self.accept(acceptance).map(Some),
            Write::AddNote { ticket, space, key, value, expires_at, at } => {
                let added = self.add_note.execute(params![space, key, value.as_ref(), expires_at, at])?;
                let kept = if added > 0 { Kept::Now } else { Kept::Before };
                Ok(Some(Done::Noted { ticket: *ticket, kept }))
            }
            Write::Alias { space, address, candidates, at } => {
                let name = self.alias(space, address, candidates, *at)?;
                Ok(Some(Done::Aliased { space: space.clone(), address: address.clone(), name }))
            }
            Write::Attempt { number, intent, at } => self.attempt(*number, intent, *at).map(Some),
            Write::Forget { space, key } => unanswered(&mut self.forget_note, params![space, key]),
            Write::HandedOver { number } => unanswered(&mut self.handed_over, params![number]),
            Write::Lease { ticket, lease } => {
                let kept = if self.leases.set(lease)? { Kept::Now } else { Kept::Not };
                Ok(Some(Done::Noted { ticket: *ticket, kept }))
            }
            Write::Note { ticket, space, key, value, expires_at } => {
                match value {
                    Some(value) => self.note.execute(params![space, key, value.as_ref(), expires_at])?,
                    None => self.forget_note.execute(params![space, key])?,
                };
                Ok(Some(Done::Noted { ticket: *ticket, kept: Kept::Now }))
            }
            Write::Seen { address, domain, at } => {
                unanswered(&mut self.seen, params![address, domain, at, SEEN_AGAIN_MS])
            }
            Write::Settle { number, outcome, at, steps, awaited: _ } => {
                self.settle(*number, outcome, *at, steps).map(Some)
            }
            Write::Told { watcher, presentity, digest } => {
                self.leases.told(watcher, presentity, *digest)?;
                Ok(None)
            }
            Write::Unalias { space, name } => unanswered(&mut self.unalias, params![space, name]),
            Write::Withdraw { number } => {
                self.withdraw.execute(params![number, self.gateway, self.fence])?;
                unanswered(&mut self.withdraw_first, params![number, self.gateway, self.fence])
            }
        }
    }

    /// Writes something that tells nobody anything, to see whether it can be written.
    pub(super) fn probe(&mut self) -> Result<()> {
        unanswered(&mut self.probe, params![self.gateway]).map(drop)
    }

    /// The common case is two statements; only a conflict is looked into.
    fn accept(&mut self, acceptance: &Acceptance) -> Result<Done> {
        let number = acceptance.number;
        let accepted = |verdict| Done::Accepted { number, verdict };
        if self.insert(acceptance)? {
            return Ok(accepted(Verdict::New));
        }
        let first = self
            .first
            .query_row(params![acceptance.trans_id, acceptance.owner, acceptance.digest], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?, row.get::<_, Option<bool>>(2)?))
            })
            .optional()?;
        if let Some((first, settled_at, handed_over)) = first {
            let remembered = settled_at.is_none_or(|settled_at| {
                is_remembered(settled_at, handed_over == Some(true), self.remembers_s, acceptance.accepted_at)
            });
            if remembered {
                return Ok(accepted(Verdict::Retransmission { first }));
            }
            self.release.execute([first])?;
            if self.insert(acceptance)? {
                return Ok(accepted(Verdict::New));
            }
        }
        let looped = self.looped.exists(params![acceptance.id, acceptance.destination_key])?;
        // Neither: the number was given before, which only a fault of the gateway's can bring about.
        Ok(if looped { accepted(Verdict::Loop) } else { Done::Failed { number } })
    }

    fn insert(&mut self, acceptance: &Acceptance) -> Result<bool> {
        let intent = acceptance.intent.as_ref();
        let inserted = self.accept.execute(params![
            acceptance.number,
            self.gateway,
            self.fence,
            acceptance.id,
            acceptance.owner_domain,
            acceptance.owner,
            acceptance.trans_id,
            acceptance.digest,
            acceptance.kind,
            acceptance.source,
            acceptance.source_key,
            acceptance.destination,
            acceptance.destination_key,
            i64::try_from(acceptance.content.len()).unwrap_or(i64::MAX),
            acceptance.hops,
            acceptance.via,
            acceptance.wait_until,
            acceptance.standing,
            acceptance.accepted_at,
            intent.map(|intent| intent.leg.as_str()),
            intent.map(|intent| intent.hop.as_str()),
            intent.and_then(|intent| intent.recall_until),
            acceptance.steps,
        ])?;
        if inserted == 0 {
            return Ok(false);
        }
        self.body.execute(params![acceptance.number, acceptance.content.as_ref(), acceptance.metadata])?;
        Ok(true)
    }

    fn attempt(&mut self, number: i64, intent: &Intent, at: i64) -> Result<Done> {
        if !self.held.exists(params![number, self.gateway, self.fence])? {
            return Ok(Done::Lost { number });
        }
        self.attempt.execute(params![number, intent.leg, intent.hop, intent.recall_until, at])?;
        Ok(Done::Attempted { number })
    }

    fn settle(&mut self, number: i64, outcome: &Outcome, at: i64, steps: &str) -> Result<Done> {
        let Self { held, settle, .. } = self;
        let written = held
            .query_row(params![number, self.gateway, self.fence], |row| {
                settle.execute(params![
                    number,
                    ToSqlOutput::Borrowed(row.get_ref(0)?),
                    ToSqlOutput::Borrowed(row.get_ref(1)?),
                    at,
                    outcome.status,
                    outcome.code,
                    outcome.text,
                    outcome.lang,
                    outcome.duration,
                    outcome.subscript_id,
                    steps,
                ])
            })
            .optional()?;
        if written.is_some_and(|rows| rows > 0) {
            return Ok(Done::Settled { number, first: true });
        }
        let before = self.settled.exists([number])?;
        Ok(if before { Done::Settled { number, first: false } } else { Done::Lost { number } })
    }

    fn alias(
        &mut self,
        space: &str,
        address: &str,
        candidates: &[String],
        at: i64,
    ) -> Result<Option<String>> {
        let known = self.alias_used.query_row(params![space, address, at], |row| row.get(0)).optional()?;
        if known.is_some() {
            return Ok(known);
        }
        for name in candidates {
            if self.alias.execute(params![space, name, address, at])? > 0 {
                return Ok(Some(name.clone()));
            }
        }
        Ok(None)
    }
}

fn unanswered(statement: &mut Statement<'_>, params: impl Params) -> Result<Option<Done>> {
    statement.execute(params)?;
    Ok(None)
}
