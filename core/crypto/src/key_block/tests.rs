use alloc::format;

use softpos_types::SecretArray;

use super::*;

fn key(text: &str) -> AesKey {
    AesKey::from_bytes(&hex::decode(text).unwrap()).unwrap()
}

fn entropy() -> Entropy {
    Entropy::from_seed(SecretArray::build(|seed| seed.fill(1)))
}

// Computed for this project; psec and openemv's tr31-tool agree.
const KBPK: &str = "82BB86E73ACB16F6C8A8B3C61BA0D2781BF30379BD8114CBFA1BC09CE41CACCF";
const IK: &str = "D2177D860D1920BDF8895610E7C80520";
const IKID: [u8; 8] = [0x8A, 0x3E, 0x5D, 0x10, 0xC0, 0xFF, 0xEE, 0x01];
const BLOCK: &str = "D0176B1AX00N0200IK148A3E5D10C0FFEE01PB0C0000000038AFB069A05B28AD03115815D6599DAF8E4B64E9CF6D\
                     CF321E6F436B42AA898634438FAC2B32E4AB2F9601A6F86EA630F114B199F11E34C4A0D9EDF052AD722F";
const POLICY: Policy = Policy {
    ikid: IKID,
    length: AesLength::Aes128,
};

#[test]
fn opens_a_foreign_block() {
    let block = unwrap(&key(KBPK), BLOCK).unwrap();
    assert!(block.key.ct_eq(&hex::decode(IK).unwrap()));
    let ids: Vec<_> = block
        .header
        .optional
        .iter()
        .map(|optional| (optional.id, optional.data.as_str()))
        .collect();
    assert_eq!(ids, [(*b"IK", "8A3E5D10C0FFEE01"), (*b"PB", "00000000")]);
    assert!(POLICY.accept(&block).unwrap().ct_eq(&key(IK)));
}

#[test]
fn every_changed_character_is_refused() {
    for at in 0..BLOCK.len() {
        for with in *b"0123456789ABCDEFNXPZ a\n" {
            let mut changed = BLOCK.as_bytes().to_vec();
            if changed[at] == with {
                continue;
            }
            changed[at] = with;
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(
                unwrap(&key(KBPK), &changed).unwrap_err(),
                KeyBlockError,
                "{changed}"
            );
        }
    }
    for length in 0..BLOCK.len() {
        assert_eq!(
            unwrap(&key(KBPK), BLOCK.split_at(length).0).unwrap_err(),
            KeyBlockError
        );
    }
    for text in [
        format!("{BLOCK}00"),
        BLOCK.to_lowercase(),
        "D0016B1AX00N0000".into(),
        format!("D0048B1AX00N0000{}", "0".repeat(32)),
        "é".repeat(88),
        format!("D{:04}B1AX00N0000{}", 1040, "0".repeat(1024)),
        BLOCK.replace("N0200", "N9900"),
        BLOCK.replace("IK14", "IK03"),
        BLOCK.replace("IK14", "IK00"),
    ] {
        assert_eq!(unwrap(&key(KBPK), &text).unwrap_err(), KeyBlockError, "{text}");
    }
    assert_eq!(unwrap(&key(IK), BLOCK).unwrap_err(), KeyBlockError);
}

#[test]
fn wraps_what_it_opens() {
    for kbpk in [16, 24, 32] {
        let kbpk = AesKey::from_bytes(&[9; 32][..kbpk]).unwrap();
        for length in [AesLength::Aes128, AesLength::Aes192, AesLength::Aes256] {
            let ik = [3; 32].split_at(length.bytes()).0.to_vec();
            let text = wrap(&kbpk, &Header::initial_key(IKID), &ik, &mut entropy()).unwrap();
            let block = unwrap(&kbpk, &text).unwrap();
            let accepted = Policy { ikid: IKID, length }.accept(&block).unwrap();
            assert_eq!(accepted.expose(), ik);
            assert_eq!(block.header.optional.len(), 2);
        }
    }
    let plain = Header {
        optional: Vec::new(),
        ..Header::initial_key(IKID)
    };
    let text = wrap(&key(KBPK), &plain, &[1; 16], &mut entropy()).unwrap();
    assert_eq!(
        (text.len(), unwrap(&key(KBPK), &text).unwrap().header),
        (112, plain)
    );
}

#[test]
fn wrap_refuses_what_the_format_cannot_hold() {
    let header = Header::initial_key(IKID);
    let with = |data: String| Header {
        optional: Vec::from([OptionalBlock { id: *b"10", data }]),
        ..header.clone()
    };
    for (header, key_bytes) in [
        (with("x".repeat(300)), 16),
        (with("é".into()), 16),
        (with("\n".into()), 16),
        (
            Header {
                mode: b' ',
                ..header.clone()
            },
            16,
        ),
        (header.clone(), 0),
        (header.clone(), 1000),
        (header, 9000),
    ] {
        let refused = wrap(&key(KBPK), &header, &alloc::vec![1; key_bytes], &mut entropy());
        assert_eq!(refused, Err(KeyBlockError), "{header:?}");
    }
}

/// A rightly sealed block that states anything else than agreed.
#[test]
fn the_policy_accepts_one_header_only() {
    let right = Header::initial_key(IKID);
    let mut other_id = IKID;
    other_id[7] = 2;
    let mut twice = right.clone();
    twice.optional.push(twice.optional[0].clone());
    let mut further = right.clone();
    further.optional.push(OptionalBlock {
        id: *b"TS",
        data: "20261124T000000Z".into(),
    });
    for header in [
        Header {
            usage: *b"P0",
            ..right.clone()
        },
        Header {
            algorithm: b'T',
            ..right.clone()
        },
        Header {
            mode: b'N',
            ..right.clone()
        },
        Header {
            exportability: b'E',
            ..right.clone()
        },
        Header {
            exportability: b'S',
            ..right.clone()
        },
        Header {
            optional: Vec::new(),
            ..right.clone()
        },
        Header::initial_key(other_id),
        twice,
        further,
    ] {
        let text = wrap(&key(KBPK), &header, &[1; 16], &mut entropy()).unwrap();
        let block = unwrap(&key(KBPK), &text).unwrap();
        assert_eq!(POLICY.accept(&block).unwrap_err(), KeyBlockError, "{header:?}");
    }
    for wrong_length in [24, 32, 8] {
        let key_bytes = [1; 32].split_at(wrong_length).0.to_vec();
        let text = wrap(&key(KBPK), &right, &key_bytes, &mut entropy()).unwrap();
        assert_eq!(
            POLICY.accept(&unwrap(&key(KBPK), &text).unwrap()).unwrap_err(),
            KeyBlockError
        );
    }
    let newer = Header {
        key_version: *b"01",
        ..right
    };
    let text = wrap(&key(KBPK), &newer, &[1; 16], &mut entropy()).unwrap();
    assert!(POLICY.accept(&unwrap(&key(KBPK), &text).unwrap()).is_ok());
}

/// The extended length of optional blocks: `00`, digits of the length, length.
#[test]
fn extended_optional_length() {
    let text = format!(
        "D0096M6AC00N010010000400{:02X}{}{}",
        16,
        "x".repeat(6),
        "0".repeat(64)
    );
    let (header, length) = parse_header(&text, VERSION_D).unwrap();
    assert_eq!((header.optional[0].data.as_str(), length), ("xxxxxx", 32));
    for bad in [
        text.replace("0400", "0000"),
        text.replace("040010", "040009"),
        text.replace("040010", "05FFFF"),
    ] {
        assert_eq!(parse_header(&bad, VERSION_D), Err(KeyBlockError), "{bad}");
    }
}
