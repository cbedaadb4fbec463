//! Typed access to the members of a vector's input.

use serde_json::{Map, Value};

use crate::Failure;

/// The members of an object.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    pub(crate) fn of(value: &'a Value) -> Result<Self, Failure> {
        value.as_object().map(Self).ok_or_else(|| "not an object".into())
    }

    /// A member that may be absent or null.
    pub(crate) fn optional(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(crate) fn text(self, name: &str) -> Result<&'a str, Failure> {
        self.typed(name, "a text", Value::as_str)
    }

    /// The bytes of a text in upper-case hex.
    pub(crate) fn bytes(self, name: &str) -> Result<Vec<u8>, Failure> {
        hex::decode(self.text(name)?).map_err(|error| format!("{name}: {error}"))
    }

    /// Exactly N bytes in hex.
    pub(crate) fn array<const N: usize>(self, name: &str) -> Result<[u8; N], Failure> {
        self.bytes(name)?
            .try_into()
            .map_err(|_| format!("{name}: not {N} bytes"))
    }

    /// A number that fits into the type asked for.
    pub(crate) fn number<T: TryFrom<u64>>(self, name: &str) -> Result<T, Failure> {
        let number = self.typed(name, "a whole number", Value::as_u64)?;
        T::try_from(number).map_err(|_| format!("{name}: {number} is out of range"))
    }

    pub(crate) fn list(self, name: &str) -> Result<&'a [Value], Failure> {
        self.typed(name, "a list", Value::as_array).map(Vec::as_slice)
    }

    pub(crate) fn object(self, name: &str) -> Result<Self, Failure> {
        self.typed(name, "an object", Value::as_object).map(Self)
    }

    fn typed<T>(
        self,
        name: &str,
        what: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<T, Failure> {
        self.0
            .get(name)
            .and_then(read)
            .ok_or_else(|| format!("{name} is not {what}"))
    }
}

/// Bytes as the vectors spell them.
pub(crate) fn upper_hex(bytes: impl AsRef<[u8]>) -> String {
    hex::encode_upper(bytes)
}
