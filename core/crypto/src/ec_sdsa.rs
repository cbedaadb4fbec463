//! EC-SDSA, the elliptic-curve signature of EMV cards (Contactless Book E), over P-256 with SHA-256 and P-521 with
//! SHA-512.
//!
//! r = H(x(kG), M) in full, s = k + r d modulo the order; the signature is r and s behind each other. Verifying needs
//! the message at hand: nothing is recovered from it.

use p256::elliptic_curve::array::typenum::Unsigned;
use p256::elliptic_curve::ff::PrimeField;
use p256::elliptic_curve::ops::Reduce;
use p256::elliptic_curve::sec1::{FromSec1Point, ModulusSize, ToSec1Point};
use p256::elliptic_curve::{
    AffinePoint, CurveArithmetic, CurveGroup, FieldBytes, FieldBytesSize, Group, ProjectivePoint, PublicKey,
    Scalar,
};
use ring::digest::{Algorithm, Context, SHA256, SHA512};
use subtle::ConstantTimeEq;

/// The curves of Book E with their hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Curve {
    /// P-256 with SHA-256; a signature has 64 bytes.
    P256,
    /// P-521 with SHA-512; a signature has 130 bytes.
    P521,
}

/// No point of the curve, or not what its owner signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SdsaRefused;

/// Checks a signature; the public key is given by its two coordinates.
///
/// # Errors
/// [`SdsaRefused`].
pub fn verify(
    curve: Curve,
    (x, y): (&[u8], &[u8]),
    message: &[u8],
    signature: &[u8],
) -> Result<(), SdsaRefused> {
    let holds = match curve {
        Curve::P256 => verifies::<p256::NistP256>(&SHA256, (x, y), message, signature),
        Curve::P521 => verifies::<p521::NistP521>(&SHA512, (x, y), message, signature),
    };
    if holds == Some(true) {
        Ok(())
    } else {
        Err(SdsaRefused)
    }
}

fn verifies<C>(
    hash: &'static Algorithm,
    (x, y): (&[u8], &[u8]),
    message: &[u8],
    signature: &[u8],
) -> Option<bool>
where
    C: CurveArithmetic,
    FieldBytesSize<C>: ModulusSize,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
    Scalar<C>: Reduce<FieldBytes<C>>,
{
    let (r, s) = signature.split_at_checked(hash.output_len())?;
    let point = [&[4][..], x, y].concat();
    let key = PublicKey::<C>::from_sec1_bytes(&point).ok()?;
    let s = FieldBytes::<C>::try_from(s).ok()?;
    let s = Option::<Scalar<C>>::from(Scalar::<C>::from_repr(s))?;
    // kG = sG - rQ.
    let committed = ProjectivePoint::<C>::generator() * s - key.to_projective() * reduced::<C>(r)?;
    let computed = commitment::<C>(hash, committed, message)?;
    Some(computed.as_ref().ct_eq(r).into())
}

/// Signs with a private key and a number used once, both below the order: what a card does.
///
/// # Errors
/// [`SdsaRefused`] if one of them has another length, is zero or not below the order.
#[cfg(feature = "issuer")]
pub fn sign(
    curve: Curve,
    private_key: &[u8],
    nonce: &[u8],
    message: &[u8],
) -> Result<alloc::vec::Vec<u8>, SdsaRefused> {
    match curve {
        Curve::P256 => signature::<p256::NistP256>(&SHA256, private_key, nonce, message),
        Curve::P521 => signature::<p521::NistP521>(&SHA512, private_key, nonce, message),
    }
    .ok_or(SdsaRefused)
}

