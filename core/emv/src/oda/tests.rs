use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use softpos_crypto::emv_rsa::key_checksum;
use softpos_types::Pan;
use softpos_wire::{Tag, tag};

use super::*;

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

// A Visa and a Mastercard test card with their authorities' keys: facts from the mock cards of
// MohamedHassanNasr/emv (BSD-3-Clause style).
const VISA_92: &str = "996AF56F569187D09293C14810450ED8EE3357397B18A2458EFAA92DA3B6DF6514EC060195318FD43BE9B8F0CC669E3F844057CBDDF8BDA191BB64473BC8DC9A730DB8F6B4EDE3924186FFD9B8C7735789C23A36BA0B8AF65372EB57EA5D89E7D14E9C7B6B557460F10885DA16AC923F15AF3758F0F03EBD3C5C2C949CBA306DB44E6A2C076C5F67E281D7EF56785DC4D75945E491F01918800A9E2DC66F60080566CE0DAF8D17EAD46AD8E30A247C9F";
const MASTERCARD_F3: &str = "98F0C770F23864C2E766DF02D1E833DFF4FFE92D696E1642F0A88C5694C6479D16DB1537BFE29E4FDC6E6E8AFD1B0EB7EA0124723C333179BF19E93F10658B2F776E829E87DAEDA9C94A8B3382199A350C077977C97AFF08FD11310AC950A72C3CA5002EF513FCCC286E646E3C5387535D509514B3B326E1234F9CB48C36DDD44B416D23654034A66F403BA511C5EFA3";
const VISA_CARD: &[(u32, &str)] = &[
    (0x5A, "4761739001010010"),
    (
        0x90,
        "5FACBFDA21EE8128D057A3BBA9EB5971EBE09B3095C9F4623D62417149F33B20CC596DD24F97C005AC15449C56D5B26DFA93C5EA23BFA04A3B92BFD0569F4521B7528781BB3C067544042734F85AE9BD1753825805AC4255CE8885F7565F1B65BE4517AA149D72EA548440F7C462BB77F76642344BBC616370C317E73542D78ED234AD84C59E2CD2323F22AA36A2835C8054C6607433CC65307ED05D787667DF32483BD6507EA6861B11BE8345F5656C",
    ),
    (0x92, "4B76E0F7"),
    (0x9F32, "03"),
    (
        0x9F46,
        "A7805CB24AC17B36F81F753EA9D37F1D0578DF95F6979C1FA4EE505B712C1A31C19FE5E3B8A8C1E47A560DF17C056E8FDB53D81A2648589CE9F3F1E16F229D200CCD6A780573871D244D4A90C6ABB596EC55AD1E6596443B3748C752B878605D62DCD2A8F7E5A8E0CBFF63C60740A8338F0952782D683B4AE8E70DCD03D94730D566267E89DB20C514A20757FD1AE407",
    ),
    (0x9F47, "03"),
    (0x9F48, "761CCBE81F44003478E9"),
    (
        0x9F4B,
        "07C80CE709D528ABC39618AE71BB80BDA976AC4F220A2E77D96A03615C5ED6CCC18FB6F72F8D229C72CACEC29FBF1F1B233248F9D961E1887D009DC9AC146963137CC76ECC69C74399B339EEAC184B839D9220EAECCBA56774DD86EF74F07028DB37DD5EB621814BA71B7F8BB6AAE0F4",
    ),
    (0x9F69, "0169C16C99"),
    (0x8F, "92"),
];
const VISA_RECORD: &str = "5A0847617390010100105F24031912315F340101";
const MASTERCARD_CARD: &[(u32, &str)] = &[
    (0x5A, "5413339000001513"),
    (
        0x90,
        "21EC0FC6E1810DFEEA26545127494B40F5F12FA8670877C4B47516BBCD67EDF5F0652B437B4D3E4E83999E7B8245E2A18A7968E7C3E1C16B5609036E65E0F4AF2C4383AF19F1679DD59726C5D315B21967F5A3E526E645724B61F4C8ABCE98BEB8DF1FD64237DBE356B1F96C73EBA3206AAA4C818518E58E17F0E4265A0A5D7E2196E983C6DA78FC5C73F64E6F3AFF5A",
    ),
    (
        0x92,
        "EFF4A554A084A829B0D6D5ACCC34B84C262B32436ABDAC9899308D51E57C83DF6908C389",
    ),
    (0x9F32, "03"),
    (
        0x93,
        "71E2614A46A3A653425C29A168FF718379C8B3F82DACDA4F781A07D57E239AF9713892F17DA70EF9DCD31051D9EB4E352EF0ACE7D820DFA75A4D0FB0237D01F361FC290EBAFF1DF1696899FAB7D9E478B7AC58212D04328E2E8876D1723D250E6186CAFC8338F8FDBA8E19ADF72A84E549892967A1549DD4ACB133ACB2A791A68E1A2ABFF20FCB278F9314C03FE60CD5",
    ),
    (
        0x9F46,
        "4D05000EBF47E8F9F2A66D769CC1D3AA7E2A888A697ABBBB611053557FDC98597AB433CFD325942F1269892B4F1009547AE0A5BDB85442CA10D2167FFDA67995F357770F370DB60035F32F3F01F353EC26DC83C36F32B18848363C64EAECDDE93E2770E66CBC14E530FDD7A036B88270366383E9C95EF44C9B640C93B6181F6DB4756B140BE65BE084E7C379F0060DFD",
    ),
    (0x9F47, "03"),
    (0x9F48, "D529BCACA7F9ECEADE85990F1E04FEAE9FA033DF691268F9F2D5"),
    (
        0x9F4B,
        "4D0605626698777BCC72E20DBE5C631C1372FB8B3EAB4DC8B06EFB7FE253A527000B8D7887C300232BC4849ED7DEAF3C6B260464190EF085B9663A0437C1FEA159F7F7C03F80D8A5CE5A52C8AE0BD702A94E84FE5D06B2DFAF3DA0750F3D5E5B0FAEC66A83DBEEDF22BAAD53FFD220F314A8C12A646C4BFDB296D71A0065B28F",
    ),
    (0x9F27, "40"),
    (0x8F, "F3"),
];
const MASTERCARD_STATIC: &str = "57125413339000001513D20122010000000000005A0854133390000015135F24032012315F25030601015F280202505F3401018C279F02069F03069F1A0295055F2A029A039C019F37049F35019F45029F4C089F34039F21039F7C148D12910A8A0295059F37049F4C089F02069F03068E0A00000000000000001F039F0702FF009F080200029F0D05F8406420009F0E0500108800009F0F05F86064F8009F420209789F51039F37049F5B0CDF6008DF6108DF6201DF63A09F4A01825980";
const MASTERCARD_TRANSACTION: &str = "00000000000000006000F000010000000000010000000000000056000000000109781908190033BCA47D26000000000000000000001F030200000000000000000000000000000000000000000000009F2701409F360202E09F101A2210904203A400000000000000024355FFFF00000000000000FF";

