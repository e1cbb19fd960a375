/** The API table of docs/kafka.md, written from apis.ts; a test asserts that the page is current. */
import { APIS } from "./apis.ts";

/** What a client can tell from Apache Kafka, by API; the reasons are in the page and in the decisions it names. */
export const DIFFERENCES: Readonly<Record<string, string>> = {
  Produce: "One batch a partition. Versions 0 to 2 are announced for librdkafka and not spoken.",
  Fetch: "No fetch sessions: every fetch names its partitions.",
  ListOffsets: "Nothing is tiered: -5 and -6 find nothing.",
  Metadata:
    "Lists closed shards too, as long as they can be read. Creates topics unless `--auto-create-streams=false`.",
  OffsetCommit: "`--offset-retention` holds for all: the time that versions 2 to 4 bring is not acted on.",
  SaslHandshake: "Version 0 is announced for librdkafka and refused (35; decision 0130).",
  CreateTopics: "Replication factor 1. Settings that voik would not act on are refused.",
  CreatePartitions: "Only of a topic that was never written to (decision 0121).",
  DescribeConfigs: "Topics and the broker.",
  AlterConfigs: "Topics only; replaces all that a topic has chosen.",
  IncrementalAlterConfigs: "Topics only.",
  DescribeGroups: "Groups of the classic protocol.",
  ConsumerGroupHeartbeat:
    "No patterns (SubscribedTopicRegex); no conversion of a running classic group (decision 0122).",
  OffsetForLeaderEpoch: "There is one leader epoch, 0.",
  DescribeClientQuotas: "Of users and client ids.",
  AlterClientQuotas:
    "`producer_byte_rate` and `consumer_byte_rate` of users and client ids; others are refused (decision 0132).",
  DescribeCluster: "One broker, which is also the controller.",
  ListConfigResources: "Version 0 lists client metrics, of which there are none.",
};

const BEGIN = "<!-- apis: written by `make docs` from src/kafka/reference.ts -->";
const END = "<!-- end of apis -->";

/** The table as Markdown. */
export function renderApis(): string {
  const rows = [...APIS]
    .sort((a, b) => a.key - b.key)
    .map(({ key, name, request: { versions } }) => {
      const { min, max } = versions;
      return [String(key), name, min === max ? String(min) : `${min}-${max}`, DIFFERENCES[name] ?? ""];
    });
  return table([["key", "API", "versions", "what differs from Apache Kafka"], ...rows]);
}

/** Rows as Markdown, in columns, as the formatter wants them; the first row is the head. */
export function table([head = [], ...rows]: string[][]): string {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const line = (cells: string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] as number)).join(" | ")} |`;
  const rule = line(widths.map((width) => "-".repeat(width)));
  return [line(head), rule, ...rows.map(line)].join("\n");
}

/** `page` with the table in its place. Throws when the page has no place for it. */
export function withApis(page: string): string {
  return withPart(page, BEGIN, END, renderApis());
}

/** `page` with `part` between two marks. Throws when the page lacks them. */
export function withPart(page: string, begin: string, end: string, part: string): string {
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/kafka.md lacks "${begin}" or "${end}"`);
  return `${page.slice(0, from)}${begin}\n\n${part}\n\n${page.slice(to)}`;
}

if (import.meta.main) {
  const path = new URL("../../docs/kafka.md", import.meta.url);
  await Bun.write(path, withApis(await Bun.file(path).text()));
}
