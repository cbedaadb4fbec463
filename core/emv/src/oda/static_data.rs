//! The static data that certificates cover: flagged records in the order of reading, then what 9F4A names
//! (Book 3, 10.3).

use alloc::vec::Vec;
use core::fmt;

use softpos_types::SecretBytes;
use softpos_wire::tag;
use softpos_wire::tlv::Tlvs;

use super::{OdaCause, OdaFailure, OdaStep};

/// Records that are authenticated, collected while they are read. Holds card data, wiped when dropped.
#[derive(Default)]
pub struct StaticData {
    parts: Vec<SecretBytes>,
    broken: bool,
}

impl StaticData {
    /// Takes the body of a record that the file locator flags.
    ///
    /// Of files 1 to 10 the content of the record template counts, of files 11 to 30 the record as received. A record
    /// that is no template makes authentication fail later; reading goes on.
    pub fn add_record(&mut self, sfi: u8, body: &[u8]) {
        let mut objects = Tlvs::new(body);
        let content = match (objects.next(), objects.next()) {
            (Some(Ok(template)), None) if template.tag == tag::RECORD_TEMPLATE => template.value,
            _ => {
                self.broken = true;
                return;
            }
        };
        let authenticated = if sfi <= 10 { content } else { body };
        self.parts.push(SecretBytes::copy_of(authenticated));
    }

    // Rule ODA-STATIC-1: flagged records in the order of reading; of files 1 to 10 without the template, of 11 to 30 as
    // received; a record that is no template fails authentication.
    // [source: foreign vector, emv-oda and the transcripts; test:
    // oda::tests::records_of_low_files_count_without_their_template,
    // oda::tests::records_that_are_no_template_fail_authentication_only; evidence: foreign mock-msc-offline]
    // Rule ODA-STATIC-2: the profile follows if 9F4A is exactly 82; any other 9F4A fails authentication.
    // [source: foreign vector, emv-oda; test: oda::tests::the_tag_list_may_name_the_profile_and_nothing_else;
    // evidence: foreign mock-msc-offline]
    /// All parts behind each other: records, then the profile if the tag list (9F4A) names it.
    ///
    /// # Errors
    /// A record was no template, or the list names anything but the profile (82).
    pub fn parts<'a>(
        &'a self,
        tag_list: Option<&[u8]>,
        profile: &'a [u8],
    ) -> Result<Vec<&'a [u8]>, OdaFailure> {
        let profile = match tag_list {
            None => None,
            Some([0x82]) => Some(profile),
            Some(_) => return Err(Self::failure()),
        };
        if self.broken {
            return Err(Self::failure());
        }
        let records = self.parts.iter().map(SecretBytes::expose);
        Ok(records.chain(profile).collect())
    }

    const fn failure() -> OdaFailure {
        OdaFailure::new(OdaStep::StaticData, OdaCause::Records)
    }
}

impl fmt::Debug for StaticData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StaticData({} records)", self.parts.len())
    }
}
