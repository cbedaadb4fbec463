//! Known answers of the certificate transparency project's own tests, and every small tree against a tree computed
//! from the definition.

use alloc::vec::Vec;

use super::*;

/// The entries and roots of the certificate transparency project's tests (`merkle_tree_test`).
const ENTRIES: [&str; 8] = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
];
const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];
const A: &str = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7";
const B: &str = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e";
const C: &str = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4";
const D: &str = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b";
const E: &str = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a";
const F: &str = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0";
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn tree(size: usize) -> MerkleTree {
    let mut tree = MerkleTree::default();
    for entry in &ENTRIES[..size] {
        tree.push(&hex::decode(entry).unwrap());
    }
    tree
}

fn numbered(size: u64) -> MerkleTree {
    let mut tree = MerkleTree::default();
    (0..size).for_each(|number| tree.push(&number.to_be_bytes()));
    tree
}

fn hexes(hashes: &[TreeHash]) -> Vec<alloc::string::String> {
    hashes.iter().map(hex::encode).collect()
}

#[test]
fn roots_and_proofs_are_the_published_ones() {
    assert_eq!(hex::encode(MerkleTree::default().root()), EMPTY);
    for (index, root) in ROOTS.iter().enumerate() {
        assert_eq!(hex::encode(tree(index + 1).root()), *root);
        let size = u64::try_from(index + 1).unwrap();
        assert_eq!(tree(8).root_of(size).map(hex::encode).as_deref(), Some(*root));
    }
    let eight = tree(8);
    assert_eq!(eight.root_of(9), None);
    assert_eq!(hexes(&eight.inclusion_proof(0).unwrap()), [A, B, C]);
    assert_eq!(hexes(&eight.inclusion_proof(5).unwrap()), [D, F, ROOTS[3]]);
    assert_eq!(hexes(&tree(3).inclusion_proof(2).unwrap()), [ROOTS[1]]);
    assert_eq!(hexes(&eight.consistency_proof(1).unwrap()), [A, B, C]);
    assert_eq!(hexes(&eight.consistency_proof(6).unwrap()), [E, F, ROOTS[3]]);
    assert_eq!(hexes(&tree(5).consistency_proof(2).unwrap()), [B, D]);
}

#[test]
fn every_proof_of_a_small_tree_holds_and_no_other() {
    for size in 1..=20 {
        let tree = numbered(size);
        let root = tree.root();
        for index in 0..size {
            let leaf = leaf_hash(&index.to_be_bytes());
            let proof = tree.inclusion_proof(index).unwrap();
            assert!(includes(&leaf, index, size, &root, &proof));
            assert!(!includes(&leaf_hash(b"other"), index, size, &root, &proof));
            // Under another number or size the same path cannot lead to another place.
            for other in (0..size).filter(|other| *other != index) {
                assert!(
                    !includes(&leaf, other, size, &root, &proof),
                    "{index} as {other} of {size}"
                );
            }
            for at in 0..proof.len() {
                let mut bad = proof.clone();
                bad[at][0] ^= 1;
                assert!(!includes(&leaf, index, size, &root, &bad));
                bad.remove(at);
                assert!(!includes(&leaf, index, size, &root, &bad));
            }
        }
        assert!(!includes(&leaf_hash(b""), size, size, &root, &[]) && tree.inclusion_proof(size).is_none());
    }
}

#[test]
fn a_tree_that_only_grew_proves_it_and_a_rewritten_one_cannot() {
    for size in 0..=20 {
        let (tree, root) = (numbered(size), numbered(size).root());
        for old_size in 0..=size {
            let old_root = numbered(old_size).root();
            let proof = tree.consistency_proof(old_size).unwrap();
            assert!(
                grew((old_size, &old_root), (size, &root), &proof),
                "{old_size} to {size}"
            );
            if old_size > 0 {
                let mut rewritten = old_root;
                rewritten[7] ^= 1;
                assert!(!grew((old_size, &rewritten), (size, &root), &proof));
                let mut other = root;
                other[7] ^= 1;
                assert!(!grew((old_size, &old_root), (size, &other), &proof));
            }
            for at in 0..proof.len() {
                let mut bad = proof.clone();
                bad[at][31] ^= 1;
                assert!(!grew((old_size, &old_root), (size, &root), &bad));
            }
            let mut longer = proof.clone();
            longer.push([0; 32]);
            assert!(!grew((old_size, &old_root), (size, &root), &longer));
        }
        assert!(tree.consistency_proof(size + 1).is_none());
        assert!(!grew((size + 1, &root), (size, &root), &[]));
    }
}

#[test]
fn peaks_stand_for_what_is_no_longer_there() {
    for hidden in 0..=12 {
        let peaks = numbered(hidden).peaks();
        for size in hidden..=20 {
            let mut short = MerkleTree::resume(hidden, peaks.clone()).unwrap();
            (hidden..size).for_each(|number| short.push(&number.to_be_bytes()));
            let whole = numbered(size);
            assert_eq!(
                (short.size(), short.root()),
                (size, whole.root()),
                "{hidden} of {size}"
            );
            assert_eq!(short.peaks(), whole.peaks());
            for old_size in hidden..=size {
                assert_eq!(
                    short.consistency_proof(old_size),
                    whole.consistency_proof(old_size)
                );
            }
            for index in hidden..size {
                assert_eq!(short.inclusion_proof(index), whole.inclusion_proof(index));
            }
            assert!((0..hidden).all(|index| short.inclusion_proof(index).is_none()));
        }
        let mut one_more = peaks;
        one_more.push([0; 32]);
        assert!(MerkleTree::resume(hidden, one_more).is_none());
    }
}
