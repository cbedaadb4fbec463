//! What other readers got wrong, and the tests that keep it from happening here; those that belong to no module of
//! their own are in this file.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use softpos_wire::{Tag, bcd, tag};

use crate::config::{KernelId, ReaderConfig, TerminalData};
use crate::kernel::AnyKernel;
use crate::kernel::scripted::{Objects, answer, bytes, input, run};
use crate::kernel::tests::KERNELS;
use crate::masking::masked_answer;

// Rule PEER-1: no "at or above" for a floor limit, and no "above" for the other two limits of Book B.
// [source: peer, danhu and DCEMV; test: entry::preprocessing::tests::operators_at_the_exact_limits,
// kernel::c2::tests::limits_are_exceeded_above_not_at; evidence: foreign libpay]
// Rule PEER-2: both providers of Discover, and neither a wrong one.
// [source: peer, libpay and DCEMV; test: config::tests::requested_kernels; evidence: own]
// Rule PEER-3: relay resistance is not skipped; microseconds become hundreds, percent are multiplied first, each grace
// stands at its own end, a zero is no divisor, each try has its own number and its own watch.
// [source: peer, danhu, DCEMV and Denom; test: kernel::c2::tests::relay::relay_resistance_in_time,
// kernel::c2::relay::tests::microseconds_become_hundreds_not_thousandths,
// kernel::c2::relay::tests::percent_is_multiplied_before_it_is_divided,
// kernel::c2::relay::tests::each_grace_at_its_own_end, kernel::c2::relay::tests::a_zero_estimate_is_never_divided_by,
// kernel::c2::tests::relay::a_new_number_for_each_try_and_the_watch_starts_anew; evidence: own]
// Rule PEER-4: cashback is refused for its amount, not because 9F03 is there; no switch to an interface that is not.
// [source: peer, danhu; test: kernel::c2::restrictions::tests::cashback_is_an_amount_not_a_tag,
// kernel::c3::decision::tests::no_switch_to_an_interface_that_is_not_there,
// kernel::c2::tests::conclusion::declines_switch_to_a_slot_only_where_there_is_one; evidence: own]
// Rule PEER-5: the qualifiers in 9F69 are its bytes 6 and 7, and the dynamic data may be the dynamic number alone.
// [source: peer, DCEMV and CrazyDudo; test: kernel::c3::decision::tests::verified_on_the_device,
// oda::tests::fdda_of_a_public_visa_card; evidence: foreign emv-oda]
// Rule PEER-6: a modulus that fits has no remainder, and 65537 is an exponent on every level.
// [source: peer, danhu and DCEMV; test: softpos-crypto::emv_rsa::tests::an_issuer_whose_modulus_fits_has_no_remainder,
// softpos-crypto::emv_rsa::tests::exponent_65537_works_on_the_card_level,
// oda::tests::the_exponent_is_what_the_checksum_says; evidence: foreign emv-oda]
// Rule PEER-7: kernel 2 sends no second GENERATE AC.
// [source: peer, com.atlas.softpos; test: kernel::c2::tests::conclusion::there_is_no_second_generate_ac; evidence: own]
// Rule PEER-8: keys are checked when they are loaded, and certificates revoked by provider, index and serial.
// [source: peer, emv-rs, emv-utils and DCEMV; test: oda::tests::a_key_with_a_wrong_checksum_is_never_loaded,
// oda::tests::revoked_by_provider_index_and_serial; evidence: foreign emv-capk]
// Rule PEER-9: tags of data object lists have up to three bytes, and a tag means what its kernel says.
// [source: peer, emv-rs, Denom and CrazyDudo; test: softpos-wire::dol::tests::parses_tags_of_every_length,
// softpos-wire::dictionary::tests::the_same_tag_has_another_name_where_kernels_differ,
// softpos-wire::bits::tests::the_same_tag_means_another_thing_in_another_kernel; evidence: foreign emv-dol]
// Rule PEER-10: a value of zeros is shown as zeros, and no text of a tap shows a card number.
// [source: peer, emv-utils and others in C; test: mistakes::zeros_are_shown_as_zeros,
// mistakes::no_text_of_a_tap_shows_a_card; evidence: own]
// Rule PEER-11: a list that does not fit is refused, never cut; both formats of the answer and one without a file
// locator are taken; 6985 is the next application and no decline.
// [source: peer, proxmark3, O2Xfs, NFC-EMV-Reader and stripe-android; test: mistakes::a_long_list_is_refused_not_cut,
// kernel::c2::tests::options_in_both_formats_and_without_locator,
// kernel::c3::tests::everything_in_one_answer_needs_no_locator,
// kernel::c3::tests::status_words_of_get_processing_options; evidence: own]
// Rule PEER-12: what the terminal can do is configured for each application: no PIN below its limit.
// [source: peer, stripe-terminal-android; test: mistakes::capabilities_are_those_of_the_application,
// kernel::c2::tests::conclusion::no_pin_below_the_verification_limit; evidence: own]

