/**
 * PLAIN (RFC 4616): one message, `authzid NUL user NUL password`. To act for somebody else (authzid) is not offered.
 * The password is only as safe as the connection: docs/security.md says to use it over TLS alone.
 */
import type { Users } from "../../access/access.ts";
import { EMPTY_BYTES } from "../codec/reader.ts";
import type { Exchange } from "./exchange.ts";

export function plainExchange(users: Users): Exchange {
  return {
    async step(message) {
      const parts = message.toString("utf8").split("\0");
      const [actFor = "", user = "", password = ""] = parts;
      if (parts.length !== 3 || user === "" || (actFor !== "" && actFor !== user)) return undefined;
      return (await users.passwordMatches(user, password)) ? { answer: EMPTY_BYTES, user } : undefined;
    },
  };
}
