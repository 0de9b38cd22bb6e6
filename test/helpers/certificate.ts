import { readFileSync } from 'node:fs';
import type { Sandbox } from './sandbox.ts';

/** A key and a certificate that signs itself, for 127.0.0.1 and localhost. */
export interface Certificate {
  key: Buffer;
  cert: Buffer;
  /** The certificate as a file, for http.sslCAInfo. */
  path: string;
}

/** Has openssl make a certificate that is good for two days. */
export async function makeCertificate(sandbox: Sandbox): Promise<Certificate> {
  const [key, cert] = [sandbox.path('tls.key'), sandbox.path('tls.crt')];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
  await sandbox.run('openssl', ['req', '-x509', ...kind, ...name, '-keyout', key, '-out', cert]);
  return { key: readFileSync(key), cert: readFileSync(cert), path: cert };
}
