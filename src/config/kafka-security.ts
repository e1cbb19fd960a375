/** What the options on the security of the Kafka port come to, taken together. */
import { VoikError } from "../base/errors.ts";
import type { FileSystem } from "../base/file-system.ts";
import { readCertificate, readPem } from "../base/pem.ts";
import type { Config } from "./schema.ts";

/** Reads the PEM files. Throws VoikError config_invalid where one is not usable or options don't go together. */
export function kafkaSecurityOf(config: Config, fileSystem: FileSystem) {
  const { kafkaTlsCert: cert, kafkaTlsKey: key, kafkaTlsClientCa: ca, kafkaAuth: auth } = config;
  const pair = readCertificate(fileSystem, "kafka-tls", { cert, key });
  const clientCa = ca === undefined ? undefined : readPem(fileSystem, "kafka-tls-client-ca", ca);
  if (clientCa !== undefined && pair === undefined)
    throw new VoikError("config_invalid", "--kafka-tls-client-ca needs --kafka-tls-cert and --kafka-tls-key");
  if (auth === "tls" && clientCa === undefined)
    throw new VoikError("config_invalid", "--kafka-auth=tls needs --kafka-tls-client-ca");
  const sessionLifetimeMs = config.kafkaSessionLifetimeMs ?? Infinity;
  return { auth, tls: pair && { ...pair, clientCa }, sessionLifetimeMs };
}