#[cfg(feature = "issuer")]
fn signature<C>(
    hash: &'static Algorithm,
    private_key: &[u8],
    nonce: &[u8],
    message: &[u8],
) -> Option<alloc::vec::Vec<u8>>
where
    C: CurveArithmetic,
    FieldBytesSize<C>: ModulusSize,
    AffinePoint<C>: ToSec1Point<C>,
    Scalar<C>: Reduce<FieldBytes<C>>,
{
    use p256::elliptic_curve::ff::Field;

    let scalar = |bytes: &[u8]| {
        let bytes = FieldBytes::<C>::try_from(bytes).ok()?;
        Option::<Scalar<C>>::from(Scalar::<C>::from_repr(bytes))
            .filter(|scalar| !bool::from(scalar.is_zero()))
    };
    crate::scrub::scrubbed(|| {
        let (d, k) = (scalar(private_key)?, scalar(nonce)?);
        let r = commitment::<C>(hash, ProjectivePoint::<C>::generator() * k, message)?;
        let s = k + reduced::<C>(r.as_ref())? * d;
        Some([r.as_ref(), s.to_repr().as_ref()].concat())
    })
}

/// The hash of a point's x and the message; none for the point at infinity.
fn commitment<C>(
    hash: &'static Algorithm,
    point: ProjectivePoint<C>,
    message: &[u8],
) -> Option<ring::digest::Digest>
where
    C: CurveArithmetic,
    FieldBytesSize<C>: ModulusSize,
    AffinePoint<C>: ToSec1Point<C>,
{
    let point = point.to_affine().to_sec1_point(false);
    let mut context = Context::new(hash);
    context.update(point.x()?);
    context.update(message);
    Some(context.finish())
}

