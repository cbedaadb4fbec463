//! Cards and amounts that lead nowhere.

use super::*;

#[test]
fn every_missing_object_ends_the_application() {
    for tag in [
        tag::AIP,
        tag::TRACK_2,
        tag::ISSUER_APPLICATION_DATA,
        tag::CRYPTOGRAM,
        tag::ATC,
    ] {
        let stopped = ended(tap(&mut reader(PHONE_TTQ, 200), &options(&[(tag, None)])));
        let expected = if tag == tag::AIP {
            Reason::Malformed
        } else {
            Reason::DataMissing(tag)
        };
        assert_eq!(stopped.reason, expected);
    }
    for (tag, wrong) in [
        (tag::CRYPTOGRAM, &[1_u8; 7][..]),
        (tag::ATC, &[1]),
        (tag::PAN_SEQUENCE, &[1, 2]),
        (tag::ISSUER_APPLICATION_DATA, &[6; 33]),
    ] {
        let stopped = ended(tap(&mut reader(PHONE_TTQ, 200), &options(&[(tag, Some(wrong))])));
        assert_eq!(stopped.reason, Reason::DataMissing(tag));
    }
}

#[test]
fn contradicting_data_ends_the_application() {
    let reason =
        |change: &[(Tag, Option<&[u8]>)]| ended(tap(&mut reader(PHONE_TTQ, 200), &options(change))).reason;
    let other_number = bytes("4761739001010028");
    assert_eq!(reason(&[(tag::PAN, Some(&other_number))]), Reason::DataConflict);
    assert_eq!(
        reason(&[(tag::TRACK_2, Some(&bytes("5413330089600044D3012201")))]),
        Reason::BrandConflict
    );
    assert_eq!(
        reason(&[(tag::TRACK_2, Some(&bytes("4761739001010010")))]),
        Reason::Malformed
    );
    assert_eq!(
        reason(&[(tag::ISSUER_APPLICATION_DATA, Some(&bytes("06011103B00000")))]),
        Reason::DataMissing(tag::CRYPTOGRAM_INFORMATION)
    );
    let mut twice = options(&[]);
    let end = twice.len() - 2;
    twice.splice(end..end, bytes("9F36020016"));
    twice[1] += 5;
    assert_eq!(
        ended(tap(&mut reader(PHONE_TTQ, 200), &twice)).reason,
        Reason::DataTwice(tag::ATC)
    );
}

#[test]
fn bad_records_end_the_application() {
    let with_record = |record: &[u8]| {
        let mut reader = reader(PHONE_TTQ, 200);
        let read = tap(
            &mut reader,
            &options(&[(tag::AFL, Some(&[0x08, 0x01, 0x01, 0x00]))]),
        );
        assert_eq!(command(&read), "00B2010C00");
        reader.card_replied(record, 0, NOW)
    };
    assert_eq!(
        ended(with_record(&[0x6A, 0x83])).reason,
        Reason::RecordRefused(0x6A83)
    );
    for bad in ["9000", "77009000", "70059F0C9000", "5A01479000"] {
        assert_eq!(ended(with_record(&bytes(bad))).reason, Reason::Malformed, "{bad}");
    }
    assert!(
        matches!(with_record(&[0x90]), ReaderStep::WaitForCard(_)),
        "no status word"
    );
    online(with_record(&bytes("70009000")));
}

#[test]
fn bad_locators_and_endless_record_lists_end_the_application() {
    for afl in [&[0x08, 0x02, 0x01, 0x00][..], &[0x08, 0x01, 0x41, 0x00], &[0x08]] {
        let stopped = ended(tap(
            &mut reader(PHONE_TTQ, 200),
            &options(&[(tag::AFL, Some(afl))]),
        ));
        assert_eq!(stopped.reason, Reason::Malformed);
    }
}

#[test]
fn bad_answers_to_select_end_the_application() {
    for (fci, reason) in [
        ("6F118407A0000000031011A5069F38039F6604", Reason::DataConflict),
        ("6F08A5069F38039F6604", Reason::DataMissing(tag::DF_NAME)),
    ] {
        let mut reader = reader(PHONE_TTQ, 200);
        reader.card_present(NOW);
        reader.card_replied(&bytes(PPSE), 0, NOW);
        let mut answer = bytes(fci);
        answer.extend([0x90, 0]);
        assert_eq!(ended(reader.card_replied(&answer, 0, NOW)).reason, reason);
    }
    let mut long = TlvWriter::new();
    long.template(tag::FCI_TEMPLATE, |fci| {
        fci.put(tag::DF_NAME, &[0xA0, 0, 0, 0, 3, 0x10, 0x10]);
        fci.template(tag::FCI_PROPRIETARY, |inner| {
            inner.put(tag::PDOL, &[0x9F, 0x66, 0x04, 0x9F, 0x37, 0xFA]);
        });
    });
    let mut answer = long.into_vec();
    answer.extend([0x90, 0]);
    let mut reader = reader(PHONE_TTQ, 200);
    reader.card_present(NOW);
    reader.card_replied(&bytes(PPSE), 0, NOW);
    assert_eq!(
        ended(reader.card_replied(&answer, 0, NOW)).reason,
        Reason::Malformed
    );
}

#[test]
fn format_1_lacks_what_visa_needs() {
    let step = tap(&mut reader(PHONE_TTQ, 200), &bytes("800220009000"));
    assert_eq!(ended(step).reason, Reason::DataMissing(tag::ATC));
}

#[test]
fn amounts_that_cannot_be_sent_or_are_not_allowed() {
    let config = config(PHONE_TTQ, 0, 1_000);
    assert_eq!(
        Reader::new(&config, transaction(-1)).unwrap_err(),
        ReaderError::Amount
    );
    assert_eq!(
        Reader::new(&config, transaction(1_000_000_000_000)).unwrap_err(),
        ReaderError::Amount
    );
    assert!(matches!(
        Reader::new(&config, transaction(20_000)).unwrap_err(),
        ReaderError::NothingAllowed(ui) if ui.message == Message::InsertOrSwipe
    ));
}

#[test]
fn an_unknown_kernel_counts_as_the_next_application() {
    let mut config = config(PHONE_TTQ, 0, 1_000);
    config.combinations[0].kernel = KernelId::new(0x2E);
    let mut reader = Reader::new(&config, transaction(200)).unwrap();
    reader.card_present(NOW);
    let ppse = "6F27840E325041592E5359532E4444463031A515BF0C12611\
                04F07A00000000310108701019F2A012E9000";
    reader.card_replied(&bytes(ppse), 0, NOW);
    let step = reader.card_replied(&bytes(FCI), 0, NOW);
    assert_eq!(ended(step).reason, Reason::NoApplication);
}
