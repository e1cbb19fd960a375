/**
 * TLS of the Kafka port: what Bun is given, and the principal that a client's certificate makes. A certificate that
 * the given authority did not sign ends the connection; whether a client may come without one is the option's choice.
 */

export interface KafkaTls {
  /** PEM: the certificate with its chain. */
  cert: string;
  /** PEM. */
  key: string;
  /** PEM: who signs clients' certificates; without it none are asked for. */
  clientCa?: string | undefined;
}

/** The options of Bun.listen. `required`: a client without a certificate is refused. */
export function listenerTls({ cert, key, clientCa }: KafkaTls, required: boolean): Bun.TLSOptions {
  if (clientCa === undefined) return { cert, key };
  return { cert, key, ca: clientCa, requestCert: true, rejectUnauthorized: required };
}

/** What is asked of a socket whose handshake is over. */
export interface TlsPeer {
  readonly authorized: boolean;
  getPeerCertificate(): { subject?: Subject } | undefined;
}

type Subject = Readonly<Record<string, string | string[] | undefined>>;

/**
 * The principal of a client, "User:CN=ann,O=Example" (the subject as RFC 2253 writes it, which Kafka takes too),
 * undefined when it gave no certificate, and false when it gave one that is not to be believed.
 */
export function certificatePrincipal(peer: TlsPeer): string | undefined | false {
  const subject = peer.getPeerCertificate()?.subject;
  if (subject === undefined) return undefined;
  return peer.authorized && `User:${distinguishedName(subject)}`;
}

/** RFC 2253: the last part first, special characters behind a backslash. */
export function distinguishedName(subject: Subject): string {
  return Object.entries(subject)
    .flatMap(([type, values]) => [values ?? []].flat().map((value) => `${type}=${escaped(value)}`))
    .reverse()
    .join(",");
}

function escaped(value: string): string {
  return value.replace(/[,+"\\<>;]/g, "\\$&").replace(/^[ #]|(?<!^) $/g, "\\$&");
}
