//! A tap with a card of our own, as it went over the air: what is enciphered and signed in it stays as it was made, so
//! that a change on either side shows. It proves that nothing has moved, not that it is right.

use super::super::super::scripted::bytes;
use super::*;

/// Commands and answers.
const TAP: [(&str, &str); 6] = [
    (
        "80A8000051834F0217E617F0B6443928278F96999E69A23A4F2C152BDF6D6CDF66E5B80282D4ED194A7DEBCB97712D2DDA3CA85AA8765A56F45FC758599652F2897C65306E579402800010FFFF0000ABABABAB00001000",
        "776C8202010B940808010101080203009F810340AECC7E6961AD802FB3484BB5B1B709A50BD9E1788CF84C69F8036806A91397C8F95A533665B57E9524B60C72C6693D9496CE7A1E80613B03327C2B48F071AB438C189F02069F03069F1A0295055F2A029A039C019F37049F1D089000",
    ),
    ("80EA000004ABABABAB00", "800A001122330000019000189000"),
    (
        "00B2010C00",
        "DA2EF4DD09D407AD1DA48C3857605B238997F88AF8759FB31675ACAB6D3A19555AEBE196BE02521C8145330F1E1972DA9000",
    ),
    (
        "00B2020C00",
        "DA7AB258E05E6F426BFAD759A6593D1325D1DDD2C13DA162EE1E4758E678CB3AF2EE329EC0A22AC0DBCBB9FC227B9651ACCAD17B1C4E45C5AF578EDF343D7B8DE355434EE6E4332DB5503A69EF6AE32F96093F909D7A33D011690AAA15C2AF07365CA5AED7154BF702D326A4BEF57DCDE4B070E063896EA759B975C79000",
    ),
    (
        "00B2030C00",
        "DA81952C20482276A4D4A64C65770B23FB8743B49CB10B7B6BB9D6B3959045DFB6B3271157CAE3A7EE615CFF38E345021C868E83BE69C45860E68A552FDB1B759694939E4F5443B198C85A71D24E53A5326E21F1D62A06F39BC11E28D7FB092C80F475C94DF5C67B769D91DC200A3EED447CE2719960B97DE0D2550347B2EC780461ABDBF17283ADFAB461551346AA54FDFB603BD8FB72BD9000",
    ),
    (
        "80AE40002500000000020000000000000001560000000082015626112200ABABABAB080000000000000000",
        "77459F2701809F360200019F260811223344556677889F101400000000000000000000000000000000000000009F810201009F81040500000000009F8105085A8E5A09EC093F8C9000",
    ),
];

#[test]
fn a_recorded_tap_goes_the_same_way_again() {
    let mut kernel = C8::start(kernel_input(FCI, &[])).unwrap();
    for (number, (command, answer)) in TAP.iter().enumerate() {
        assert_eq!(
            hex::encode_upper(kernel.poll_capdu().unwrap()),
            *command,
            "command {number}"
        );
        match kernel.on_rapdu(&bytes(answer), 20_000, NOW) {
            Progress::Continue => assert!(number + 1 < TAP.len()),
            Progress::Done(outcome) => {
                assert_eq!(number + 1, TAP.len());
                assert_eq!(outcome.kind, OutcomeKind::OnlineRequest);
                let read = outcome.read.unwrap();
                assert_eq!(read.authentication, Some(Authentication::Local));
                assert_eq!(read.pan.masked(), "541333******0044");
            }
        }
    }
    let mut card = Card::new();
    for (command, answer) in TAP {
        let body = card.body(&bytes(command));
        assert_eq!([body, vec![0x90, 0x00]].concat(), bytes(answer), "{command}");
    }
}
