//! Who answers: another certificate, another name, no TLS at all, silence.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};

use softpos_scenarios::{HostPlace, Shop, side_by_side};
use softpos_terminal::{ActivationUri, Ending, Notice, State, Step};
use softpos_types::{Action, Code, MoneyState, SoftPosError};

fn trouble(shop: &Shop) -> Vec<Code> {
    let trouble = |step: &Step| match step {
        Step::Notice {
            notice: Notice::Trouble { fault },
            ..
        } => Some(fault.code),
        _ => None,
    };
    shop.steps().iter().filter_map(trouble).collect()
}

fn failed_with(ending: &Ending) -> Code {
    match ending {
        Ending::ActivationFailed { fault } => fault.code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn another_host_at_the_same_address_gets_nothing() {
    let mut shop = Shop::open();
    shop.host.stop();
    let mut impostor = shop.host.impostor();
    assert_eq!(shop.tap(50_001, "visa-approved").state, State::Failed);
    assert!(
        trouble(&shop).contains(&Code::HostNotTrusted),
        "{:?}",
        trouble(&shop)
    );
    let stored = shop.tap(100, "visa-approved");
    assert_eq!(stored.state, State::Stored);
    assert_eq!(impostor.ledger(), []);
    impostor.stop();
    shop.host.resume();
    shop.assert_reconciled();
    assert_eq!(shop.payment(stored.key).state, State::Approved);
    let fault = SoftPosError::of(Code::HostNotTrusted).fault().clone();
    assert_eq!(
        (fault.money, fault.action),
        (MoneyState::NotMoved, Action::UpdateApp)
    );
}

#[test]
fn a_wrong_pin_activates_nothing() {
    let mut shop = Shop::unopened(HostPlace::start());
    let other = HostPlace::start();
    let code = shop.host.code().to_string();
    let activation = ActivationUri::from_parts(&shop.host.url(), &other.pin(), &code).unwrap();
    assert_eq!(
        failed_with(&shop.try_activate(&activation).unwrap()),
        Code::HostNotTrusted
    );
    // The code was not spent on it.
    let activation = ActivationUri::from_parts(&shop.host.url(), &shop.host.pin(), &code).unwrap();
    assert_eq!(shop.try_activate(&activation).unwrap(), Ending::Activated);
}

#[test]
fn a_wrong_name_activates_nothing() {
    let host = HostPlace::start_with(|config| config.listen = ([0, 0, 0, 0], 0).into());
    let mut shop = Shop::unopened(host);
    let (port, pin, code) = (shop.host.port(), shop.host.pin(), shop.host.code().to_string());
    // The certificate names 127.0.0.1 and localhost only.
    let elsewhere = format!("https://127.0.0.2:{port}");
    let activation = ActivationUri::from_parts(&elsewhere, &pin, &code).unwrap();
    assert_eq!(
        failed_with(&shop.try_activate(&activation).unwrap()),
        Code::HostNotTrusted
    );
    let activation = ActivationUri::from_parts(&format!("https://127.0.0.1:{port}"), &pin, &code).unwrap();
    assert_eq!(shop.try_activate(&activation).unwrap(), Ending::Activated);
}

#[test]
fn a_host_that_answers_nonsense_activates_nothing() {
    side_by_side(
        [
            ("garbage@any", Code::HostGarbled),
            ("status500@any", Code::HostGarbled),
            ("bad-signature@any", Code::HostSignature),
        ],
        |(fault, code)| {
            let mut shop = Shop::unopened(HostPlace::start());
            let activation = shop.host.activation();
            shop.host.fault(fault);
            assert_eq!(
                failed_with(&shop.try_activate(&activation).unwrap()),
                code,
                "{fault}"
            );
            assert_eq!(
                shop.try_activate(&activation).unwrap(),
                Ending::Activated,
                "{fault}"
            );
        },
    );
}

#[test]
fn nobody_at_the_address_activates_nothing() {
    let mut shop = Shop::unopened(HostPlace::start());
    let activation = shop.host.activation();
    shop.host.stop();
    assert_eq!(
        failed_with(&shop.try_activate(&activation).unwrap()),
        Code::HostNotReached
    );
    shop.host.resume();
    assert_eq!(shop.try_activate(&activation).unwrap(), Ending::Activated);
}

#[test]
fn something_else_at_the_address_gets_nothing() {
    // It takes connections and says nothing, or says something that is no TLS.
    side_by_side(
        [
            "",
            "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
            "220 mail ready\r\n",
        ],
        |words| {
            let mut shop = Shop::open();
            shop.host.stop();
            let address = SocketAddr::from(([127, 0, 0, 1], shop.host.port()));
            let listener = listen(address);
            let speaker = listener.try_clone().unwrap();
            // Ends with the listener's last connection; the test's end closes them all.
            std::thread::spawn(move || {
                let mut open = Vec::new();
                while let Ok((mut stream, _)) = speaker.accept() {
                    if stream.write_all(words.as_bytes()).is_ok() {
                        open.push(stream);
                    }
                }
            });
            assert_eq!(
                shop.tap(50_001, "visa-approved").state,
                State::Failed,
                "{words:?}"
            );
        },
    );
}

fn listen(address: SocketAddr) -> TcpListener {
    for _ in 0..100 {
        if let Ok(listener) = TcpListener::bind(address) {
            return listener;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("{address} is still taken");
}
