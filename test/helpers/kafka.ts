/**
 * A Kafka edge over a broker in memory or on disk, and a raw connection for frames that no client would send.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Access } from "../../src/access/access.ts";
import { KafkaClient, type KafkaClientOptions } from "../../src/kafka/client.ts";
import type { Encodable, Fields } from "../../src/kafka/codec/fields.ts";
import { writeRequestHeader } from "../../src/kafka/codec/header.ts";
import type { ApiMessages } from "../../src/kafka/codec/message.ts";
import { Writer } from "../../src/kafka/codec/writer.ts";
import type { KafkaServerOptions } from "../../src/kafka/options.ts";
import { type KafkaServer, startKafkaServer } from "../../src/kafka/server.ts";
import type { Broker } from "../../src/streams/broker.ts";
import { openTestAccess } from "./access.ts";
import { openDiskBroker } from "./disk-broker.ts";
import { openTestGroups, type TestGroupsOptions } from "./groups.ts";
import { openMemoryBroker } from "./memory-broker.ts";
import { openTestTransactions, type TestTransactionsOptions } from "./transactions.ts";

export interface TestKafka {
  server: KafkaServer;
  broker: Broker;
  access: Access;
  port: number;
  /** A client of its own; closed with the rest. */
  client(options?: Partial<KafkaClientOptions>): Promise<KafkaClient>;
  close(): Promise<void>;
}

export const TEST_ADMIN = "User:admin";

/** Starts a Kafka edge on a free port, over memory logs unless `onDisk`. */
export async function startTestKafka(
  options: Partial<KafkaServerOptions> & {
    onDisk?: boolean;
    /** Whether ACLs are enforced; TEST_ADMIN may do everything. */
    enforcing?: boolean;
    groupLimits?: TestGroupsOptions["limits"];
    consumerLimits?: TestGroupsOptions["consumerLimits"];
    transactionLimits?: TestTransactionsOptions["limits"];
  } = {},
): Promise<TestKafka> {
  const {
    onDisk = false,
    enforcing = false,
    groupLimits = {},
    consumerLimits = {},
    transactionLimits = {},
    ...overrides
  } = options;
  const { broker, close } = onDisk ? await openOnDisk() : await openMemoryBroker();
  const ownGroups = await openTestGroups({
    limits: groupLimits,
    consumerLimits,
    streamByName: (name) => broker.streamByName(name),
  });
  const { groups } = ownGroups;
  const { clock } = overrides;
  const ownTransactions = await openTestTransactions({
    broker,
    groups,
    limits: transactionLimits,
    ...(clock ? { clock } : {}),
  });
  const { transactions } = ownTransactions;
  const access = await openTestAccess({ enforcing, superUsers: new Set([TEST_ADMIN]) });
  const server = startKafkaServer({
    broker,
    groups,
    transactions,
    access,
    host: "127.0.0.1",
    port: 0,
    ...overrides,
  });
  const clients: KafkaClient[] = [];
  return {
    server,
    broker,
    access,
    port: server.port,
    async client(login) {
      const client = await KafkaClient.connect({ host: "127.0.0.1", port: server.port, ...login });
      clients.push(client);
      return client;
    },
    async close() {
      for (const client of clients) client.close();
      await server.stop({ drainMs: 1000 });
      await ownTransactions.close();
      await ownGroups.close();
      access.close();
      await close();
    },
  };
}

/** Over real files, which go when it is closed. */
async function openOnDisk(): Promise<{ broker: Broker; close: () => Promise<void> }> {
  const dataDir = mkdtempSync(join(tmpdir(), "voik-kafka-"));
  // One reply can be larger than all that the sockets of two ends take.
  const { broker, close } = await openDiskBroker({ dataDir, segmentBytesMax: 64 << 20 });
  const closeAndRemove = async () => {
    await close();
    rmSync(dataDir, { recursive: true, force: true });
  };
  return { broker, close: closeAndRemove };
}

/** One request as it goes over the wire, size and all. */
export function frameOf<RequestFields extends Fields>(
  messages: Pick<ApiMessages<RequestFields>, "key" | "request">,
  version: number,
  body: Encodable<RequestFields>,
  correlationId = 1,
): Buffer {
  const writer = new Writer();
  writer.int32(0);
  const flexible = messages.request.isFlexible(version);
  writeRequestHeader(writer, messages.key, version, correlationId, "raw", flexible);
  messages.request.write(version, writer, body);
  return sized(writer.bytes.subarray(4, writer.at));
}

/** `bytes` behind their size. */
export function sized(bytes: Uint8Array): Buffer {
  const prefix = Buffer.alloc(4);
  prefix.writeInt32BE(bytes.length);
  return Buffer.concat([prefix, bytes]);
}

/** A TCP connection without a protocol. */
export class RawConnection {
  received: Buffer = Buffer.alloc(0);
  /** Resolves when the peer has closed or reset the connection. */
  readonly closed: Promise<void>;
  private wake: () => void = () => {};

  private constructor(readonly socket: Socket) {
    this.closed = new Promise((resolve) => socket.once("close", () => resolve()));
    socket.on("error", () => {});
    socket.on("close", () => this.wake());
    socket.on("data", (bytes: Buffer) => {
      this.received = Buffer.concat([this.received, bytes]);
      this.wake();
    });
  }

  static open(port: number, host = "127.0.0.1"): Promise<RawConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true });
      socket.once("connect", () => resolve(new RawConnection(socket)));
      socket.once("error", reject);
    });
  }

  /** The next reply, without its size. Rejects when the connection closes first. */
  async reply(): Promise<Buffer> {
    for (;;) {
      if (this.received.length >= 4) {
        const end = 4 + this.received.readInt32BE(0);
        if (this.received.length >= end) {
          const reply = this.received.subarray(4, end);
          this.received = this.received.subarray(end);
          return reply;
        }
      }
      if (this.socket.destroyed) throw new Error("the connection closed before a reply came");
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  end(): void {
    this.socket.destroy();
  }
}
