//! How the program ends.

use std::process::ExitCode;

use softpos_types::{MoneyState, SoftPosError};

/// The exit codes of the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    #[default]
    Done,
    /// It did not work.
    Failure,
    /// Asked for in the wrong way.
    Usage,
    /// Declined, or refused by the host.
    Refused,
    /// The result of a payment is not known.
    Unknown,
    /// Ctrl-C.
    Interrupted,
}

impl Exit {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failure => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::Unknown => 4,
            Self::Interrupted => 130,
        }
    }

    /// What a script learns from an error.
    pub(crate) const fn of_error(error: &SoftPosError) -> Self {
        match error {
            SoftPosError::HostRefused(_) => Self::Refused,
            SoftPosError::ResultUnknown(_) => Self::Unknown,
            SoftPosError::InvalidInput(fault)
            | SoftPosError::NotReady(fault)
            | SoftPosError::StoreInUse(fault)
            | SoftPosError::StoreDamaged(fault)
            | SoftPosError::HostUnreachable(fault)
            | SoftPosError::Closed(fault) => match fault.money {
                MoneyState::Unknown => Self::Unknown,
                MoneyState::NotMoved | MoneyState::Moved => Self::Failure,
            },
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use softpos_types::Code;

    use super::*;

    #[test]
    fn errors_have_their_exit_code() {
        for (code, exit) in [
            (Code::StoreInUse, Exit::Failure),
            (Code::AmountZero, Exit::Failure),
            (Code::ActivationUsed, Exit::Refused),
            (Code::ResultUnknown, Exit::Unknown),
            (Code::HostSignature, Exit::Unknown),
        ] {
            assert_eq!(Exit::of_error(&SoftPosError::of(code)), exit, "{code:?}");
        }
    }
}
