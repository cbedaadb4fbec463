//! STAN and batch numbers: 1..=999999, counted up and wrapped as ISO 8583 terminals do.

use core::fmt;

/// The number is outside 1..=999999.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberError;

macro_rules! six_digit_number {
    ($name:ident, $what:literal) => {
        #[doc = $what]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u32);

        impl $name {
            /// The first number.
            pub const FIRST: Self = Self(1);

            /// Checks the range 1..=999999.
            ///
            /// # Errors
            /// [`NumberError`] outside it.
            pub const fn new(value: u32) -> Result<Self, NumberError> {
                if value >= 1 && value <= 999_999 {
                    Ok(Self(value))
                } else {
                    Err(NumberError)
                }
            }

            /// The number after this one; 999999 is followed by 000001.
            pub const fn next(self) -> Self {
                if self.0 >= 999_999 {
                    Self::FIRST
                } else {
                    Self(self.0.saturating_add(1))
                }
            }

            /// The plain number.
            pub const fn value(self) -> u32 {
                self.0
            }
        }

        /// Six digits with leading zeros.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:06}", self.0)
            }
        }
    };
}

six_digit_number!(
    Stan,
    "System trace audit number (DE11), the voucher number on a receipt."
);
six_digit_number!(
    Batch,
    "Batch number (DE60.2): the settlement period a payment belongs to."
);

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn range_and_wrap() {
        assert_eq!(Stan::new(0), Err(NumberError));
        assert_eq!(Batch::new(1_000_000), Err(NumberError));
        assert_eq!(Stan::new(999_999).unwrap().next(), Stan::FIRST);
        assert_eq!(Stan::FIRST.next().to_string(), "000002");
    }
}
