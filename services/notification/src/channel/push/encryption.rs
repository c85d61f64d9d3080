//! Messages that only one browser can read: RFC 8291, by the coding `aes128gcm` of RFC 8188.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdh::diffie_hellman;
use p256::elliptic_curve::sec1::ToSec1Point as _;
use p256::{PublicKey, SecretKey};
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Prk, Salt};

/// The bytes of the salt.
pub const SALT: usize = 16;
/// The bytes of a public key, uncompressed.
const PUBLIC_KEY: usize = 65;
/// The secret of a subscription, in bytes.
const AUTH: usize = 16;
/// The size of a record, of which a message has one: more is not taken by push services.
const RECORD: u32 = 4_096;
/// What ends the last record.
const LAST: u8 = 2;

/// Who alone can read a message.
pub struct Recipient {
    key: PublicKey,
    auth: [u8; AUTH],
}

impl Recipient {
    /// From the keys of a subscription, in base64url; none where these are none.
    pub fn parse(p256dh: &str, auth: &str) -> Option<Self> {
        let key = decode(p256dh)?;
        let key = Some(key).filter(|key| key.len() == PUBLIC_KEY)?;
        Some(Self { key: PublicKey::from_sec1_bytes(&key).ok()?, auth: decode(auth)?.try_into().ok()? })
    }

    /// The body of a message. `own` and `salt` are random, and for this message alone.
    pub fn encrypt(&self, plain: &[u8], own: &SecretKey, salt: [u8; SALT]) -> Option<Vec<u8>> {
        let (own_public, their_public) = (uncompressed(&own.public_key()), uncompressed(&self.key));
        let shared = diffie_hellman(own.to_nonzero_scalar(), self.key.as_affine());
        let secret = Salt::new(HKDF_SHA256, &self.auth).extract(shared.raw_secret_bytes());
        let material: [u8; 32] = derived(&secret, &[b"WebPush: info\0", &their_public, &own_public])?;
        let secret = Salt::new(HKDF_SHA256, &salt).extract(&material);
        let key: [u8; 16] = derived(&secret, &[b"Content-Encoding: aes128gcm\0"])?;
        let nonce: [u8; NONCE_LEN] = derived(&secret, &[b"Content-Encoding: nonce\0"])?;

        let mut record = [plain, &[LAST]].concat();
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).ok()?);
        let nonce = Nonce::assume_unique_for_key(nonce);
        key.seal_in_place_append_tag(nonce, Aad::empty(), &mut record).ok()?;
        let id_length = u8::try_from(own_public.len()).ok()?;
        let header = [salt.as_slice(), &RECORD.to_be_bytes(), &[id_length], &own_public].concat();
        let fits = u32::try_from(record.len()).is_ok_and(|length| length <= RECORD);
        fits.then(|| [header, record].concat())
    }
}

/// Bytes in base64url, with or without padding: browsers leave it out, libraries do not.
fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()
}

/// A public key as others read it.
pub fn uncompressed(key: &PublicKey) -> Vec<u8> {
    key.to_sec1_point(false).as_bytes().to_vec()
}

fn derived<const N: usize>(secret: &Prk, info: &[&[u8]]) -> Option<[u8; N]> {
    let mut derived = [0; N];
    secret.expand(info, Bytes(N)).ok()?.fill(&mut derived).ok()?;
    Some(derived)
}

/// A number of bytes that HKDF is to give.
struct Bytes(usize);

impl ring::hkdf::KeyType for Bytes {
    fn len(&self) -> usize {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8291, section 5 and appendix A.
    const PLAIN: &str = "When I grow up, I want to be a watermelon";
    const OWN_PRIVATE: &str = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
    const OWN_PUBLIC: &str =
        "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";
    const THEIR_PUBLIC: &str =
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    const AUTH_SECRET: &str = "BTBZMqHH6r4Tts7J_aSIgg";
    const SALT_VALUE: &str = "DGv6ra1nlYgDCS1FRnbzlw";
    const BODY: &str = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27ml\
        mlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";

    fn own() -> SecretKey {
        SecretKey::from_slice(&decode(OWN_PRIVATE).unwrap()).unwrap()
    }

    #[test]
    fn the_example_of_the_standard_comes_out() {
        let own = own();
        assert_eq!(URL_SAFE_NO_PAD.encode(uncompressed(&own.public_key())), OWN_PUBLIC);
        let recipient = Recipient::parse(THEIR_PUBLIC, AUTH_SECRET).unwrap();
        let salt = decode(SALT_VALUE).unwrap().try_into().unwrap();
        let body = recipient.encrypt(PLAIN.as_bytes(), &own, salt).unwrap();
        assert_eq!(URL_SAFE_NO_PAD.encode(body), BODY);
    }

    #[test]
    fn only_whole_keys_on_the_curve_are_taken() {
        assert!(Recipient::parse(&format!("{THEIR_PUBLIC}="), &format!("{AUTH_SECRET}==")).is_some());
        let off = URL_SAFE_NO_PAD.encode([&[4], [7; 64].as_slice()].concat());
        let compressed = URL_SAFE_NO_PAD.encode([&[2], &decode(THEIR_PUBLIC).unwrap()[1..33]].concat());
        for (key, auth) in [
            ("", AUTH_SECRET),
            ("!", AUTH_SECRET),
            (&THEIR_PUBLIC[..86], AUTH_SECRET),
            (&off, AUTH_SECRET),
            (&compressed, AUTH_SECRET),
            (THEIR_PUBLIC, ""),
            (THEIR_PUBLIC, "AAAA"),
        ] {
            assert!(Recipient::parse(key, auth).is_none(), "{key} {auth}");
        }
    }

    #[test]
    fn what_does_not_fit_into_one_record_is_not_made() {
        let recipient = Recipient::parse(THEIR_PUBLIC, AUTH_SECRET).unwrap();
        assert!(recipient.encrypt(&[b'a'; 4_079], &own(), [0; SALT]).is_some());
        assert!(recipient.encrypt(&[b'a'; 4_080], &own(), [0; SALT]).is_none());
    }
}
