//! Authentication in whole taps: a public card's, and a card of our own whose key signs what no public one signs.

use alloc::sync::Arc;

use softpos_crypto::emv_rsa::key_checksum;

use super::*;
use crate::oda::{AuthorityKey, AuthorityKeys, Revocation};

const VISA_RID: [u8; 5] = [0xA0, 0, 0, 0, 3];

/// Visa's public test key 92.
const VISA_92: &str = "996AF56F569187D09293C14810450ED8EE3357397B18A2458EFAA92DA3B6DF6514EC060195318FD43BE9B8F0CC669E3F844057CBDDF8BDA191BB64473BC8DC9A730DB8F6B4EDE3924186FFD9B8C7735789C23A36BA0B8AF65372EB57EA5D89E7D14E9C7B6B557460F10885DA16AC923F15AF3758F0F03EBD3C5C2C949CBA306DB44E6A2C076C5F67E281D7EF56785DC4D75945E491F01918800A9E2DC66F60080566CE0DAF8D17EAD46AD8E30A247C9F";

/// The whole answers to READ RECORD of the public simulated card, with its certificates.
const FOREIGN_RECORDS: [&str; 3] = [
    "70145A0847617390010100105F24031912315F3401019000",
    "7081C08F01929081B05FACBFDA21EE8128D057A3BBA9EB5971EBE09B3095C9F4623D62417149F33B20CC596DD24F97C005AC15449C56D5B26DFA93C5EA23BFA04A3B92BFD0569F4521B7528781BB3C067544042734F85AE9BD1753825805AC4255CE8885F7565F1B65BE4517AA149D72EA548440F7C462BB77F76642344BBC616370C317E73542D78ED234AD84C59E2CD2323F22AA36A2835C8054C6607433CC65307ED05D787667DF32483BD6507EA6861B11BE8345F5656C92044B76E0F79F3201039000",
    "7081AD9F468190A7805CB24AC17B36F81F753EA9D37F1D0578DF95F6979C1FA4EE505B712C1A31C19FE5E3B8A8C1E47A560DF17C056E8FDB53D81A2648589CE9F3F1E16F229D200CCD6A780573871D244D4A90C6ABB596EC55AD1E6596443B3748C752B878605D62DCD2A8F7E5A8E0CBFF63C60740A8338F0952782D683B4AE8E70DCD03D94730D566267E89DB20C514A20757FD1AE4079F4701039F480A761CCBE81F44003478E99F69050169C16C999000",
];

