//! Every string that separates one use of key material from another, in one place.

/// The start of the key-load transcript.
pub(crate) const KEY_LOAD: &str = "softpos/v1/key-load";
/// The key block protection key of the PIN key.
pub(crate) const KBPK_PIN: &str = "softpos/v1/kbpk/pin";
/// The key block protection key of the data key.
pub(crate) const KBPK_DATA: &str = "softpos/v1/kbpk/data";
/// The phone's confirmation of a key load.
pub(crate) const CONFIRM: &str = "softpos/v1/confirm";
/// One epoch of sealing at rest.
pub(crate) const EPOCH: &str = "softpos/v1/epoch";
/// Purpose keys under the storage root.
pub(crate) const JOURNAL: &str = "softpos/v1/journal";
pub(crate) const INDEX: &str = "softpos/v1/index";
pub(crate) const DUKPT: &str = "softpos/v1/dukpt";
pub(crate) const AUDIT: &str = "softpos/v1/audit";
pub(crate) const LOOKUP: &str = "softpos/v1/lookup";
pub(crate) const EXPORT: &str = "softpos/v1/export";

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;
    use alloc::vec::Vec;

    /// The list is read from this file, so that a new label cannot be forgotten here.
    #[test]
    fn no_two_are_equal() {
        let (constants, _) = include_str!("labels.rs").split_once("#[cfg(test)]").unwrap();
        let labels: Vec<_> = constants
            .split("&str = \"")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap())
            .collect();
        assert_eq!(labels.len(), constants.matches("const ").count());
        assert_eq!(labels.len(), labels.iter().collect::<BTreeSet<_>>().len());
        assert!(labels.iter().all(|label| label.starts_with("softpos/v1/")));
        assert_eq!(labels.len(), 11);
    }
}