#[test]
fn zeros_are_shown_as_zeros() {
    assert_eq!(bcd::number(&[0; 6]), Ok(0));
    let zeros = bytes("77139F02060000000000009F3602000095030000009000");
    assert_eq!(
        hex::encode_upper(masked_answer(&zeros)),
        hex::encode_upper(&zeros)
    );
    assert_eq!(format!("{} {}", Tag::new(0), tag::TVR), "00 95");
}

const VISA: &str = "A0000000031010";
const TTQ: [u8; 4] = [0x21, 0x80, 0x40, 0];

/// Number, track and name of one card in all that can be printed of its tap, while it runs and when it has ended.
#[test]
fn no_text_of_a_tap_shows_a_card() {
    let card: Objects<'_> = &[
        (0x82, "0000"),
        (0x57, "4761739001010010D301220111438825"),
        (0x5A, "4761739001010010"),
        (0x5F20, "484F4C4445522F43415244"),
        (0x9F10, "06011103A00000"),
        (0x9F26, "20261203C3227D26"),
        (0x9F36, "0015"),
    ];
    let kernel = AnyKernel::start(input(
        KernelId::C3,
        VISA,
        &[(0x9F38, "9F66049F3704")],
        Some(TTQ),
        &[],
    ));
    let (_, outcome) = run(kernel, &[answer(tag::RESPONSE_FORMAT_2, card)]);
    let shown = format!("{outcome:?}");
    assert!(shown.contains("476173******0010"), "{shown}");
    for secret in ["4761739001010010", "D30122011143", "HOLDER", "71, 97, 115, 144"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

#[test]
fn a_long_list_is_refused_not_cut() {
    for (kernel, aid, fci, data) in KERNELS {
        // 252 bytes fit; kernel 8's own point is among them, and there it is the last byte that is too much.
        let (fits, long) = if kernel == KernelId::C8 {
            ("9F02B0", "9F02B1")
        } else {
            ("9F02F0", "9F02F09F0310")
        };
        for (more, starts) in [(fits, true), (long, false)] {
            let fci: Vec<(u32, String)> = fci
                .iter()
                .map(|(tag, value)| match *tag {
                    0x9F38 => (*tag, format!("{value}{more}")),
                    _ => (*tag, (*value).into()),
                })
                .collect();
            let fci: Vec<(u32, &str)> = fci.iter().map(|(tag, value)| (*tag, value.as_str())).collect();
            let started = AnyKernel::start(input(kernel, aid, &fci, Some(TTQ), data));
            assert_eq!(started.is_ok(), starts, "{kernel:?} {more}");
        }
    }
}

#[test]
fn capabilities_are_those_of_the_application() {
    let data = |value: u8| {
        let mut data = TerminalData::new();
        data.set(tag::TERMINAL_CAPABILITIES, &[0, value, 0xC8]);
        data
    };
    let config = ReaderConfig {
        terminal: data(0x40),
        kernels: [(KernelId::C2, data(0x48))].into(),
        ..ReaderConfig::default()
    };
    let told = |kernel, own| {
        config
            .data_for(kernel, &own)
            .value(tag::TERMINAL_CAPABILITIES)
            .map(<[u8]>::to_vec)
    };
    assert_eq!(
        told(KernelId::C2, data(0x08)),
        Some([0, 0x08, 0xC8].into()),
        "the application's own"
    );
    assert_eq!(
        told(KernelId::C2, TerminalData::new()),
        Some([0, 0x48, 0xC8].into())
    );
    assert_eq!(
        told(KernelId::C3, TerminalData::new()),
        Some([0, 0x40, 0xC8].into())
    );
}
