use alloc::string::String;
use alloc::vec::Vec;

use super::*;

fn key(text: &str) -> TdesKey {
    TdesKey::from_bytes(&hex::decode(text).unwrap()).unwrap()
}

/// ASC X9 TR-31:2018, A.7.2.1, A.7.2.2, A.7.3.1, A.7.3.2 (as openemv/tr31 tests them).
const BLOCKS: [(&str, &str, &str); 4] = [
    (
        "89E88CF7931444F334BD7547FC3F380C",
        "A0072P0TE00E0000F5161ED902807AF26F1D62263644BD24192FDB3193C730301CEE8701",
        "F039121BEC83D26B169BDCD5B22AAF8F",
    ),
    (
        "DD7515F2BFC17F85CE48F3CA25CB21F6",
        "B0080P0TE00E000094B420079CC80BA3461F86FE26EFC4A3B8E4FA4C5F5341176EED7B727B8A248E",
        "3F419E1CB7079442AA37474C2EFBF8B8",
    ),
    (
        "B8ED59E0A279A295E9F5ED7944FD06B9",
        "C0096B0TX12S0100KS1800604B120F9292800000BFB9B689CB567E66FC3FEE5AD5F52161FC6545B9D60989015D02155C",
        "EDB380DD340BC2620247D445F5B8D678",
    ),
    (
        "1D22BF32387C600AD97F9B97A51311AC",
        "B0104B0TX12S0100KS1800604B120F9292800000BB68BE8680A400D9191AD4ECE45B6E6C0D21C4738A52190E248719E24B433627",
        "E8BC63E5479455E26577F715D587FE68",
    ),
];

#[test]
fn known_answers() {
    for (kbpk, text, inside) in BLOCKS {
        let opened = unwrap(&key(kbpk), text).unwrap();
        assert_eq!(opened.version, text.as_bytes()[0]);
        assert_eq!(hex::encode_upper(opened.block.key.expose()), inside);
    }
    let opened = unwrap(&key(BLOCKS[2].0), BLOCKS[2].1).unwrap().block;
    assert_eq!(opened.header.usage, *b"B0");
    assert_eq!(opened.header.optional[0].data, "00604B120F9292800000");
}

#[test]
fn every_changed_character_is_refused() {
    for (kbpk, text, _) in BLOCKS {
        for place in 0..text.len() {
            let mut changed: Vec<u8> = text.bytes().collect();
            changed[place] = if changed[place] == b'0' { b'1' } else { b'0' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(unwrap(&key(kbpk), &changed).is_err(), "{place} of {text}");
        }
        for cut in 0..text.len() {
            assert!(unwrap(&key(kbpk), text.get(..cut).unwrap()).is_err());
        }
        assert!(unwrap(&key("00112233445566778899AABBCCDDEEFF"), text).is_err());
        assert!(unwrap(&key(kbpk), &text.to_lowercase()).is_err());
    }
}

/// The kept version is not opened by the old way, nor the old ones by the kept way.
#[test]
fn versions_do_not_mix() {
    let d = "D0112P0AE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F7425509593D03A457DC34";
    assert!(unwrap(&key(BLOCKS[0].0), d).is_err());
    let aes = crate::AesKey::from_bytes(&[1; 16]).unwrap();
    for (_, text, _) in BLOCKS {
        assert!(crate::key_block::unwrap(&aes, text).is_err());
    }
}
