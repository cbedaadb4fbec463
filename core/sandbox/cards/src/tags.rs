//! Tags that only the card's side writes.

use softpos_wire::Tag;

pub(crate) const CDOL_1: Tag = Tag::new(0x8C);
pub(crate) const CDOL_2: Tag = Tag::new(0x8D);
/// What the issuer decided, and its proof.
pub(crate) const RESPONSE_CODE: Tag = Tag::new(0x8A);
pub(crate) const ISSUER_AUTHENTICATION: Tag = Tag::new(0x91);
pub(crate) const CVM_LIST: Tag = Tag::new(0x8E);
pub(crate) const AUTHORITY_INDEX: Tag = Tag::new(0x8F);
pub(crate) const ISSUER_CERTIFICATE: Tag = Tag::new(0x90);
pub(crate) const ISSUER_REMAINDER: Tag = Tag::new(0x92);
pub(crate) const CARD_VERSION: Tag = Tag::new(0x9F08);
pub(crate) const ACTION_DEFAULT: Tag = Tag::new(0x9F0D);
pub(crate) const ACTION_DENIAL: Tag = Tag::new(0x9F0E);
pub(crate) const ACTION_ONLINE: Tag = Tag::new(0x9F0F);
pub(crate) const ISSUER_EXPONENT: Tag = Tag::new(0x9F32);
pub(crate) const CARD_CERTIFICATE: Tag = Tag::new(0x9F46);
pub(crate) const CARD_EXPONENT: Tag = Tag::new(0x9F47);
pub(crate) const CARD_REMAINDER: Tag = Tag::new(0x9F48);
pub(crate) const STATIC_DATA_LIST: Tag = Tag::new(0x9F4A);
pub(crate) const SIGNED_DYNAMIC_DATA: Tag = Tag::new(0x9F4B);
/// Kernel 2: what the card must be told to give a cryptogram again.
pub(crate) const RECOVERY_LIST: Tag = Tag::new(0x9F51);
/// Kernel 5: what the card did about its holder.
pub(crate) const CVM_STATUS: Tag = Tag::new(0x9F50);
/// Kernel 5: how the terminal's interface looks.
pub(crate) const INTERCHANGE_PROFILE: Tag = Tag::new(0x9F53);
/// Kernel 5: whether the issuer's answer is wanted.
pub(crate) const ISSUER_UPDATE: Tag = Tag::new(0x9F60);
/// Kernel 6: card processing requirements. Kernel 4: mobile CVM results.
pub(crate) const PROCESSING_REQUIREMENTS: Tag = Tag::new(0x9F71);
/// Kernel 7, in the answer to SELECT: online cryptograms are signed as well.
pub(crate) const SIGNS_ONLINE: Tag = Tag::new(0xDF61);
/// Kernel 2: what the phone wants of its owner.
pub(crate) const CARDHOLDER_INTERACTION: Tag = Tag::new(0xDF4B);
/// Kernel 8, in the answer to SELECT: what the card can do.
pub(crate) const CARD_QUALIFIER: Tag = Tag::new(0x9F2C);
/// Kernel 8: the kernel's point.
pub(crate) const KERNEL_KEY_DATA: Tag = Tag::new(0x9E);
/// Kernel 8: what the terminal can do about the holder, and whether it must.
pub(crate) const RISK_MANAGEMENT: Tag = Tag::new(0x9F1D);
/// Kernel 8: a record inside the channel.
pub(crate) const ENCIPHERED_RECORD: Tag = Tag::new(0xDA);
/// Kernel 8: the card's decision about its holder.
pub(crate) const HOLDER_DECISION: Tag = Tag::new(0x9F_8102);
/// Kernel 8: the card's blinded point and what it is blinded with.
pub(crate) const CARD_KEY_DATA: Tag = Tag::new(0x9F_8103);
/// Kernel 8: the verification results that the cryptogram covers.
pub(crate) const CARD_RESULTS: Tag = Tag::new(0x9F_8104);
/// Kernel 8: the code over cryptogram and payment.
pub(crate) const ENHANCED_MAC: Tag = Tag::new(0x9F_8105);
/// Kernel 8: the card wants to be presented again.
pub(crate) const RESTART_INDICATOR: Tag = Tag::new(0x9F_8108);
/// Kernel 8: other objects that the card's certificate covers.
pub(crate) const EXTENDED_STATIC_LIST: Tag = Tag::new(0x9F_810A);
