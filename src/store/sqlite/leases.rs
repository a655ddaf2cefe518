//! Subscriptions in the file: every statement about them.

use rusqlite::{Connection, OptionalExtension, Result, Row, Statement, params};

use super::rows;
use crate::store::LeaseRow;

/// The writer's statements. None changes a lease of another gateway, nor anything once this run was taken over.
pub(super) struct LeaseStatements<'c> {
    gateway: i64,
    fence: i64,
    set: Statement<'c>,
    told: Statement<'c>,
}

impl<'c> LeaseStatements<'c> {
    pub(super) fn new(connection: &'c Connection, gateway: i64, fence: i64) -> Result<Self> {
        Ok(Self {
            gateway,
            fence,
            // One that began at another time is another one, of which nobody was told anything yet.
            set: connection.prepare(
                "INSERT INTO lease (held_by, fence, watcher, presentity, watcher_spelled, target_spelled, kind,
                    standing, since, until, id, far_id, far_until, ended, asked, forget_at)
                 SELECT gateway, fence, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16 FROM gateway
                 WHERE gateway = ?1 AND fence = ?2
                 ON CONFLICT (presentity, watcher) DO UPDATE SET
                    fence = excluded.fence,
                    watcher_spelled = excluded.watcher_spelled, target_spelled = excluded.target_spelled,
                    kind = excluded.kind, standing = excluded.standing,
                    told = CASE WHEN since = excluded.since THEN told END,
                    asked = CASE WHEN since = excluded.since THEN coalesce(excluded.asked, asked)
                        ELSE excluded.asked END,
                    since = excluded.since, until = excluded.until, id = excluded.id,
                    far_id = excluded.far_id, far_until = excluded.far_until, ended = excluded.ended,
                    forget_at = excluded.forget_at
                 WHERE held_by = excluded.held_by",
            )?,
            told: connection.prepare(
                "UPDATE lease SET told = ?5 WHERE watcher = ?3 AND presentity = ?4 AND held_by = ?1
                    AND EXISTS (SELECT 1 FROM gateway WHERE gateway = ?1 AND fence = ?2)",
            )?,
        })
    }

    /// Whether it was written.
    pub(super) fn set(&mut self, lease: &LeaseRow) -> Result<bool> {
        let (watcher, target) = lease.spelled.as_ref().map_or((None, None), |(a, b)| (Some(a), Some(b)));
        let written = self.set.execute(params![
            self.gateway,
            self.fence,
            lease.watcher,
            lease.presentity,
            watcher,
            target,
            lease.kind,
            lease.standing,
            lease.since,
            lease.until,
            lease.id,
            lease.far.as_ref().and_then(|(id, _)| id.as_ref()),
            lease.far.as_ref().map(|(_, until)| until),
            lease.ended,
            lease.asked,
            lease.forget_at,
        ])?;
        Ok(written > 0)
    }

    pub(super) fn told(&mut self, watcher: &str, presentity: &str, digest: i64) -> Result<()> {
        self.told.execute(params![self.gateway, self.fence, watcher, presentity, digest]).map(drop)
    }
}

pub(super) fn lease(connection: &Connection, watcher: &str, presentity: &str) -> Result<Option<LeaseRow>> {
    connection
        .prepare_cached("SELECT * FROM lease WHERE presentity = ?2 AND watcher = ?1")?
        .query_row([watcher, presentity], |row| Ok(read(row)?.1))
        .optional()
}

pub(super) fn leases(
    connection: &Connection,
    gateway: i64,
    after: i64,
    limit: usize,
) -> Result<Vec<(i64, LeaseRow)>> {
    connection
        .prepare_cached(
            "SELECT number, held_by, fence, watcher, presentity, watcher_spelled, target_spelled, kind, standing, since,
                until, id, far_id, far_until, ended, told, NULL, forget_at
             FROM lease WHERE number > ?1 AND held_by = ?2 ORDER BY number LIMIT ?3",
        )?
        .query_map(params![after, gateway, rows(limit)], read)?
        .collect()
}

/// How many there are, whoever holds them.
pub(super) fn held(connection: &Connection) -> Result<usize> {
    let count = connection.query_row("SELECT count(*) FROM lease", [], |row| row.get::<_, i64>(0))?;
    Ok(usize::try_from(count).unwrap_or_default())
}

/// Forgets some of those whose time has come. Returns how many.
pub(super) fn prune(connection: &Connection, now: i64, most: usize) -> Result<usize> {
    connection
        .prepare_cached(
            "DELETE FROM lease WHERE number IN (SELECT number FROM lease WHERE forget_at <= ?1 LIMIT ?2)",
        )?
        .execute(params![now, rows(most)])
}

/// By number, in the order of the table: a million of them are read at a start.
fn read(row: &Row<'_>) -> Result<(i64, LeaseRow)> {
    let spelled: Option<(String, String)> = row.get::<_, Option<String>>(5)?.zip(row.get(6)?);
    let far_until: Option<i64> = row.get(13)?;
    let lease = LeaseRow {
        watcher: row.get(3)?,
        presentity: row.get(4)?,
        spelled,
        kind: row.get::<_, String>(7)?.into(),
        standing: row.get::<_, String>(8)?.into(),
        since: row.get(9)?,
        until: row.get(10)?,
        id: row.get(11)?,
        far: match far_until {
            Some(until) => Some((row.get(12)?, until)),
            None => None,
        },
        ended: row.get::<_, Option<String>>(14)?.map(Into::into),
        told: row.get(15)?,
        asked: row.get(16)?,
        forget_at: row.get(17)?,
    };
    Ok((row.get(0)?, lease))
}