/// Keys with the checksums published beside them in public lists that are wrong: RID, index, modulus, exponent,
/// published checksum.
const WRONG_CHECKSUMS: &[(&str, u8, &str, &str, &str)] = &[
    (
        "A000000003",
        0x51,
        "DB5FA29D1FDA8C1634B04DCCFF148ABEE63C772035C79851D3512107586E02A917F7C7E885E7C4A7D529710A145334CE67DC412CB1597B77AA2543B98D19CF2CB80C522BDBEA0F1B113FA2C86216C8C610A2D58F29CF3355CEB1BD3EF410D1EDD1F7AE0F16897979DE28C6EF293E0A19282BD1D793F1331523FC71A228800468C01A3653D14C6B4851A5C029478E757F",
        "03",
        "969299D792D3CC08AD28F2D544CEE3309DADF1B9",
    ),
    (
        "A000000003",
        0x53,
        "BCD83721BE52CCCC4B6457321F22A7DC769F54EB8025913BE804D9EABBFA19B3D7C5D3CA658D768CAF57067EEC83C7E6E9F81D0586703ED9DDDADD20675D63424980B10EB364E81EB37DB40ED100344C928886FF4CCC37203EE6106D5B59D1AC102E2CD2D7AC17F4D96C398E5FD993ECB4FFDF79B17547FF9FA2AA8EEFD6CBDA124CBB17A0F8528146387135E226B005A474B9062FF264D2FF8EFA36814AA2950065B1B04C0A1AE9B2F69D4A4AA979D6CE95FEE9485ED0A03AEE9BD953E81CFD1EF6E814DFD3C2CE37AEFA38C1F9877371E91D6A5EB59FDEDF75D3325FA3CA66CDFBA0E57146CC789818FF06BE5FCC50ABD362AE4B80996D",
        "03",
        "A84A53964513A5D9363B4BA13AF5D43B83A83CE7",
    ),
    (
        "A000000003",
        0x58,
        "99552C4A1ECD68A0260157FC4151B5992837445D3FC57365CA5692C87BE358CDCDF2C92FB6837522842A48EB11CDFFE2FD91770C7221E4AF6207C2DE4004C7DEE1B6276DC62D52A87D2CD01FBF2DC4065DB52824D2A2167A06D19E6A0F781071CDB2DD314CB94441D8DC0E936317B77BF06F5177F6C5ABA3A3BC6AA30209C97260B7A1AD3A192C9B8CD1D153570AFCC87C3CD681D13E997FE33B3963A0A1C79772ACF991033E1B8397AD0341500E48A24770BC4CBE19D2CCF419504FDBF0389BC2F2FDCD4D44E61F",
        "010001",
        "E6D302EBE7DC6F267E4D00F7D488F0AB6235F105",
    ),
    (
        "A000000003",
        0x58,
        "99552C4A1ECD68A0260157FC4151B5992837445D3FC57365CA5692C87BE358CDCDF2C92FB6837522842A48EB11CDFFE2FD91770C7221E4AF6207C2DE4004C7DEE1B6276DC62D52A87D2CD01FBF2DC4065DB52824D2A2167A06D19E6A0F781071CDB2DD314CB94441D8DC0E936317B77BF06F5177F6C5ABA3A3BC6AA30209C97260B7A1AD3A192C9B8CD1D153570AFCC87C3CD681D13E997FE33B3963A0A1C79772ACF991033E1B8397AD0341500E48A24770BC4CBE19D2CCF419504FDBF0389BC2F2FDCD4D44E61F",
        "03",
        "E6D302EBE7DC6F267E4D00F7D488F0AB6235F105",
    ),
    (
        "A000000003",
        0x99,
        "AB79FCC9520896967E776E64444E5DCDD6E13611874F3985722520425295EEA4BD0C2781DE7F31CD3D041F565F747306EED62954B17EDABA3A6C5B85A1DE1BEB9A34141AF38FCF8279C9DEA0D5A6710D08DB4124F041945587E20359BAB47B7575AD94262D4B25F264AF33DEDCF28E09615E937DE32EDC03C54445FE7E382777",
        "03",
        "381A035DA58B482EE2AF75F4C3F2CA469BA4AA6C",
    ),
    (
        "A000000004",
        0xF5,
        "A6E6FB72179506F860CCCA8C27F99CECD94C7D4F3191D303BBEE37481C7AA15F233BA755E9E4376345A9A67E7994BDC1C680BB3522D8C93EB0CCC91AD31AD450DA30D337662D19AC03E2B4EF5F6EC18282D491E19767D7B24542DFDEFF6F62185503532069BBB369E3BB9FB19AC6F1C30B97D249EEE764E0BAC97F25C873D973953E5153A42064BBFABFD06A4BB486860BF6637406C9FC36813A4A75F75C31CCA9F69F8DE59ADECEF6BDE7E07800FCBE035D3176AF8473E23E9AA3DFEE221196D1148302677C720CFE2544A03DB553E7F1B8427BA1CC72B0F29B12DFEF4C081D076D353E71880AADFF386352AF0AB7B28ED49E1E672D11F9",
        "03",
        "C2239804C8098170BE52D6D5D4159E81CE8466BF",
    ),
    (
        "F105000003",
        0x92,
        "996AF56F569187D09293C14810450ED8EE3357397B18A2458EFAA92DA3B6DF6514EC060195318FD43BE9B8F0CC669E3F844057CBDDF8BDA191BB64473BC8DC9A730DB8F6B4EDE3924186FFD9B8C7735789C23A36BA0B8AF65372EB57EA5D89E7D14E9C7B6B557460F10885DA16AC923F15AF3758F0F03EBD3C5C2C949CBA306DB44E6A2C076C5F67E281D7EF56785DC4D75945E491F01918800A9E2DC66F60080566CE0DAF8D17EAD46AD8E30A247C9F",
        "03",
        "429C954A3859CEF91295F663C963E582ED6EB253",
    ),
];

