//! The terminal around the flow: its hardware key, its disk, its folder after a power cut.

use softpos_crypto::entropy::Entropy;
use softpos_crypto::merkle::MerkleTree;
use softpos_crypto::p256_key::{SoftwareKey, sha256};
use softpos_flow::{Anchor, Device, Flow, Opening};
use softpos_journal::{Entry, Ledger};
use softpos_types::{Now, PaymentKey, SecretArray, SecretBytes};

use crate::chance::Chance;

/// What outlives a power cut.
pub(crate) struct Disk {
    /// Kind and payload; the first has sequence 1.
    records: Vec<(u8, Vec<u8>)>,
    hashes: Vec<[u8; 32]>,
    head: [u8; 32],
    pub(crate) keys: Option<Vec<u8>>,
    /// The highest PIN and data counters of records that are lost.
    watermark: (u32, u32),
}

pub(crate) struct Till {
    pub(crate) device_key: SoftwareKey,
    pub(crate) disk: Disk,
    pub(crate) flow: Flow,
    /// How many records the flow has heard of.
    pub(crate) acknowledged: usize,
    /// Everything the flow has heard of, with the payments that left its memory.
    pub(crate) whole: Ledger,
    chance: Chance,
}

impl Disk {
    /// Writes and syncs: sequence and hash.
    pub(crate) fn append(&mut self, kind: u8, payload: Vec<u8>) -> (u64, [u8; 32]) {
        let mut chained = self.head.to_vec();
        chained.push(kind);
        chained.extend(&payload);
        self.head = sha256(&chained);
        self.records.push((kind, payload));
        self.hashes.push(self.head);
        (self.sequence(), self.head)
    }

    fn sequence(&self) -> u64 {
        u64::try_from(self.records.len()).unwrap_or(u64::MAX)
    }

    fn entries(&self, count: usize) -> impl Iterator<Item = (u64, Entry)> {
        (1..).zip(self.records.iter().take(count).map(|(kind, payload)| {
            Entry::from_bytes(*kind, payload)
                .expect("the till reads what it wrote")
                .expect("of a kind it knows")
        }))
    }

    /// What the first so many records say.
    pub(crate) fn fold(&self, count: usize) -> Ledger {
        self.fold_into(Ledger::default(), count)
    }

    /// The same, with the payments of closed batches.
    pub(crate) fn fold_whole(&self, count: usize) -> Ledger {
        self.fold_into(Ledger::whole(), count)
    }

    fn fold_into(&self, mut ledger: Ledger, count: usize) -> Ledger {
        for (sequence, entry) in self.entries(count) {
            ledger.apply(sequence, entry);
        }
        ledger
    }

    /// One record.
    pub(crate) fn entry(&self, sequence: u64) -> Option<Entry> {
        self.entries(self.len())
            .find(|(at, _)| *at == sequence)
            .map(|(_, entry)| entry)
    }

    /// The head of the tree over everything, and its proof.
    pub(crate) fn anchor(&self, since: u64) -> Anchor {
        let mut tree = MerkleTree::default();
        self.hashes.iter().for_each(|hash| tree.push(hash));
        Anchor {
            sequence: self.sequence(),
            head: self.head,
            root: tree.root(),
            proof: tree.consistency_proof(since).unwrap_or_default(),
        }
    }

    /// Whether a request's body stands in one of the first so many records, as the payment's own or as its
    /// reversal.
    pub(crate) fn holds(&self, count: usize, key: PaymentKey, body: &[u8]) -> bool {
        self.entries(count).any(|(_, entry)| {
            let (of, request, reversal) = match entry {
                Entry::Started(started) => (started.key, started.request, started.reversal),
                Entry::Moved(moved) => (moved.key, moved.request, moved.reversal),
                Entry::Reprinted(_)
                | Entry::Settling(_)
                | Entry::Settled(_)
                | Entry::Activation(_)
                | Entry::Parameters(_)
                | Entry::Attested(_)
                | Entry::KeysLoaded(_)
                | Entry::Checkpoint(_)
                | Entry::Archived(_)
                | Entry::Restored(_) => return false,
            };
            of == key
                && [request, reversal]
                    .into_iter()
                    .flatten()
                    .any(|image| image.body == body)
        })
    }

    pub(crate) fn holds_settlement(&self, count: usize, body: &[u8]) -> bool {
        self.entries(count)
            .any(|(_, entry)| matches!(entry, Entry::Settling(settling) if settling.request.body == body))
    }

    /// The last record cannot be read any more. Its counters stand apart, as they do in the store.
    pub(crate) fn damage_last(&mut self) {
        let ledger = self.fold(self.len());
        let (pin, data) = self.watermark;
        self.watermark = (pin.max(ledger.pin_counter), data.max(ledger.data_counter));
        self.records.pop();
        self.hashes.pop();
    }

    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }
}

impl Till {
    pub(crate) fn new(seed: u64, now: Now) -> Self {
        let mut chance = Chance::new(seed ^ 0x7111);
        let mut entropy = Entropy::from_seed(SecretArray::take(&mut chance.bytes()));
        let device_key = SoftwareKey::generate(&mut entropy);
        let disk = Disk {
            records: Vec::new(),
            hashes: Vec::new(),
            head: [0; 32],
            keys: None,
            watermark: (0, 0),
        };
        let flow = open(&device_key, &disk, &mut chance, now);
        Self {
            device_key,
            disk,
            flow,
            acknowledged: 0,
            whole: Ledger::whole(),
            chance,
        }
    }

    /// Starts again from the disk.
    pub(crate) fn restart(&mut self, now: Now) {
        self.flow = open(&self.device_key, &self.disk, &mut self.chance, now);
        self.acknowledged = self.disk.len();
        self.whole = self.disk.fold_whole(self.acknowledged);
    }
}

fn open(device_key: &SoftwareKey, disk: &Disk, chance: &mut Chance, now: Now) -> Flow {
    let spki = device_key.public().spki().to_vec();
    let mut ledger = disk.fold(disk.len());
    let (pin, data) = disk.watermark;
    ledger.pin_counter = ledger.pin_counter.max(pin);
    ledger.data_counter = ledger.data_counter.max(data);
    Flow::new(Opening {
        device: Device::new(spki, "simulated".into(), "0.1.0".into()).expect("a P-256 key"),
        ledger,
        head: (disk.sequence(), disk.head),
        keys: disk.keys.clone().map(SecretBytes::new),
        anchors: None,
        entropy: Entropy::from_seed(SecretArray::take(&mut chance.bytes())),
        now,
    })
}