// A card of our own: authority, issuer and card keys made for this test, certificates over 5A and 5F24 of one record,
// and signatures (fDDA version 01 over 9F37 ABABABAB, 9F02 10.00, 5F2A 0840 and 9F69; version 00 over 9F37; SDA).
// Consistent with our own reading of the book, no proof of it: that is the public card's part.
const OWN_AUTHORITY: &str = "D78324DC1695FD3D12EC7231CFF21BE5279D65F11688E2EDD662A31F26D62977B787D300F91A821DF57BA4236100B3AE73349CD1F85B7D2ED8C1C342CCB4F268A746B3EE61CAC2526557F4A3F3A5E8818C8E2BB943A06D4A6EE9C8CA5DAA4CF6006BF2BF6B0FA88B294B7DC0D94FCADF5964EEE7C55DC10367CEA22D408F3283";
const OWN_ISSUER_CERTIFICATE: &str = "7962FD0D7D35ED34D128C9B38935591521DA7C93A3CEEF4CC25429269F2E180544B73E40D48427E054BC82F123072CB24268229F93AF5CE8EE4436570B8E63D16FA4496CB4C1CA7A3A65E4FC719C61582085A03B3D941357874D312361B9A7DD58FABA80B0F1CD10A9077115FE2DDFC1C3322CCB5E8DFCD724CD4ABB3A539E0B";
const OWN_ISSUER_REMAINDER: &str = "6899ADD8427E3FCEAFF2B44083D53722E42FA215";
const OWN_CARD_CERTIFICATE: &str = "82ACA6F77270A827F8F00DABF8CB2F517ECAC9D731AC497670415551AE2B1F25FB31A0AAB5EB870A4299B03F262267C06BEC08624739087978C64C56369F707B61975F5522690467B2C5C3D41FC469F390D84F25CCD373DEC9E97DEC570D38409FE81D5A821ADCA678E69ACE25487D0A";
const OWN_CARD_REMAINDER: &str = "87236A7D5B99A1B98B87DCED11E18DDAE59B698599C675770F57";
const OWN_RECORD: &str = "5A0847617390010100105F2403301231";
const OWN_SIGNATURE_01: &str = "6A48512B9ABB073104096912C5430010E88A0030DF5CCB5D5C8CA9B3E3D48F42A94D55FF70C35DFA7F580B59E676D5A144A03B47BDA94A2AA098BB7E892AC1F527146D396BC87A48A687FEC1536B16DD3E77D5CD404ADA8C01B84DD1387FF3FD";
const OWN_SIGNATURE_00: &str = "A82A5157D22F5E3408CA7DEEA655C2731CF476EE6BAA6A1E047D1F067ECE007EB59D9FAA6CFFF424BC8903DEBA70BE0EE4313345F6B1F22A9D314103667642C585CECC6BF670AECC4924F5E2D1B33D6C908C067B0C6FC8A2746CE30E7F048B7B";
const OWN_STATIC_SIGNATURE: &str = "9B4E6033AF8153F5E7AA05D2013EB8A14CF2B41B082299A2F21547CBD1ECCA9F5F24E865ECADA721FDDC45E1A0901F9F4BBD0D78D24469D3E75F5174004403DA772D9E7D51F5053459623A15CBE4B55B70BB5226E7D2B58BF231E74AEC5E4FADCDCA684CAEBD51DE348EAB31B5633B7A";
const OWN_9F69: &str = "01694BA1000080";

fn keys(modulus: &str, index: u8, exponent: &[u8], revoked: Vec<Revocation>) -> Arc<AuthorityKeys> {
    let modulus = bytes(modulus);
    let name = (VISA_RID, index);
    let checksum = key_checksum(name, &modulus, exponent);
    let key = AuthorityKey::new(name, &modulus, exponent, checksum).unwrap();
    Arc::new(AuthorityKeys::new([key].into(), revoked).unwrap())
}

fn approved(step: ReaderStep) -> Box<CardRead> {
    match step {
        ReaderStep::Finished(CardOutcome::Approved(read)) => read,
        other => panic!("not approved: {other:?}"),
    }
}

/// The public card's tap on a reader that allows offline approvals; `change` may alter each answer.
fn foreign_tap(authority_keys: Arc<AuthorityKeys>, change: impl Fn(usize, &mut Vec<u8>)) -> ReaderStep {
    let mut config = config([0x24, 0, 0x40, 0], 8_000, 8_000);
    config.authority_keys = authority_keys;
    let mut reader = Reader::new(&config, transaction(200)).unwrap();
    let mut step = reader.card_present(NOW);
    let answers = FOREIGN_TAP[..3].iter().map(|(_, answer)| *answer);
    for (position, answer) in answers.chain(FOREIGN_RECORDS).enumerate() {
        assert_eq!(command(&step), FOREIGN_TAP[position].0);
        let mut answer = bytes(answer);
        change(position, &mut answer);
        step = reader.card_replied(&answer, 0, NOW);
    }
    step
}

#[test]
fn offline_approval_with_fdda() {
    let read = approved(foreign_tap(keys(VISA_92, 0x92, &[3], Vec::new()), |_, _| ()));
    assert_eq!(read.cvm, Cvm::None);
    assert_eq!(read.data_object(tag::CRYPTOGRAM_INFORMATION), Some(&[0x40][..]));
    assert_eq!(read.data_object(tag::TVR), Some(&[0; 5][..]));
}

#[test]
fn offline_approval_without_the_authoritys_key_is_a_decline() {
    for keys in [Arc::default(), keys(VISA_92, 0x95, &[3], Vec::new())] {
        let stopped = declined(foreign_tap(keys, |_, _| ()));
        assert_eq!(stopped.reason, Reason::NotAuthenticated);
    }
}