const VISA_RID: [u8; 5] = [0xA0, 0, 0, 0, 3];
const MASTERCARD_RID: [u8; 5] = [0xA0, 0, 0, 0, 4];
const TODAY: [u8; 3] = [0x19, 0x08, 0x19];

fn authority((rid, index): ([u8; 5], u8), modulus: &str) -> AuthorityKey {
    let modulus = bytes(modulus);
    let checksum = key_checksum((rid, index), &modulus, &[3]);
    AuthorityKey::new((rid, index), &modulus, &[3], checksum).unwrap()
}

fn both_keys() -> Vec<AuthorityKey> {
    vec![
        authority((VISA_RID, 0x92), VISA_92),
        authority((MASTERCARD_RID, 0xF3), MASTERCARD_F3),
    ]
}

/// A card under test: everything about it can be changed.
struct Setup {
    keys: AuthorityKeys,
    rid: [u8; 5],
    today: [u8; 3],
    pan: Pan,
    objects: BTreeMap<Tag, Vec<u8>>,
}

impl Setup {
    fn of(rid: [u8; 5], objects: &[(u32, &str)]) -> Self {
        let objects: BTreeMap<Tag, Vec<u8>> = objects
            .iter()
            .map(|(tag, value)| (Tag::new(*tag), bytes(value)))
            .collect();
        Self {
            keys: AuthorityKeys::new(both_keys(), Vec::new()).unwrap(),
            rid,
            today: TODAY,
            pan: Pan::from_bcd(&objects[&tag::PAN]).unwrap(),
            objects,
        }
    }

