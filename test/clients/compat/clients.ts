/** The columns of the matrix: each Kafka client, what runs it, and what it has no way to do. */
import { bundlePath, CODECS, type CompatClient, missingPath, programEnv, programPath } from "./client.ts";
import { consoleTools } from "./console-tools.ts";
import { JAVA, JAVA_VERSION, javaPath } from "./java.ts";
import { kcat } from "./kcat.ts";
import packageFile from "../../../package.json";

const { devDependencies } = packageFile;

/** A client whose program takes the words of client.ts as they are. */
function program(
  client: Pick<CompatClient, "name" | "version" | "isFetched" | "missing"> & Partial<CompatClient>,
  argv: () => readonly string[],
): CompatClient {
  return {
    cannot: {},
    notes: {},
    codecs: CODECS,
    aborts: true,
    command: (verb, args, connection) => ({ argv: [...argv(), verb, ...args], env: programEnv(connection) }),
    ...client,
  };
}

const always = { isFetched: false, missing: () => undefined };

export const CLIENTS: readonly CompatClient[] = [
  kcat,
  program(
    {
      ...always,
      name: "kafkajs",
      version: devDependencies.kafkajs,
      codecs: ["none", "gzip"],
      notes: { codecs: "snappy, lz4 and zstd need a codec package of its users" },
    },
    () => [process.execPath, bundlePath("kafkajs.ts")],
  ),
  program(
    {
      ...always,
      name: "@platformatic/kafka",
      version: devDependencies["@platformatic/kafka"],
      notes: {
        transactions:
          "beginTransaction({ producerId: -1n, producerEpoch: -1 }) takes over a transactional id",
      },
    },
    () => [process.execPath, bundlePath("platformatic.ts")],
  ),
  program(
    {
      name: "confluent-kafka",
      version: "2.16.1",
      isFetched: true,
      missing: () => missingPath("VOIK_CONFLUENT_PYTHON"),
    },
    () => [process.env.VOIK_CONFLUENT_PYTHON ?? "", programPath("confluent.py")],
  ),
  program(
    {
      name: "Java client",
      version: JAVA_VERSION,
      isFetched: true,
      missing: () => missingPath("VOIK_JAVA_LIB", `kafka-clients-${JAVA_VERSION}.jar`),
    },
    () => [...JAVA, "-cp", javaPath(), "JavaClient"],
  ),
  consoleTools,
  program(
    {
      name: "franz-go",
      version: "1.22.3",
      isFetched: true,
      isOptional: true,
      missing: () => missingPath("VOIK_FRANZ_GO"),
    },
    () => [process.env.VOIK_FRANZ_GO ?? ""],
  ),
];
