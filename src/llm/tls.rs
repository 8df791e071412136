//! Encrypted connections to providers.

use std::sync::{Arc, OnceLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

/// How to connect to providers.
///
/// # Errors
/// When the crate has no protocol to offer, which its features decide.
pub fn config() -> Result<ClientConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let authorities = Authorities {
        public: verifier(public(), &provider).ok_or(Error::NoCertificatesPresented)?,
        machine: OnceLock::new(),
        provider: provider.clone(),
    };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(authorities))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn public() -> RootCertStore {
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

fn verifier(
    roots: RootCertStore,
    provider: &Arc<CryptoProvider>,
) -> Option<Arc<WebPkiServerVerifier>> {
    let roots = Arc::new(roots);
    WebPkiServerVerifier::builder_with_provider(roots, provider.clone()).build().ok()
}

/// Trusts the public authorities, which are built in, and those of the machine.
///
/// Reading the machine's takes longer than all the rest of a start, and hardly anybody needs them:
/// they are read when a server shows a certificate of an authority that is not a public one, as
/// proxies of companies do. A container from scratch has none, and needs none.
#[derive(Debug)]
struct Authorities {
    public: Arc<WebPkiServerVerifier>,
    machine: OnceLock<Option<Arc<WebPkiServerVerifier>>>,
    provider: Arc<CryptoProvider>,
}

impl Authorities {
    fn machine(&self) -> Option<&WebPkiServerVerifier> {
        let machine = self.machine.get_or_init(|| {
            let mut roots = RootCertStore::empty();
            // What cannot be read is not trusted, and then the connection says so.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            verifier(roots, &self.provider)
        });
        machine.as_deref()
    }
}

impl ServerCertVerifier for Authorities {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verify = |verifier: &WebPkiServerVerifier| {
            verifier.verify_server_cert(end_entity, intermediates, name, ocsp, now)
        };
        match verify(&self.public) {
            Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
                let unknown = Err(Error::InvalidCertificate(CertificateError::UnknownIssuer));
                self.machine().map_or(unknown, verify)
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.public.verify_tls12_signature(message, cert, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.public.verify_tls13_signature(message, cert, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.public.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use std::time::Duration;

    use super::*;

    /// An authority that only its own house knows, and a certificate of it for `models.example`.
    const AUTHORITY: &str = "\
MIIBdjCCAR2gAwIBAgIUIsVm9Gd2PPUGbP4CUyC0kIrVU3wwCgYIKoZIzj0EAwIwEDEOMAwGA1UEAwwFSG91c2UwIB\
cNMjYxMTI2MTg1OTMzWhgPMjEyNjExMDIxODU5MzNaMBAxDjAMBgNVBAMMBUhvdXNlMFkwEwYHKoZIzj0CAQYIKoZI\
zj0DAQcDQgAEVXTF88XVc/O5T4xNoIhAwyQnOBwn4shxAOAqEnqPES0VuDwnTy0bGIvzXhUMLeU5n19Z0Q/qhXtSms\
dsL848aKNTMFEwHQYDVR0OBBYEFO14AtErdVOfpdq4h9Cwqs6tJZHNMB8GA1UdIwQYMBaAFO14AtErdVOfpdq4h9Cw\
qs6tJZHNMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgebp+kT7BVsZCCSP0y+pQl63N6jyJGM2zXt\
fxkREZ/0YCIHgg81GRTraF65jXQyQbgRQyLdJYTonjy4S63x27U+AP";
    const CERTIFICATE: &str = "\
MIIBiDCCAS+gAwIBAgIUJfJJUXYDMmVUa9rWtS/mYUOLDagwCgYIKoZIzj0EAwIwEDEOMAwGA1UEAwwFSG91c2UwIB\
cNMjYxMTI2MTg1OTMzWhgPMjEyNjExMDIxODU5MzNaMA0xCzAJBgNVBAMMAml0MFkwEwYHKoZIzj0CAQYIKoZIzj0D\
AQcDQgAEv2pvUVHyfcQUcjwamLfl/I7ASUfuXJnTP09AJGj2WNyIbEiaFpoIQf36F30cXJbrpaax/Iv6EjoKBlaZ9v\
UrBqNoMGYwGQYDVR0RBBIwEIIObW9kZWxzLmV4YW1wbGUwCQYDVR0TBAIwADAdBgNVHQ4EFgQUIWVZdXZDJzmyBU7O\
XL5JqzmUEhAwHwYDVR0jBBgwFoAU7XgC0St1U5+l2riH0LCqzq0lkc0wCgYIKoZIzj0EAwIDRwAwRAIgIDXLizVPTc\
w9IsrjG6eXN5cl9DPcwHH0YbGf5cXyuGQCIBMnT0DqDAFQoK4hzr0osuXg5zFeMowKV+RnLNj4yfMS";

    fn certificate(base64: &str) -> CertificateDer<'static> {
        STANDARD.decode(base64).unwrap().into()
    }

    /// What is said of the certificate in that year, by somebody whose machine knows the
    /// authority or nobody.
    fn verdict(name: &str, year: u64, machine_knows: bool) -> Result<(), Error> {
        let provider = Arc::new(ring::default_provider());
        let mut own = RootCertStore::empty();
        own.add(certificate(AUTHORITY)).unwrap();
        let machine = machine_knows.then(|| verifier(own, &provider).unwrap());
        let authorities = Authorities {
            public: verifier(public(), &provider).unwrap(),
            machine: OnceLock::from(machine),
            provider,
        };
        let now = UnixTime::since_unix_epoch(Duration::from_secs((year - 1970) * 31_557_600));
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let certificate = certificate(CERTIFICATE);
        authorities.verify_server_cert(&certificate, &[], &name, &[], now).map(drop)
    }

    #[test]
    fn authorities_of_the_machine_are_trusted_beside_the_public_ones() {
        use CertificateError::{ExpiredContext, NotValidForNameContext, UnknownIssuer};
        assert_eq!(verdict("models.example", 2033, true), Ok(()));
        let unknown = Err(Error::InvalidCertificate(UnknownIssuer));
        assert_eq!(verdict("models.example", 2033, false), unknown);
        // And they are trusted no further than the others.
        let elsewhere = verdict("api.anthropic.com", 2033, true);
        let wrong = |error: &Error| {
            matches!(error, Error::InvalidCertificate(NotValidForNameContext { .. }))
        };
        assert!(elsewhere.as_ref().is_err_and(wrong), "{elsewhere:?}");
        let late = verdict("models.example", 2150, true);
        let over =
            |error: &Error| matches!(error, Error::InvalidCertificate(ExpiredContext { .. }));
        assert!(late.as_ref().is_err_and(over), "{late:?}");
        assert!(config().is_ok());
    }
}