    fn visa() -> Self {
        Self::of(VISA_RID, VISA_CARD)
    }

    fn mastercard() -> Self {
        Self::of(MASTERCARD_RID, MASTERCARD_CARD)
    }

    /// Both certificates, as far as they hold: the card's key.
    fn card_key(&self, static_data: &[&[u8]]) -> Result<softpos_crypto::emv_rsa::PublicKey, OdaFailure> {
        let card = |tag| self.objects.get(&tag).map(Vec::as_slice);
        let chain = Chain {
            keys: &self.keys,
            rid: self.rid,
            today_yymmdd: self.today,
            pan: &self.pan,
            card: &card,
        };
        let issuer = chain.issuer()?;
        Ok(chain.card(&issuer.key, static_data)?.key)
    }

    fn fails(&self, static_data: &str) -> (OdaStep, OdaCause) {
        let failure = self.card_key(&[&bytes(static_data)]).unwrap_err();
        (failure.step, failure.cause)
    }
}

/// Kernel 3, fDDA version 01: 9F37, 9F02, 5F2A and 9F69 as received; the dynamic data are the number alone.
#[test]
fn fdda_of_a_public_visa_card() {
    let visa = Setup::visa();
    let key = visa.card_key(&[&bytes(VISA_RECORD)]).unwrap();
    let signature = visa.objects.get(&tag::SIGNED_DYNAMIC_DATA).map(Vec::as_slice);
    let terminal = |authentication_data: &str| {
        let data = ["ABABABAB", "000000000200", "0840", authentication_data].map(bytes);
        dynamic(&key, signature, &[&data[0], &data[1], &data[2], &data[3]])
    };
    let signed = terminal("0169C16C99").unwrap();
    assert_eq!(signed.dynamic_number.expose(), [0x00, 0x15]);
    assert!(
        signed.rest.is_empty(),
        "no qualifiers in the dynamic data, and none are asked for"
    );
    let failed = Err(OdaFailure::new(OdaStep::DynamicSignature, OdaCause::Signature));
    assert_eq!(terminal("0169C16C98").map(|_| ()), failed);
    assert_eq!(terminal("").map(|_| ()), failed);
    assert_eq!(
        dynamic(&key, None, &[]).map(|_| ()).unwrap_err().cause,
        OdaCause::Missing(tag::SIGNED_DYNAMIC_DATA)
    );
}

