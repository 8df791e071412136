//! Encrypted connections to providers.

use std::sync::{Arc, OnceLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

/// # Errors
/// When the crate has no protocol to offer, which its features decide.
pub fn config() -> Result<ClientConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let authorities = Authorities {
        public: verifier(roots, &provider).ok_or(Error::NoCertificatesPresented)?,
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
