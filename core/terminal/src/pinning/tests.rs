use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, PublicKeyData as _, date_time_ymd};

use super::*;

fn pin_of(key: &KeyPair) -> Pin {
    Pin(sha256(&key.subject_public_key_info()))
}

fn params(name: &str) -> CertificateParams {
    CertificateParams::new(vec![name.to_owned()]).unwrap()
}

fn authority(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn check(pins: Vec<Pin>, chain: &[CertificateDer<'static>], name: &str) -> Result<(), Error> {
    let verifier = Pinned {
        pins,
        provider: Arc::new(ring::default_provider()),
    };
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let (leaf, rest) = chain.split_first().unwrap();
    verifier
        .verify_server_cert(leaf, rest, &name, &[], UnixTime::now())
        .map(drop)
}

fn certificate_error(result: Result<(), Error>) -> CertificateError {
    match result {
        Err(Error::InvalidCertificate(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn pins_have_one_spelling() {
    let text = URL_SAFE_NO_PAD.encode([0xFB; 32]);
    assert_eq!(Pin::parse(&text).unwrap(), Pin([0xFB; 32]));
    let mut short = text.clone();
    let last = short.pop().unwrap();
    for bad in [
        "",
        &short,
        &format!("{text}="),
        &format!("{text}A"),
        &text.replace('-', "+"),
        &format!(" {text}"),
        &hex::encode([0xFB; 32]),
        // Bits behind the last byte.
        &format!("{short}{}", char::from(last as u8 + 1)),
    ] {
        assert!(Pin::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_pinned_self_signed_leaf() {
    let (key, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let leaf = params("localhost").self_signed(&key).unwrap().der().clone();
    let chain = [leaf];
    assert_eq!(check(vec![pin_of(&key)], &chain, "localhost"), Ok(()));
    // The present and the next key.
    assert_eq!(
        check(vec![pin_of(&other), pin_of(&key)], &chain, "localhost"),
        Ok(())
    );
    assert_eq!(
        check(vec![pin_of(&other)], &chain, "localhost"),
        Err(PIN_MISMATCH)
    );
    assert_eq!(check(vec![], &chain, "localhost"), Err(PIN_MISMATCH));
    let wrong_name = certificate_error(check(vec![pin_of(&key)], &chain, "acquirer.example"));
    assert!(
        matches!(wrong_name, CertificateError::NotValidForNameContext { .. }),
        "{wrong_name:?}"
    );
}

#[test]
fn dates_are_checked() {
    let key = KeyPair::generate().unwrap();
    let mut past = params("localhost");
    past.not_before = date_time_ymd(2020, 1, 1);
    past.not_after = date_time_ymd(2021, 1, 1);
    let mut future = params("localhost");
    future.not_before = date_time_ymd(4000, 1, 1);
    for params in [past, future] {
        let chain = [params.self_signed(&key).unwrap().der().clone()];
        let error = certificate_error(check(vec![pin_of(&key)], &chain, "localhost"));
        assert!(
            matches!(
                error,
                CertificateError::ExpiredContext { .. } | CertificateError::NotValidYetContext { .. }
            ),
            "{error:?}"
        );
    }
}

#[test]
fn an_authority_is_no_leaf() {
    let key = KeyPair::generate().unwrap();
    let chain = [authority("localhost").self_signed(&key).unwrap().der().clone()];
    let error = certificate_error(check(vec![pin_of(&key)], &chain, "localhost"));
    assert!(!is_pin_mismatch(&Error::InvalidCertificate(error)));
}

#[test]
fn a_pinned_authority_vouches_for_its_leaves_only() {
    let (root_key, leaf_key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let root = authority("acquirer root")
        .self_signed(&root_key)
        .unwrap()
        .der()
        .clone();
    let issuer = Issuer::new(authority("acquirer root"), &root_key);
    let leaf = params("localhost")
        .signed_by(&leaf_key, &issuer)
        .unwrap()
        .der()
        .clone();
    let pins = || vec![pin_of(&root_key)];
    assert_eq!(check(pins(), &[leaf.clone(), root.clone()], "localhost"), Ok(()));
    // The leaf alone does not show the pinned key.
    assert_eq!(
        check(pins(), std::slice::from_ref(&leaf), "localhost"),
        Err(PIN_MISMATCH)
    );

    // Someone else's leaf with the pinned certificate put beside it.
    let (forger_key, forged_key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let forger = Issuer::new(authority("acquirer root"), &forger_key);
    let forged = params("localhost")
        .signed_by(&forged_key, &forger)
        .unwrap()
        .der()
        .clone();
    let error = certificate_error(check(pins(), &[forged, root], "localhost"));
    assert!(
        !matches!(error, CertificateError::ApplicationVerificationFailure),
        "{error:?}"
    );

    // A leaf with the pinned key but an issuer that is not pinned.
    let pinned_leaf = check(vec![pin_of(&leaf_key)], &[leaf], "localhost");
    assert_eq!(certificate_error(pinned_leaf), CertificateError::UnknownIssuer);
}

#[test]
fn hostile_chains() {
    let key = KeyPair::generate().unwrap();
    let leaf = params("localhost").self_signed(&key).unwrap().der().clone();
    for garbage in [&b""[..], b"\x30\x80", &[0x30; 64], &leaf[..leaf.len() - 1]] {
        let garbage = CertificateDer::from(garbage.to_vec());
        let pins = || vec![pin_of(&key)];
        certificate_error(check(pins(), std::slice::from_ref(&garbage), "localhost"));
        certificate_error(check(pins(), &[leaf.clone(), garbage], "localhost"));
    }
    let long = vec![leaf; 9];
    assert_eq!(
        certificate_error(check(vec![pin_of(&key)], &long, "localhost")),
        CertificateError::UnknownIssuer
    );
    assert_eq!(check(vec![pin_of(&key)], &long[..8], "localhost"), Ok(()));
}