#[test]
fn cda_of_a_public_mastercard() {
    let card = Setup::mastercard();
    let key = card.card_key(&[&bytes(MASTERCARD_STATIC)]).unwrap();
    let signature = card.objects.get(&tag::SIGNED_DYNAMIC_DATA).map(Vec::as_slice);
    let number = [0x33, 0xBC, 0xA4, 0x7D];
    let sent = bytes(MASTERCARD_TRANSACTION);
    let judge = |information, data: &[&[u8]]| {
        combined(&key, signature, number, (information, data)).map_err(|failure| failure.step)
    };
    let signed = judge(0x40, &[&sent]).unwrap();
    assert_eq!(hex::encode_upper(signed.cryptogram), "49C27A9F8E4BF538");
    // The cryptogram information inside the signature is the one outside.
    assert_eq!(judge(0x80, &[&sent]).unwrap_err(), OdaStep::TransactionData);
    let mut other_amount = sent;
    other_amount[20] ^= 1;
    assert_eq!(
        judge(0x40, &[&other_amount]).unwrap_err(),
        OdaStep::TransactionData
    );
    assert_eq!(
        combined(&key, signature, [0; 4], (0x40, &[])).unwrap_err().step,
        OdaStep::DynamicSignature
    );
}

#[test]
fn sda_under_the_issuers_key() {
    let setup = Setup::mastercard();
    let card = |tag| setup.objects.get(&tag).map(Vec::as_slice);
    let chain = Chain {
        keys: &setup.keys,
        rid: setup.rid,
        today_yymmdd: setup.today,
        pan: &setup.pan,
        card: &card,
    };
    let issuer = chain.issuer().unwrap().key;
    let data = bytes(MASTERCARD_STATIC);
    let (head, tail) = data.split_at(40);
    assert_eq!(chain.static_signature(&issuer, &[head, tail]), Ok([0xDA, 0xC0]));
    assert_eq!(
        chain.static_signature(&issuer, &[tail]).unwrap_err(),
        OdaFailure::new(OdaStep::StaticSignature, OdaCause::Signature)
    );
}

#[test]
fn a_key_with_a_wrong_checksum_is_never_loaded() {
    for (rid, index, modulus, exponent, published) in WRONG_CHECKSUMS {
        let name = (bytes(rid).try_into().unwrap(), *index);
        let (modulus, exponent) = (bytes(modulus), bytes(exponent));
        let published = bytes(published).try_into().unwrap();
        assert_eq!(
            AuthorityKey::new(name, &modulus, &exponent, published).map(|_| ()),
            Err(KeyRefused::Checksum),
            "{name:02X?}"
        );
    }
}

