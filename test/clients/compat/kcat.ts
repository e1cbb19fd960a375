/** kcat as a column of the matrix. */
import { run } from "../../helpers/installed.ts";
import { CODECS, type Command, type CompatClient, type Connection, type Verb } from "./client.ts";

const settings = (pairs: Record<string, string>): string[] =>
  Object.entries(pairs).flatMap(([name, value]) => ["-X", `${name}=${value}`]);

function loginOf({ login }: Connection): string[] {
  if (login === undefined) return [];
  return settings({
    "security.protocol": "sasl_ssl",
    "sasl.mechanisms": "SCRAM-SHA-512",
    "sasl.username": login.user,
    "sasl.password": login.password,
    "ssl.ca.location": login.ca,
  });
}

function optionsOf(verb: Verb, [first = "", second = ""]: readonly string[]): string[] {
  const produce = ["-P", "-t", first, "-X", "acks=all"];
  switch (verb) {
    case "produce":
      return [...produce, "-z", second];
    case "idempotent":
      return [...produce, "-X", "enable.idempotence=true"];
    case "commit":
      return [...produce, "-X", `transactional.id=${second}`];
    case "member":
      return [
        ...["-G", first, "-u", "-f", "%s\n"],
        ...settings({
          "auto.offset.reset": "earliest",
          "session.timeout.ms": "6000",
          "heartbeat.interval.ms": "300",
        }),
        ...settings({ "isolation.level": "read_committed" }),
        second,
      ];
    default:
      throw new Error(`kcat has no ${verb}`);
  }
}

export const kcat: CompatClient = {
  name: "kcat",
  version: "1.7",
  isFetched: false,
  missing: () => (Bun.which("kcat", { PATH: "/usr/bin:/bin" }) ? undefined : "it is not installed"),
  cannot: {
    admin: {
      why: "it lists topics, and has no mode that changes them",
      async shownBy() {
        const help = (await run(["kcat", "-h"])).toString();
        const modes = [...help.matchAll(/^ {2}(.*?) +Mode: /gm)]
          .map(([, flags = ""]) => flags.trim())
          .join(", ");
        if (modes !== "-C | -P | -L | -Q, -G <group-id>") throw new Error(`kcat has other modes: ${modes}`);
      },
    },
  },
  notes: { transactions: "commits at the end of its input; aborts only when it is interrupted" },
  codecs: CODECS,
  aborts: false,
  command(verb, args, connection): Command {
    return {
      argv: ["/usr/bin/kcat", "-b", connection.broker, ...loginOf(connection), ...optionsOf(verb, args)],
    };
  },
};
