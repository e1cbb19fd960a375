/** Topics as a broker tells of them, held against the folders of streams on its disk. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { Metadata } from "../../src/kafka/messages/03-metadata.ts";
import { withKafka } from "./plug.ts";
import type { VoikProcess } from "./voik-process.ts";

/** Ids of all topics, by name. */
export async function topicsOf(voik: VoikProcess): Promise<Map<string, string>> {
  const { topics } = await withKafka(voik, (client) =>
    client.request(Metadata, { topics: null, allowAutoTopicCreation: false }),
  );
  return new Map(topics.map(({ name, topicId }) => [name ?? "", topicId]));
}

/** Folders that no topic has, and topics that have none. */
export function wrongFolders(voik: VoikProcess, topics: ReadonlyMap<string, string>): string[] {
  const folders = readdirSync(join(voik.folder, "streams"));
  const ids = [...topics.values()];
  return [
    ...folders.filter((id) => !ids.includes(id)).map((id) => `revived: the folder ${id}`),
    ...ids.filter((id) => !folders.includes(id)).map((id) => `lost: the folder ${id}`),
  ];
}
