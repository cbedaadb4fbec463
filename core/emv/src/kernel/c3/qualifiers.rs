//! Bits of the terminal's and the card's transaction qualifiers (9F66, 9F6C).

/// 9F66 as the kernel reads it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ttq(pub(super) [u8; 4]);

impl Ttq {
    pub(super) const fn contact(self) -> bool {
        self.0[0] & 0x10 != 0
    }

    pub(super) const fn offline_only(self) -> bool {
        self.0[0] & 0x08 != 0
    }

    pub(super) const fn online_pin(self) -> bool {
        self.0[0] & 0x04 != 0
    }

    pub(super) const fn signature(self) -> bool {
        self.0[0] & 0x02 != 0
    }

    pub(super) const fn online_required(self) -> bool {
        self.0[1] & 0x80 != 0
    }

    pub(super) const fn cvm_required(self) -> bool {
        self.0[1] & 0x40 != 0
    }

    pub(super) const fn oda_for_online(self) -> bool {
        self.0[0] & 0x01 != 0
    }

    pub(super) const fn on_device(self) -> bool {
        self.0[2] & 0x40 != 0
    }
}

/// 9F6C as the kernel reads it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ctq(pub(super) [u8; 2]);

impl Ctq {
    pub(super) const fn online_pin(self) -> bool {
        self.0[0] & 0x80 != 0
    }

    pub(super) const fn signature(self) -> bool {
        self.0[0] & 0x40 != 0
    }

    pub(super) const fn online_if_oda_fails(self) -> bool {
        self.0[0] & 0x20 != 0
    }

    pub(super) const fn contact_if_oda_fails(self) -> bool {
        self.0[0] & 0x10 != 0
    }

    pub(super) const fn online_if_expired(self) -> bool {
        self.0[0] & 0x08 != 0
    }

    pub(super) const fn contact_for_cash(self) -> bool {
        self.0[0] & 0x04 != 0
    }

    pub(super) const fn contact_for_cashback(self) -> bool {
        self.0[0] & 0x02 != 0
    }

    pub(super) const fn verified_on_device(self) -> bool {
        self.0[1] & 0x80 != 0
    }
}
