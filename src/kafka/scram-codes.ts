/** Kafka's numbers for SCRAM mechanisms (KIP-554). */
import { SCRAM_MECHANISMS, type ScramMechanism } from "../access/scram.ts";

export const SCRAM_CODE: Record<ScramMechanism, number> = { "SCRAM-SHA-256": 1, "SCRAM-SHA-512": 2 };

/** The mechanism with that number, if there is one. */
export function scramMechanismOf(code: number): ScramMechanism | undefined {
  return SCRAM_MECHANISMS.find((mechanism) => SCRAM_CODE[mechanism] === code);
}
