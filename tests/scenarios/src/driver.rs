//! The loop of a shell, with a customer who needs no telling: cards are tapped, PINs are typed, codes are paid.

use std::time::Duration;

use softpos_cards::{Presence, Wallet};
use softpos_terminal::{Announcement, CardStep, Ending, Screen, Step, Terminal};

use crate::shop::Shop;

/// One look for a step.
const PULSE: Duration = Duration::from_millis(50);
/// So many looks without a step end the test: 20 seconds, more than any pause of a sandbox till.
const PATIENCE: u32 = 400;
/// A fault may cut a wallet's call along with the till's.
const WALLET_TRIES: u32 = 20;
/// Between a command's first and an answer's last byte.
const ELAPSED_US: u32 = 4_000;

/// What the customer has at hand.
#[derive(Clone, Debug, Default)]
pub struct Customer {
    /// The card that is held to the phone, and how often at most.
    pub card: Option<(&'static str, u32)>,
    /// The PIN that is typed when it is asked for.
    pub pin: Option<&'static str>,
    /// The wallet that pays a shown code.
    pub wallet: Option<&'static str>,
}

impl Shop {
    /// Drives the till until what the operator began has ended.
    pub fn finish(&mut self) -> Ending {
        self.run_until(|step| match step {
            Step::Finished { ending, .. } => Some(ending.clone()),
            Step::Show { .. }
            | Step::Say { .. }
            | Step::AskPin { .. }
            | Step::Notice { .. }
            | Step::Closed => None,
        })
    }

    /// Drives the till until a screen is as wanted.
    pub fn run_until_screen(&mut self, wanted: impl Fn(&Screen) -> bool) {
        self.run_until(|step| match step {
            Step::Show { view, .. } => wanted(&view.screen).then_some(()),
            Step::Finished { ending, .. } => panic!("ended before its screen: {ending:?}"),
            Step::Say { .. } | Step::AskPin { .. } | Step::Notice { .. } | Step::Closed => None,
        });
    }

    /// Drives the till until a step is as wanted.
    pub fn run_until<T>(&mut self, mut wanted: impl FnMut(&Step) -> Option<T>) -> T {
        for _ in 0..PATIENCE {
            while let Some(step) = self.till().next_step_within(PULSE) {
                self.steps.push(step.clone());
                self.serve(&step);
                if let Some(found) = wanted(&step) {
                    return found;
                }
                assert_ne!(step, Step::Closed, "the session ended: {:#?}", self.steps);
            }
        }
        panic!("the till stands still after {:#?}", self.steps);
    }

    /// Lets the background renew what a card sale needs.
    pub fn come_to_be_ready(&mut self) {
        for _ in 0..PATIENCE {
            if self.till().status().expect("an open session").obstacle.is_none() {
                return self.listen(Duration::ZERO);
            }
            self.listen(PULSE);
        }
        panic!("no card sale is possible: {:?}", self.till().status());
    }

    /// Takes the steps that have come, for at most so long after the last one.
    pub fn listen(&mut self, limit: Duration) {
        while let Some(step) = self.till().next_step_within(limit) {
            self.steps.push(step.clone());
            self.serve(&step);
        }
    }

    /// What the till has said aloud since [`Shop::forget_steps`].
    pub fn said(&self) -> Vec<Announcement> {
        self.steps
            .iter()
            .filter_map(|step| match step {
                Step::Say { announcement, .. } => Some(announcement.clone()),
                Step::Show { .. }
                | Step::AskPin { .. }
                | Step::Notice { .. }
                | Step::Finished { .. }
                | Step::Closed => None,
            })
            .collect()
    }

    /// The spoken sentences themselves.
    pub fn sentences(&self) -> Vec<String> {
        self.steps
            .iter()
            .filter_map(|step| match step {
                Step::Say { text, .. } => Some(text.clone()),
                Step::Show { .. }
                | Step::AskPin { .. }
                | Step::Notice { .. }
                | Step::Finished { .. }
                | Step::Closed => None,
            })
            .collect()
    }

    /// Everything since [`Shop::forget_steps`].
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    fn serve(&mut self, step: &Step) {
        match step {
            Step::Show { view, .. } => match &view.screen {
                Screen::Card { .. } => self.hold_out_card(),
                Screen::ShowCode { payload, .. } => {
                    if let Some(wallet) = self.customer.wallet {
                        self.pay_code(payload, wallet);
                    }
                }
                Screen::Activating { .. }
                | Screen::EnterPin
                | Screen::Authorising
                | Screen::AskPayer
                | Screen::ResultUnknown { .. }
                | Screen::Settling { .. }
                | Screen::Result { .. } => {}
            },
            Step::AskPin { .. } => {
                if let Some(pin) = self.customer.pin {
                    self.type_pin(pin);
                }
            }
            Step::Say { .. } | Step::Notice { .. } | Step::Finished { .. } | Step::Closed => {}
        }
    }

    /// Scans and pays a code, again if the wallet's own connection is cut; says what the wallet answered.
    pub fn pay_code(&self, payload: &str, wallet: &str) -> String {
        for _ in 0..WALLET_TRIES {
            if let Ok(answer) = self.till().sandbox_pay_code(payload, wallet) {
                return answer.body;
            }
        }
        panic!("the wallet has no answer");
    }

    fn type_pin(&self, pin: &str) {
        let entry = self.till().pin_entry().expect("an open PIN pad");
        for digit in pin.bytes() {
            entry.push_digit(digit.saturating_sub(b'0')).expect("a digit");
        }
        entry.submit().expect("a PIN");
    }

    fn hold_out_card(&mut self) {
        let Some((id, taps @ 1..)) = self.customer.card else {
            return;
        };
        self.customer.card = Some((id, taps.saturating_sub(1)));
        let till = self.till().clone();
        tap(&till, &mut self.wallet, id);
    }
}

/// One card in the field, from its coming to its leaving.
fn tap(till: &Terminal, wallet: &mut Wallet, id: &str) {
    let card = wallet.card(id).expect("a card of the wallet");
    let mut next = match card.present() {
        Presence::Card => till.card_present(),
        Presence::Collision => till.card_collision(),
    };
    while let CardStep::Transmit { capdu } = next.expect("an open session") {
        next = match card.transmit(&capdu) {
            Ok(rapdu) => till.card_replied(&rapdu, ELAPSED_US),
            Err(_) => till.card_lost(),
        };
    }
    card.remove();
}
