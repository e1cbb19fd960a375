/** PEM files of certificates and keys, read when voik starts: a new certificate takes a restart. */
import { createSecureContext } from "node:tls";
import { VoikError } from "./errors.ts";
import type { FileSystem } from "./file-system.ts";

export interface CertificateAndKey {
  /** The certificate with its chain, PEM. */
  cert: string;
  /** Its private key, PEM. */
  key: string;
}

/**
 * The pair that two options name, undefined when neither does. `flag` is their name up to "-cert" and "-key". Throws
 * VoikError config_invalid when one is missing, can't be read, is no PEM, or they don't belong together.
 */
export function readCertificate(
  fileSystem: Pick<FileSystem, "readText">,
  flag: string,
  files: { cert: string | undefined; key: string | undefined },
): CertificateAndKey | undefined {
  const { cert, key } = files;
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) {
    const [given, wanted] = cert === undefined ? ["key", "cert"] : ["cert", "key"];
    throw new VoikError("config_invalid", `--${flag}-${given} needs --${flag}-${wanted} beside it`);
  }
  const pair = {
    cert: readPem(fileSystem, `${flag}-cert`, cert),
    key: readPem(fileSystem, `${flag}-key`, key),
  };
  try {
    createSecureContext(pair);
  } catch (error) {
    const reason = (error as Error).message;
    const message = `--${flag}-cert and --${flag}-key are no certificate and its key: ${reason}`;
    throw new VoikError("config_invalid", message, { cause: error });
  }
  return pair;
}

/** The text of a PEM file. Throws VoikError config_invalid. */
export function readPem(fileSystem: Pick<FileSystem, "readText">, flag: string, path: string): string {
  let text: string;
  try {
    text = fileSystem.readText(path);
  } catch (error) {
    throw new VoikError("config_invalid", `--${flag}: ${path} can't be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (text.includes("-----BEGIN ")) return text;
  throw new VoikError("config_invalid", `--${flag}: ${path} is no PEM file (it has no -----BEGIN line)`);
}
