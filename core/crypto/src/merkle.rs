//! A Merkle tree over a growing list, with proofs that an entry is in it and that it only ever grew.
//!
//! Hashing and proofs as in RFC 9162 §2.1 (the same as RFC 6962 §2.1): a leaf is SHA-256 of `00` and its data, a
//! node SHA-256 of `01` and its two children, and a list of n splits at the largest power of two below n.
//!
//! The oldest entries may be known as the roots of complete subtrees only ([`MerkleTree::resume`]): that is enough
//! for every later root and for every proof that begins behind them.

use alloc::vec::Vec;

use ring::digest;

/// A hash of the tree.
pub type TreeHash = [u8; 32];

/// The hash of a leaf.
pub fn leaf_hash(data: &[u8]) -> TreeHash {
    hash(&[&[0], data])
}

/// A list whose tree can be asked for its root and for proofs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MerkleTree {
    /// Roots of the complete subtrees of the oldest entries, left to right.
    peaks: Vec<TreeHash>,
    /// How many entries those stand for.
    hidden: u64,
    /// Leaf hashes of the rest.
    leaves: Vec<TreeHash>,
}

impl MerkleTree {
    /// A tree whose first `size` entries are known by their [`MerkleTree::peaks`] only; `None` if so many entries
    /// have another number of peaks.
    pub fn resume(size: u64, peaks: Vec<TreeHash>) -> Option<Self> {
        let fits = u32::try_from(peaks.len()).ok() == Some(size.count_ones());
        fits.then_some(Self {
            peaks,
            hidden: size,
            leaves: Vec::new(),
        })
    }

    /// Adds an entry.
    pub fn push(&mut self, data: &[u8]) {
        self.leaves.push(leaf_hash(data));
    }

    /// How many entries there are.
    pub fn size(&self) -> u64 {
        let known = u64::try_from(self.leaves.len()).unwrap_or(u64::MAX);
        self.hidden.saturating_add(known)
    }

    /// The root over all entries; of none it is the hash of nothing.
    pub fn root(&self) -> TreeHash {
        // Nothing hidden is needed for the root over everything.
        self.root_of(self.size()).unwrap_or_default()
    }

    /// The root over the first `size` entries; `None` if there are fewer, or if what is hidden would be needed.
    pub fn root_of(&self, size: u64) -> Option<TreeHash> {
        match size {
            0 => Some(hash(&[])),
            size if size <= self.size() => self.subtree(0, size),
            _ => None,
        }
    }

    /// The roots of the complete subtrees over all entries, left to right: one for each bit of the size.
    pub fn peaks(&self) -> Vec<TreeHash> {
        let mut from = 0_u64;
        let widths = (0..u64::BITS).rev().map(|bit| 1_u64 << bit);
        let size = self.size();
        let mut peaks = Vec::new();
        for width in widths.filter(|width| size & width != 0) {
            peaks.extend(self.subtree(from, from.saturating_add(width)));
            from = from.saturating_add(width);
        }
        peaks
    }

    /// The proof that the entry at `index` is in the tree; `None` if there is none or it is hidden.
    pub fn inclusion_proof(&self, index: u64) -> Option<Vec<TreeHash>> {
        let size = self.size();
        if index >= size || index < self.hidden {
            return None;
        }
        let mut proof = Vec::new();
        let (mut from, mut to) = (0, size);
        while to.saturating_sub(from) > 1 {
            let middle = split(from, to);
            if index < middle {
                proof.push(self.subtree(middle, to)?);
                to = middle;
            } else {
                proof.push(self.subtree(from, middle)?);
                from = middle;
            }
        }
        proof.reverse();
        Some(proof)
    }