/// Two public lists give this key exponent 3; its checksum proves 65537.
#[test]
fn the_exponent_is_what_the_checksum_says() {
    let (rid, index, modulus, _, published) = WRONG_CHECKSUMS
        .iter()
        .find(|(rid, index, ..)| (*rid, *index) == ("A000000004", 0xF5))
        .unwrap();
    let name = (bytes(rid).try_into().unwrap(), *index);
    let checksum: [u8; 20] = bytes(published).try_into().unwrap();
    assert!(AuthorityKey::new(name, &bytes(modulus), &[3], checksum).is_err());
    let key = AuthorityKey::new(name, &bytes(modulus), &[1, 0, 1], checksum).unwrap();
    let keys = AuthorityKeys::new(vec![key], Vec::new()).unwrap();
    assert!(keys.find(name.0, *index, TODAY).is_some());
}

/// A000000003/52 and two others exist with two moduli each, live and test.
#[test]
fn live_and_test_keys_of_one_name_do_not_share_a_list() {
    let mut keys = both_keys();
    keys.push(authority((VISA_RID, 0x92), MASTERCARD_F3));
    assert_eq!(
        AuthorityKeys::new(keys, Vec::new()).map(|_| ()),
        Err(KeyRefused::Twice)
    );
}

#[test]
fn keys_count_for_their_provider_and_until_their_last_day() {
    let key = authority((VISA_RID, 0x92), VISA_92).expiring([0x19, 0x08, 0x19]);
    let keys = AuthorityKeys::new(vec![key], Vec::new()).unwrap();
    let found = |rid, index, today| keys.find(rid, index, today).is_some();
    assert!(found(VISA_RID, 0x92, [0x19, 0x08, 0x19]));
    assert!(!found(VISA_RID, 0x92, [0x19, 0x08, 0x20]));
    assert!(found(VISA_RID, 0x92, [0x99, 0x12, 0x31]), "1999");
    assert!(!found(MASTERCARD_RID, 0x92, TODAY) && !found(VISA_RID, 0x93, TODAY));
    assert_eq!(format!("{keys:?}"), "[A000000003/92]");
}

/// Exponent 2 was withdrawn: such keys are still published, with right checksums, and verify nothing.
#[test]
fn a_withdrawn_exponent_verifies_nothing() {
    let modulus = bytes(VISA_92);
    let name = (VISA_RID, 0x92);
    let key = AuthorityKey::new(name, &modulus, &[2], key_checksum(name, &modulus, &[2])).unwrap();
    let mut visa = Setup::visa();
    visa.keys = AuthorityKeys::new(vec![key], Vec::new()).unwrap();
    assert_eq!(visa.fails(VISA_RECORD).0, OdaStep::AuthorityKey);
}

/// The authority's key must be of the provider whose application was selected.
#[test]
fn another_providers_key_does_not_count() {
    let mut visa = Setup::visa();
    visa.rid = MASTERCARD_RID;
    assert_eq!(
        visa.fails(VISA_RECORD),
        (OdaStep::AuthorityKey, OdaCause::Missing(tag::CA_KEY_INDEX))
    );
}

#[test]
fn revoked_by_provider_index_and_serial() {
    let revoked = |rid, index, serial| {
        let mut visa = Setup::visa();
        let revocation = Revocation { rid, index, serial };
        visa.keys = AuthorityKeys::new(both_keys(), vec![revocation]).unwrap();
        visa.card_key(&[&bytes(VISA_RECORD)]).is_err()
    };
    let serial = [0x03, 0x49, 0x69];
    assert!(revoked(VISA_RID, 0x92, serial));
    assert!(!revoked(MASTERCARD_RID, 0x92, serial));
    assert!(!revoked(VISA_RID, 0x93, serial));
    assert!(!revoked(VISA_RID, 0x92, [0x03, 0x49, 0x68]));
}