/// A hash as a number modulo the order.
fn reduced<C>(hash: &[u8]) -> Option<Scalar<C>>
where
    C: CurveArithmetic,
    Scalar<C>: Reduce<FieldBytes<C>>,
{
    let mut bytes = FieldBytes::<C>::default();
    let front = <FieldBytesSize<C>>::USIZE.checked_sub(hash.len())?;
    bytes.get_mut(front..)?.copy_from_slice(hash);
    Some(Scalar::<C>::reduce(&bytes))
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        hex::decode(text).unwrap()
    }

    struct Example {
        curve: Curve,
        #[cfg(feature = "issuer")]
        private_key: &'static str,
        #[cfg(feature = "issuer")]
        nonce: &'static str,
        x: &'static str,
        y: &'static str,
        message: &'static str,
        signature: &'static str,
    }

    /// Worked examples of EMV Contactless Book E, as Digrol/Denom (MIT-0) has them.
    const EXAMPLES: [Example; 2] = [
        Example {
            curve: Curve::P256,
            #[cfg(feature = "issuer")]
            private_key: "723222B51845E8B41A66263AE90E962148F9CCC3BE45B3E5902CEC0195F2AEAF",
            #[cfg(feature = "issuer")]
            nonce: "049916F4FD4046C1DBA9FBBD41C5A9643BDC6978C42371DDCD5D725E144B6446",
            x: "F60DAECD42B48FCCA547D942204D6098F1A353A5CD25CBDF2EC1ABFD0170E0FC",
            y: "6FD75EAAB356BE98BAA8E99A6FCE303F0C952BC02B4F566F096DD6EFF20C8FE8",
            message: "120054133390FF1020301231123456A000000004E0CD7400578B1164FEA954658C763C5A94FB3514FA89DB5B3B447AE8F4D5DF870A",
            signature: "739061ADBC6FC71C8864EA9D3D6BAB5C9501C058D895FE0F69D92E22412953DC1ACCCBBE60809C5694C739CA54CC3FF4CF0964E1B946C3ED00C4E572A5021988",
        },
        Example {
            curve: Curve::P521,
            #[cfg(feature = "issuer")]
            private_key: "018B05B1953B24AC49B340C24D6DD42CCFFDD795F6879C4B28475375CEEA2440D6180E7733BA7423B9CF9A61AAA6A3480B882BA6F9497F09613451877120383FF2BC",
            #[cfg(feature = "issuer")]
            nonce: "01CEC53C7A0FC68F914CB3B06AAF89B04622B465AB8CB52DA2FAE7B2BF3E7754B1866900AEE2AFF453C8199617EC6E23E111CC813F622EEBECC51B4516CC37569D09",
            x: "00C39043668D6993CB1E0ED903D3660937577DB1CD98EDE1F83288873E8BC17E45B8F084010366B08E5C90FFF151069A7BA8B6D2956D4AE8D72AA927FE5C424FA450",
            y: "00F6AB193BCB3776C632E8EC07DE7395D27BFD001C91C095B5713E50E41AE468EE90787DD73E67A6CA9C8F164310AB61358F4AC48B1F1BB1B1C7C3EE6945BDEEF5CC",
            message: "120054133390FF1120301231123456A000000004E1009C0AE6DC43AC03AA8285C9C67962B0B426587EB50DB41F7A5DD37BBB7E95831C8742384A1C880A561CE775946D473E4CD12FC03E4345ED93A515C6FAF722FA13E7",
            signature: "DCB625B0FC3F87241D38565B4CAE9B1B9D00A70B71EAF6F54ACDE94EEFE49C514724FAF5F7A4A25606F0CE7C89DC6EE4403D841EF7155B87363E8CE39EB7FEAC0158D88C6B23D71E7C5B8D4E9009BAADD96A0ECDA0C1305774F7CD65FE0A907711258DF9F13A9D70AE0DE200103F6FF9D80067E672A683F8E49602F8E94C6615B2EB",
        },
    ];

    fn check(example: &Example, message: &[u8], signature: &[u8]) -> Result<(), SdsaRefused> {
        verify(
            example.curve,
            (&bytes(example.x), &bytes(example.y)),
            message,
            signature,
        )
    }

    #[test]
    fn worked_examples() {
        for example in &EXAMPLES {
            let (message, signature) = (bytes(example.message), bytes(example.signature));
            assert_eq!(check(example, &message, &signature), Ok(()));
            #[cfg(feature = "issuer")]
            {
                let (d, k) = (bytes(example.private_key), bytes(example.nonce));
                assert_eq!(sign(example.curve, &d, &k, &message), Ok(signature));
                assert_eq!(sign(example.curve, &d, &k[1..], &message), Err(SdsaRefused));
                let zero = alloc::vec![0; k.len()];
                assert_eq!(sign(example.curve, &d, &zero, &message), Err(SdsaRefused));
            }
        }
    }

    #[test]
    fn whatever_is_changed_is_refused() {
        for example in &EXAMPLES {
            let (message, signature) = (bytes(example.message), bytes(example.signature));
            for position in [0, 31, signature.len() / 2, signature.len() - 1] {
                let mut changed = signature.clone();
                changed[position] ^= 1;
                assert_eq!(check(example, &message, &changed), Err(SdsaRefused));
            }
            let mut changed = message.clone();
            changed[5] ^= 1;
            assert_eq!(check(example, &changed, &signature), Err(SdsaRefused));
            for length in [0, 32, signature.len() - 1] {
                assert_eq!(check(example, &message, &signature[..length]), Err(SdsaRefused));
            }
            let high = alloc::vec![0xFF; signature.len()];
            assert_eq!(
                check(example, &message, &high),
                Err(SdsaRefused),
                "s is not below the order"
            );
        }
    }

    #[test]
    fn points_off_the_curve_are_refused() {
        let [example, _] = &EXAMPLES;
        let (message, signature) = (bytes(example.message), bytes(example.signature));
        let (x, mut y) = (bytes(example.x), bytes(example.y));
        y[31] ^= 1;
        let verify = |x: &[u8], y: &[u8]| verify(example.curve, (x, y), &message, &signature);
        assert_eq!(verify(&x, &y), Err(SdsaRefused));
        assert_eq!(verify(&[], &[]), Err(SdsaRefused));
        assert_eq!(verify(&x, &[]), Err(SdsaRefused));
    }
}
