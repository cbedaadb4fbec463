//! The dialogue with the acquirer as data: what `softpos-host/1` says, and how an answer is read.
//!
//! HTTPS and JSON under `/v1` (`openapi.yaml` in this folder is the contract). Every request carries a detached
//! signature of the device, every answer one of the host, over the exact bytes of the body; card data
//! travels sealed under a DUKPT data key with the clear envelope as additional data. Nothing here does I/O: the
//! flow builds a [`HostRequest`], the terminal carries it, and [`HostOutcome`] is what came of it.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod card_payload;
mod code_payload;
mod link;
mod messages;
mod parameters;
mod response_code;
mod text_serde;

pub use card_payload::{CardPayload, CardPayloadError, SealedPin};
pub use code_payload::{CodePayload, CodePayloadError};
pub use link::{AnswerKeys, HostAnswer, HostOutcome, HostRequest, HttpMethod, Sent, paths, read_answer};
pub use messages::{
    Anchors, AttestRequest, CodeReply, CodeState, EchoReply, EchoRequest, Envelope, ErrorBody, ErrorDetail,
    ItemState, JournalVerdict, KeyEntry, KeysReply, KeysRequest, MethodTotals, ParamsReply, ParamsRequest,
    RedeemReply, RedeemRequest, Requirement, ReversalReply, ReversalRequest, SealedData, SettleItem,
    SettleReply, SettleRequest, SettleResult, StatusReply, TransactionReply, TransactionRequest,
    TransactionState, Verdict,
};
pub use parameters::{
    CaPublicKey, CodeParameters, CombinationParameters, CurveCaPublicKey, ExceptionParameters, Limits,
    MerchantProfile, OfflinePolicy, Parameters, ParametersError, ReaderParameters, ReceiptParameters,
    SignedBundle, Timers, WalletParameters, WalletWindow,
};
pub use response_code::*;
pub use softpos_types::{Method, Operation, ReversalReason};