#[test]
fn a_revoked_issuer_is_a_decline() {
    let revoked = Revocation {
        rid: VISA_RID,
        index: 0x92,
        serial: [0x03, 0x49, 0x69],
    };
    let stopped = declined(foreign_tap(
        keys(VISA_92, 0x92, &[3], [revoked].into()),
        |_, _| (),
    ));
    assert_eq!(stopped.reason, Reason::NotAuthenticated);
}

/// A changed track, expiry, signature or certificate: nothing of it is approved.
#[test]
fn whatever_is_changed_in_a_signed_tap_is_not_approved() {
    let keys = keys(VISA_92, 0x92, &[3], Vec::new());
    for (position, length) in [(2, 115), (3, 20), (4, 190), (5, 170)] {
        for offset in (5..length).step_by(7) {
            let step = foreign_tap_until(&keys, position, offset);
            assert!(
                !matches!(step, ReaderStep::Finished(CardOutcome::Approved(_))),
                "answer {position}, byte {offset}"
            );
        }
    }
}

/// The tap with one bit changed, as far as the reader goes with it.
fn foreign_tap_until(keys: &Arc<AuthorityKeys>, position: usize, offset: usize) -> ReaderStep {
    let mut config = config([0x24, 0, 0x40, 0], 8_000, 8_000);
    config.authority_keys = keys.clone();
    let mut reader = Reader::new(&config, transaction(200)).unwrap();
    let mut step = reader.card_present(NOW);
    let answers = FOREIGN_TAP[..3].iter().map(|(_, answer)| *answer);
    for (number, answer) in answers.chain(FOREIGN_RECORDS).enumerate() {
        if !matches!(step, ReaderStep::Transmit(_)) {
            break;
        }
        let mut answer = bytes(answer);
        if number == position {
            answer[offset] ^= 0x01;
        }
        step = reader.card_replied(&answer, 0, NOW);
    }
    step
}

/// What our own card answers: type in 9F10, qualifiers, and the signature it gives.
struct Own {
    iad: &'static str,
    aip: [u8; 2],
    ctq: [u8; 2],
    signature: &'static str,
    authentication_data: Option<&'static str>,
}

const ARQC: &str = "06011103A00000";
const TC: &str = "06011103900000";

/// A phone that verified its holder and signs it.
const PHONE: Own = Own {
    iad: ARQC,
    aip: [0x20, 0x40],
    ctq: [0x00, 0x80],
    signature: OWN_SIGNATURE_01,
    authentication_data: Some(OWN_9F69),
};

fn own_tap(own: &Own, ttq: [u8; 4], floor_limit_minor: i64) -> ReaderStep {
    let mut config = config(ttq, floor_limit_minor, 1_000);
    config.authority_keys = keys(OWN_AUTHORITY, 0x94, &[1, 0, 1], Vec::new());
    let mut reader = Reader::new(&config, transaction(1_000)).unwrap();
    let authentication_data = own.authentication_data.map(bytes);
    let signature = bytes(own.signature);
    let answer = options(&[
        (tag::AIP, Some(&own.aip)),
        (tag::AFL, Some(&[0x08, 0x01, 0x02, 0x01])),
        (tag::ISSUER_APPLICATION_DATA, Some(&bytes(own.iad))),
        (tag::CTQ, Some(&own.ctq)),
        (
            if own.aip[0] & 0x20 != 0 {
                tag::SIGNED_DYNAMIC_DATA
            } else {
                tag::SIGNED_STATIC_DATA
            },
            Some(&signature),
        ),
        (tag::CARD_AUTHENTICATION_DATA, authentication_data.as_deref()),
    ]);
    tap(&mut reader, &answer);
    let mut certificates = TlvWriter::new();
    certificates.template(tag::RECORD_TEMPLATE, |record| {
        record.put(tag::CA_KEY_INDEX, &[0x94]);
        record.put(tag::ISSUER_CERTIFICATE, &bytes(OWN_ISSUER_CERTIFICATE));
        record.put(tag::ISSUER_KEY_REMAINDER, &bytes(OWN_ISSUER_REMAINDER));
        record.put(tag::ISSUER_KEY_EXPONENT, &[3]);
        record.put(tag::ICC_CERTIFICATE, &bytes(OWN_CARD_CERTIFICATE));
        if !OWN_CARD_REMAINDER.is_empty() {
            record.put(tag::ICC_KEY_REMAINDER, &bytes(OWN_CARD_REMAINDER));
        }
        record.put(tag::ICC_KEY_EXPONENT, &[3]);
    });
    let signed = [&[0x70, 0x10][..], &bytes(OWN_RECORD), &[0x90, 0]].concat();
    reader.card_replied(&signed, 0, NOW);
    let certificates = [&certificates.into_vec()[..], &[0x90, 0]].concat();
    reader.card_replied(&certificates, 0, NOW)
}

