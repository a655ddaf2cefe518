//! Forgetting, a bounded piece at a time.

use rusqlite::{Connection, Result, params};

use super::{leases, rows};
use crate::store::StoreError;
use crate::store::queue::PruneRequest;
use crate::store::retention::{PRUNE_ROWS, Pruned, Retention};

/// Goes through the operations again and again, a piece at each call, so that the ones that must stay are not
/// looked at each time.
#[derive(Debug, Default)]
pub(super) struct Pruner {
    /// The last operation examined; 0: begin with the oldest.
    cursor: i64,
}

impl Pruner {
    /// Does what is asked, and tells.
    pub(super) fn serve(&mut self, connection: &Connection, request: PruneRequest) {
        let pruned = self.prune(connection, request.now, request.retention);
        // Who asked may have stopped waiting.
        drop(request.reply.send(pruned.map_err(|error| StoreError::Failed(error.to_string()))));
    }

    fn prune(&mut self, connection: &Connection, now: i64, retention: Retention) -> Result<Pruned> {
        let transaction = connection.unchecked_transaction()?;
        let wiped = transaction
            .prepare_cached(
                "DELETE FROM body WHERE number IN (
                    SELECT number FROM body
                    WHERE EXISTS (SELECT 1 FROM outcome WHERE outcome.number = body.number) LIMIT ?1)",
            )?
            .execute([rows(PRUNE_ROWS)])?;
        let (forgotten, cursor) = self.forget(&transaction, now, retention)?;
        let unseen = transaction
            .prepare_cached(
                "DELETE FROM seen WHERE address IN (SELECT address FROM seen WHERE last_seen < ?1 LIMIT ?2)",
            )?
            .execute(params![retention.seen_horizon(now), rows(PRUNE_ROWS)])?;
        transaction
            .prepare_cached(
                "DELETE FROM note WHERE (space, key) IN (
                    SELECT space, key FROM note WHERE expires_at <= ?1 LIMIT ?2)",
            )?
            .execute(params![now, rows(PRUNE_ROWS)])?;
        let ended = leases::prune(&transaction, now, PRUNE_ROWS)?;
        transaction.commit()?;
        self.cursor = cursor;
        let more = wiped == PRUNE_ROWS || ended == PRUNE_ROWS || unseen == PRUNE_ROWS || cursor > 0;
        Ok(Pruned { wiped, forgotten, unseen, more })
    }

    /// Examines the next operations. Returns how many were forgotten and where to go on; 0 after the last one
    /// that is old enough. The newest always stays, so that numbers never go back.
    fn forget(&self, connection: &Connection, now: i64, retention: Retention) -> Result<(usize, i64)> {
        let mut examine = connection.prepare_cached(
            "SELECT number, accepted_at, settled_at, handed_over FROM operation LEFT JOIN outcome USING (number)
             WHERE number > ?1 AND number < (SELECT max(number) FROM operation) ORDER BY number LIMIT ?2",
        )?;
        let mut forget = connection.prepare_cached("DELETE FROM operation WHERE number = ?1")?;
        let mut old = Vec::new();
        let (mut examined, mut cursor) = (0, self.cursor);
        let mut found = examine.query(params![self.cursor, rows(PRUNE_ROWS)])?;
        while let Some(row) = found.next()? {
            if row.get::<_, i64>("accepted_at")? > retention.horizon(now) {
                examined = 0;
                break;
            }
            (examined, cursor) = (examined + 1, row.get("number")?);
            if let Some(settled_at) = row.get("settled_at")?
                && retention.may_forget(settled_at, row.get("handed_over")?, now)
            {
                old.push(cursor);
            }
        }
        drop(found);
        for number in &old {
            forget.execute([number])?;
        }
        Ok((old.len(), if examined == PRUNE_ROWS { cursor } else { 0 }))
    }
}
