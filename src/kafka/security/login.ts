/**
 * Logging in with SASL: the mechanisms, and what each login is. A failed login says nothing of its cause: an unknown
 * user goes through the same steps as a known one, with a decoy credential, and fails at the same place.
 */
import type { Users } from "../../access/access.ts";
import { SCRAM_MECHANISMS } from "../../access/scram.ts";
import type { Random } from "../../base/random.ts";
import type { Exchange } from "./exchange.ts";
import { plainExchange } from "./plain.ts";
import { scramExchange } from "./scram.ts";

export const MECHANISMS = ["PLAIN", ...SCRAM_MECHANISMS] as const;
export type Mechanism = (typeof MECHANISMS)[number];

export function isMechanism(name: string): name is Mechanism {
  return (MECHANISMS as readonly string[]).includes(name);
}

/** A new login with `mechanism`. */
export function beginLogin(mechanism: Mechanism, users: Users, random: Random): Exchange {
  return mechanism === "PLAIN" ? plainExchange(users) : scramExchange(mechanism, users, random);
}