    /// The proof that this tree begins with the first `old_size` entries as they were; `None` if it is smaller, or
    /// if what is hidden would be needed.
    pub fn consistency_proof(&self, old_size: u64) -> Option<Vec<TreeHash>> {
        let size = self.size();
        if old_size > size {
            return None;
        }
        if old_size == 0 || old_size == size {
            return Some(Vec::new());
        }
        let mut proof = Vec::new();
        let (mut from, mut to) = (0, size);
        // Whether the part looked at begins the old tree too, so that its verifier knows the root itself.
        let mut whole = true;
        while old_size != to {
            let middle = split(from, to);
            if old_size <= middle {
                proof.push(self.subtree(middle, to)?);
                to = middle;
            } else {
                proof.push(self.subtree(from, middle)?);
                from = middle;
                whole = false;
            }
        }
        if !whole {
            proof.push(self.subtree(from, to)?);
        }
        proof.reverse();
        Some(proof)
    }

    /// The root over a range; `None` if it would need what is hidden.
    fn subtree(&self, from: u64, to: u64) -> Option<TreeHash> {
        if to <= self.hidden {
            return self.peak(from, to);
        }
        if to.saturating_sub(from) == 1 {
            let index = usize::try_from(from.checked_sub(self.hidden)?).ok()?;
            return self.leaves.get(index).copied();
        }
        let middle = split(from, to);
        Some(node_hash(
            &self.subtree(from, middle)?,
            &self.subtree(middle, to)?,
        ))
    }

    /// The root over a range of hidden entries: one of the peaks, or several of them joined.
    fn peak(&self, from: u64, to: u64) -> Option<TreeHash> {
        let mut at = 0_u64;
        let widths = (0..u64::BITS).rev().map(|bit| 1_u64 << bit);
        for (peak, width) in self
            .peaks
            .iter()
            .zip(widths.filter(|width| self.hidden & width != 0))
        {
            if (at, at.saturating_add(width)) == (from, to) {
                return Some(*peak);
            }
            at = at.saturating_add(width);
        }
        if to.saturating_sub(from) < 2 {
            return None;
        }
        let middle = split(from, to);
        Some(node_hash(&self.peak(from, middle)?, &self.peak(middle, to)?))
    }
}

/// Whether a proof shows that the leaf is the entry at `index` of the tree with this size and root.
pub fn includes(leaf: &TreeHash, index: u64, size: u64, root: &TreeHash, proof: &[TreeHash]) -> bool {
    if index >= size {
        return false;
    }
    let (mut node, mut last) = (index, size.saturating_sub(1));
    let mut hash = *leaf;
    for other in proof {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(other, &hash);
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            hash = node_hash(&hash, other);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    last == 0 && hash == *root
}

/// Whether a proof shows that the later tree begins with the earlier one. Every tree begins with the empty one.
pub fn grew(earlier: (u64, &TreeHash), later: (u64, &TreeHash), proof: &[TreeHash]) -> bool {
    let ((old_size, old_root), (size, root)) = (earlier, later);
    if old_size == 0 || old_size >= size {
        return proof.is_empty() && (old_size == 0 || (old_size == size && old_root == root));
    }
    let (mut node, mut last) = (old_size.saturating_sub(1), size.saturating_sub(1));
    while node & 1 == 1 {
        (node, last) = (node >> 1, last >> 1);
    }
    // The verifier knows the root of a complete old tree: it is not in the proof.
    let (first, rest) = if old_size.is_power_of_two() {
        (old_root, proof)
    } else {
        match proof.split_first() {
            Some(split) => split,
            None => return false,
        }
    };
    let (mut old, mut new) = (*first, *first);
    for other in rest {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            old = node_hash(other, &old);
            new = node_hash(other, &new);
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            new = node_hash(&new, other);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    last == 0 && old == *old_root && new == *root
}

/// Where a range of more than one entry splits: after the largest power of two below its length.
fn split(from: u64, to: u64) -> u64 {
    let below = to.saturating_sub(from).saturating_sub(1).max(1);
    from.saturating_add(1 << below.ilog2())
}

fn node_hash(left: &TreeHash, right: &TreeHash) -> TreeHash {
    hash(&[&[1], left, right])
}

fn hash(parts: &[&[u8]]) -> TreeHash {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
    }
    let mut hash = [0; 32];
    hash.iter_mut()
        .zip(context.finish().as_ref())
        .for_each(|(to, from)| *to = *from);
    hash
}

#[cfg(test)]
mod tests;