const WITHOUT_ODA_ONLINE: [u8; 4] = [0x20, 0, 0x40, 0];

#[test]
fn a_phone_pays_above_the_limit_only_with_signed_qualifiers() {
    assert_eq!(online(own_tap(&PHONE, PHONE_TTQ, 0)).cvm, Cvm::OnDevice);
    // The same phone where the reader does not ask for authentication online.
    assert_eq!(
        declined(own_tap(&PHONE, WITHOUT_ODA_ONLINE, 0)).reason,
        Reason::NoVerification
    );
    // A signature of version 00 covers no qualifiers, and one of version 01 no others.
    let old = Own {
        signature: OWN_SIGNATURE_00,
        authentication_data: None,
        ..PHONE
    };
    assert_eq!(
        declined(own_tap(&old, PHONE_TTQ, 0)).reason,
        Reason::NoVerification
    );
    let forged = Own {
        authentication_data: Some("01694BA2000080"),
        ..PHONE
    };
    assert_eq!(
        declined(own_tap(&forged, PHONE_TTQ, 0)).reason,
        Reason::NoVerification
    );
    let changed = Own {
        ctq: [0x40, 0x80],
        ..PHONE
    };
    assert_eq!(
        declined(own_tap(&changed, PHONE_TTQ, 0)).reason,
        Reason::VerificationNotProven
    );
}

#[test]
fn offline_approval_above_the_limit_by_a_phone() {
    let phone = Own { iad: TC, ..PHONE };
    let read = approved(own_tap(&phone, PHONE_TTQ, 8_000));
    assert_eq!(read.cvm, Cvm::OnDevice);
    assert_eq!(read.data_object(tag::CVM_RESULTS), Some(&[1, 0, 2][..]));
    // Above the floor limit the reader asks the issuer all the same.
    assert_eq!(online(own_tap(&phone, PHONE_TTQ, 999)).cvm, Cvm::OnDevice);
}

#[test]
fn versions_of_fdda_and_sda_for_cards_that_sign_nothing() {
    let signing = [0x23, 0, 0x40, 0];
    let plastic = Own {
        iad: TC,
        aip: [0x20, 0x00],
        ctq: [0x40, 0x00],
        signature: OWN_SIGNATURE_00,
        authentication_data: None,
    };
    assert_eq!(approved(own_tap(&plastic, signing, 8_000)).cvm, Cvm::Signature);
    let static_only = Own {
        aip: [0x40, 0x00],
        signature: OWN_STATIC_SIGNATURE,
        ..plastic
    };
    assert_eq!(
        approved(own_tap(&static_only, signing, 8_000)).cvm,
        Cvm::Signature
    );
    for (aip, signature) in [
        ([0x20, 0x00], OWN_STATIC_SIGNATURE),
        ([0x40, 0x00], OWN_SIGNATURE_00),
        ([0x00, 0x00], OWN_STATIC_SIGNATURE),
    ] {
        let wrong = Own {
            aip,
            signature,
            ..plastic
        };
        assert_eq!(
            declined(own_tap(&wrong, signing, 8_000)).reason,
            Reason::NotAuthenticated,
            "{aip:02X?}"
        );
    }
}
