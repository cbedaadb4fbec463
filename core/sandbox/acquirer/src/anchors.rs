//! The terminals' journals as they were at each settlement: none may lose or change what was anchored before.

use softpos_crypto::merkle::{TreeHash, grew};
use softpos_host::{JournalVerdict, SettleRequest};

use crate::call::{Failure, malformed};
use crate::database::{Work, next_number};

/// More hashes than any proof over 2^64 records has.
const MOST_PROOF_HASHES: usize = 128;

/// Compares the journal's head with the one anchored before, and anchors it. A journal in dispute is anchored too: what
/// comes after is judged from there, and the verdict stays in the books.
pub(crate) async fn judge(work: &mut Work, request: &SettleRequest) -> Result<JournalVerdict, Failure> {
    let root = tree_hash(&request.journal_root)?;
    let proof = proof(&request.journal_proof)?;
    let size = i64::try_from(request.journal_sequence).map_err(|_| malformed("the journal's sequence"))?;
    let before: Option<(i64, String)> =
        sqlx::query_as("SELECT size, root FROM anchors WHERE terminal = $1 ORDER BY number DESC LIMIT 1")
            .bind(request.terminal.as_str())
            .fetch_optional(&mut **work)
            .await?;
    let consistent = match before {
        None => request.journal_since == 0 && proof.is_empty(),
        Some((old_size, old_root)) => {
            let stored = || Failure::Internal("a stored anchor");
            let old_size = u64::try_from(old_size).map_err(|_| stored())?;
            let old_root = hex::decode(old_root).map_err(|_| stored())?;
            let old_root: TreeHash = old_root.try_into().map_err(|_| stored())?;
            request.journal_since == old_size
                && grew((old_size, &old_root), (request.journal_sequence, &root), &proof)
        }
    };
    let (verdict, word) = if consistent {
        (JournalVerdict::Consistent, "consistent")
    } else {
        (JournalVerdict::Disputed, "disputed")
    };
    let number = next_number(work, "anchor").await?;
    sqlx::query(
        "INSERT INTO anchors (number, terminal, batch, size, root, verdict) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(number)
    .bind(request.terminal.as_str())
    .bind(i64::from(request.batch.value()))
    .bind(size)
    .bind(hex::encode(root))
    .bind(word)
    .execute(&mut **work)
    .await?;
    Ok(verdict)
}

fn tree_hash(bytes: &[u8]) -> Result<TreeHash, Failure> {
    bytes.try_into().map_err(|_| malformed("the journal's root"))
}

fn proof(bytes: &[u8]) -> Result<Vec<TreeHash>, Failure> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    if rest.is_empty() && hashes.len() <= MOST_PROOF_HASHES {
        Ok(hashes.to_vec())
    } else {
        Err(malformed("the journal's proof"))
    }
}
