/**
 * Kafka's command-line tools as a column of the matrix: kafka-console-producer and -consumer, kafka-topics,
 * kafka-configs, and producer-perf-test for transactions. The classes that the shell scripts of Kafka's archive start.
 */
import {
  CODECS,
  type Command,
  type CompatClient,
  type Connection,
  missingPath,
  type Verb,
} from "./client.ts";
import { JAVA, JAVA_VERSION, javaPath } from "./java.ts";

/** The main class of each tool. */
export const TOOLS = {
  "kafka-topics": "TopicCommand",
  "kafka-configs": "ConfigCommand",
  "kafka-acls": "AclCommand",
  "kafka-consumer-groups": "consumer.group.ConsumerGroupCommand",
  "kafka-console-consumer": "consumer.ConsoleConsumer",
  "kafka-console-producer": "ConsoleProducer",
  "kafka-producer-perf-test": "ProducerPerformance",
} as const;
export type Tool = keyof typeof TOOLS;

/** A tool's command line. */
export function tool(name: Tool, broker: string, options: readonly string[]): string[] {
  const main = `org.apache.kafka.tools.${TOOLS[name]}`;
  return [...JAVA, "-cp", javaPath(), main, "--bootstrap-server", broker, ...options];
}

/** Java's settings of a login. */
export function loginSettings({
  user,
  password,
  ca,
}: NonNullable<Connection["login"]>): Record<string, string> {
  const module = "org.apache.kafka.common.security.scram.ScramLoginModule";
  return {
    "security.protocol": "SASL_SSL",
    "sasl.mechanism": "SCRAM-SHA-512",
    "sasl.jaas.config": `${module} required username="${user}" password="${password}";`,
    "ssl.truststore.type": "PEM",
    "ssl.truststore.location": ca,
  };
}

const properties = (pairs: Record<string, string>): string[] =>
  Object.entries(pairs).flatMap(([name, value]) => ["--command-property", `${name}=${value}`]);

function commandOf(
  verb: Verb,
  [first = "", second = ""]: readonly string[],
  { broker, login }: Connection,
  values: readonly string[],
): string[] {
  const topic = ["--topic", first];
  const entity = ["--entity-type", "topics", "--entity-name", first];
  const as = login === undefined ? [] : properties(loginSettings(login));
  switch (verb) {
    case "produce":
      return tool("kafka-console-producer", broker, [...topic, "--compression-codec", second, ...as]);
    case "idempotent":
      return tool("kafka-console-producer", broker, [
        ...topic,
        ...properties({ "enable.idempotence": "true" }),
      ]);
    case "commit":
      return tool("kafka-producer-perf-test", broker, [
        ...[...topic, "--transactional-id", second, "--throughput", "-1"],
        ...["--payload-monotonic", "--num-records", String(values.length)],
      ]);
    case "member":
      return tool("kafka-console-consumer", broker, [
        ...["--topic", second, "--group", first, "--from-beginning", "--isolation-level", "read_committed"],
        ...properties({ "session.timeout.ms": "6000", "heartbeat.interval.ms": "300" }),
        ...properties({ "auto.commit.interval.ms": "100" }),
        ...as,
      ]);
    case "create":
      return tool("kafka-topics", broker, ["--create", ...topic, "--partitions", second]);
    case "describe":
      return tool("kafka-topics", broker, ["--describe", ...topic]);
    case "alter":
      return tool("kafka-configs", broker, ["--alter", ...entity, "--add-config", `retention.ms=${second}`]);
    case "delete":
      return tool("kafka-topics", broker, ["--delete", ...topic]);
    default:
      throw new Error(`Kafka's tools have no ${verb}`);
  }
}

/** Out of `kafka-topics --describe`: what client.ts calls a description. */
function descriptionOf(printed: string): string {
  const partitions = /PartitionCount:\s*(\d+)/.exec(printed)?.[1];
  const retention = /retention\.ms=(\d+)/.exec(printed)?.[1] ?? "unset";
  return `partitions ${partitions}\nretention.ms ${retention}\n`;
}

export const consoleTools: CompatClient = {
  name: "console tools",
  version: JAVA_VERSION,
  isFetched: true,
  missing: () => missingPath("VOIK_JAVA_LIB", `kafka-tools-${JAVA_VERSION}.jar`),
  cannot: {},
  notes: { transactions: "producer-perf-test commits; no tool aborts what it has written" },
  codecs: CODECS,
  aborts: false,
  command(verb, args, connection, values): Command {
    const command = { argv: commandOf(verb, args, connection, values) };
    return verb === "describe" ? { ...command, translate: descriptionOf } : command;
  },
};