#[test]
fn certificates_count_until_the_last_day_of_their_month() {
    let at = |today| {
        let mut visa = Setup::visa();
        visa.today = today;
        visa.card_key(&[&bytes(VISA_RECORD)]).map(|_| ())
    };
    assert_eq!(at([0x19, 0x12, 0x31]), Ok(()));
    let failure = at([0x20, 0x01, 0x01]).unwrap_err();
    assert_eq!(
        (failure.step, failure.cause),
        (OdaStep::IssuerCertificate, OdaCause::Expired)
    );
    assert_eq!(format!("{failure}"), "IssuerCertificate: Expired");
}

#[test]
fn certificates_are_about_this_number() {
    let with = |digits: &[u8]| {
        let mut visa = Setup::visa();
        visa.pan = Pan::from_digits(digits).unwrap();
        visa.fails(VISA_RECORD)
    };
    assert_eq!(
        with(b"4761739001010011"),
        (OdaStep::CardCertificate, OdaCause::Subject)
    );
    assert_eq!(
        with(b"4761749001010010"),
        (OdaStep::IssuerCertificate, OdaCause::Subject)
    );
}

#[test]
fn every_object_is_asked_for_and_none_too_much() {
    for (missing, step) in [
        (tag::CA_KEY_INDEX, OdaStep::AuthorityKey),
        (tag::ISSUER_CERTIFICATE, OdaStep::IssuerCertificate),
        (tag::ISSUER_KEY_EXPONENT, OdaStep::IssuerCertificate),
        (tag::ICC_CERTIFICATE, OdaStep::CardCertificate),
        (tag::ICC_KEY_EXPONENT, OdaStep::CardCertificate),
    ] {
        let mut visa = Setup::visa();
        visa.objects.remove(&missing);
        assert_eq!(visa.fails(VISA_RECORD), (step, OdaCause::Missing(missing)));
    }
    // A remainder that is missing where it is needed breaks the signature, not the search for it.
    let mut visa = Setup::visa();
    visa.objects.remove(&tag::ICC_KEY_REMAINDER);
    assert_eq!(
        visa.fails(VISA_RECORD),
        (OdaStep::CardCertificate, OdaCause::Signature)
    );
}

#[test]
fn records_of_low_files_count_without_their_template() {
    let record = [&[0x70, 0x14][..], &bytes(VISA_RECORD)].concat();
    let mut data = StaticData::default();
    data.add_record(3, &record);
    let profile = [0x20, 0x00];
    assert_eq!(data.parts(None, &profile).unwrap(), [&bytes(VISA_RECORD)[..]]);
    let mut long_form = StaticData::default();
    long_form.add_record(10, &[&[0x70, 0x81, 0x14][..], &bytes(VISA_RECORD)].concat());
    assert_eq!(
        long_form.parts(None, &profile).unwrap(),
        [&bytes(VISA_RECORD)[..]]
    );
    let mut high = StaticData::default();
    high.add_record(11, &record);
    assert_eq!(
        high.parts(Some(&[0x82]), &profile).unwrap(),
        [&record[..], &profile]
    );
    assert_eq!(format!("{high:?}"), "StaticData(1 records)");
}

#[test]
fn records_that_are_no_template_fail_authentication_only() {
    for record in [&[0x71, 0x00][..], &[0x70, 0x00, 0x70, 0x00], &[0x70, 0x05], &[]] {
        let mut data = StaticData::default();
        data.add_record(1, record);
        assert_eq!(
            data.parts(None, &[0, 0]).unwrap_err(),
            OdaFailure::new(OdaStep::StaticData, OdaCause::Records),
            "{record:02X?}"
        );
    }
}

#[test]
fn the_tag_list_may_name_the_profile_and_nothing_else() {
    let data = StaticData::default();
    assert_eq!(
        data.parts(Some(&[0x82]), &[0x59, 0x80]).unwrap(),
        [&[0x59, 0x80][..]]
    );
    for list in [&[][..], &[0x82, 0x5A], &[0x5A], &[0x9F, 0x36]] {
        assert!(data.parts(Some(list), &[0x59, 0x80]).is_err(), "{list:02X?}");
    }
}
