/**
 * A small Kafka client on the broker's own message tables: for voik's command line, for tests and for benches. One
 * connection to one broker; replies are matched by correlation id; a request takes the newest version that both
 * sides speak.
 */
import { systemClock } from "../base/clock.ts";
import { VoikError } from "../base/errors.ts";
import type { Decoded, Encodable, Fields } from "./codec/fields.ts";
import { inVersions } from "./codec/fields.ts";
import { skipTags, writeRequestHeader } from "./codec/header.ts";
import type { ApiMessages } from "./codec/message.ts";
import { Reader } from "./codec/reader.ts";
import { FrameDecoder } from "./frame.ts";
import { ApiVersions } from "./messages/18-api-versions.ts";
import { Outbox } from "./outbox.ts";
import { type ClientLogin, logIn } from "./security/client-login.ts";

const REPLY_BYTES_MAX = 128 * 1024 * 1024;
const REPLY_BYTES_MIN = 4;
const NO_ERROR = 0;

export interface KafkaClientOptions {
  host: string;
  port: number;
  clientId?: string;
  /** How long connecting may take. Default 10,000. */
  connectTimeoutMs?: number;
  /** Speaks TLS, with these options. */
  tls?: Bun.TLSOptions;
  /** Who to log in as; without it no login is made. */
  login?: ClientLogin;
}

interface Waiting {
  readonly messages: ApiMessages;
  readonly version: number;
  resolve(body: unknown): void;
  reject(error: Error): void;
}

/** Versions that the broker told of, by API key. */
type Spoken = Map<number, { minVersion: number; maxVersion: number }>;

export class KafkaClient {
  /** Settles when the connection is gone, with the reason. */
  readonly closed: Promise<Error>;
  private readonly decoder = new FrameDecoder({
    frameBytesMin: REPLY_BYTES_MIN,
    frameBytesMax: REPLY_BYTES_MAX,
    trusted: true,
  });
  private readonly waiting = new Map<number, Waiting>();
  private spoken: Spoken = new Map();
  private outbox!: Outbox;
  private socket!: Bun.Socket;
  private correlationId = 0;
  private ended: Error | undefined;
  private onClosed!: (reason: Error) => void;

  private constructor(private readonly clientId: string) {
    this.closed = new Promise((resolve) => {
      this.onClosed = resolve;
    });
  }

  /** Connects and asks what the broker speaks. Throws VoikError timed_out, or the system's error. */
  static async connect(options: KafkaClientOptions): Promise<KafkaClient> {
    const { host, port, tls, login, clientId = "voik", connectTimeoutMs = 10_000 } = options;
    const client = new KafkaClient(clientId);
    const connecting = Bun.connect({
      hostname: host,
      port,
      ...(tls && { tls }),
      socket: {
        data: (_socket, bytes) => client.onData(bytes),
        drain: () => client.flush(),
        close: () => client.end(new VoikError("shutting_down", `${host}:${port} closed the connection`)),
        error: (_socket, error) => client.end(error),
      },
    });
    const late = new VoikError(
      "timed_out",
      `${host}:${port} did not answer within ${connectTimeoutMs} ms: is voik running?`,
    );
    const timeout = Promise.withResolvers<never>();
    const timer = systemClock.after(connectTimeoutMs, () => timeout.reject(late));
    try {
      client.socket = await Promise.race([connecting, timeout.promise]);
      client.socket.setNoDelay(true);
      client.outbox = new Outbox(client.socket, null, () => client.flush());
      const { min } = ApiVersions.request.versions;
      const asked = client.request(ApiVersions, {}, min);
      const { errorCode, apiKeys } = await Promise.race([asked, timeout.promise]);
      if (errorCode !== NO_ERROR)
        throw new VoikError("unsupported", `${host}:${port} refuses ApiVersions: ${errorCode}`);
      client.spoken = new Map(apiKeys.map((api) => [api.apiKey, api]));
      if (login) await Promise.race([logIn(client, login), timeout.promise]);
      return client;
    } catch (error) {
      void connecting.then((socket) => socket.end()).catch(() => {});
      throw error;
    } finally {
      timer.cancel();
    }
  }

  /** The newest version of an API that both sides speak. Throws VoikError unsupported when there is none. */
  versionOf(messages: Pick<ApiMessages, "key" | "name" | "request">): number {
    const theirs = this.spoken.get(messages.key);
    const version = Math.min(theirs?.maxVersion ?? -1, messages.request.versions.max);
    if (!theirs || version < theirs.minVersion || !inVersions(messages.request.versions, version)) {
      throw new VoikError(
        "unsupported",
        `the broker and this client have no version of ${messages.name} in common`,
      );
    }
    return version;
  }

  /** Sends a request and resolves to its reply's body. Rejects when the connection ends first. */
  request<RequestFields extends Fields, ReplyFields extends Fields>(
    messages: ApiMessages<RequestFields, ReplyFields>,
    body: Encodable<RequestFields>,
    version: number = this.versionOf(messages as unknown as ApiMessages),
  ): Promise<Decoded<ReplyFields>> {
    const reply = Promise.withResolvers<Decoded<ReplyFields>>();
    if (this.ended) return Promise.reject(this.ended);
    const correlationId = this.post(messages, body, version);
    this.waiting.set(correlationId, {
      messages: messages as unknown as ApiMessages,
      version,
      resolve: (decoded) => reply.resolve(decoded as Decoded<ReplyFields>),
      reject: reply.reject,
    });
    this.flush();
    return reply.promise;
  }

  /** Sends a request that gets no reply: Produce with acks=0. Call `request` for any other. */
  send<RequestFields extends Fields>(
    messages: ApiMessages<RequestFields>,
    body: Encodable<RequestFields>,
  ): void {
    this.post(messages, body, this.versionOf(messages as unknown as ApiMessages));
    this.flush();
  }

  /** Bytes that the kernel has not taken yet: wait for replies when it grows. */
  get unsentBytes(): number {
    return this.outbox.unsentBytes;
  }

  close(): void {
    this.end(new VoikError("shutting_down", "the client was closed"));
    this.socket.end();
  }

  private post<RequestFields extends Fields>(
    messages: ApiMessages<RequestFields>,
    body: Encodable<RequestFields>,
    version: number,
  ): number {
    const correlationId = (this.correlationId = (this.correlationId + 1) & 0x7fffffff);
    const { writer } = this.outbox;
    const start = writer.reserve(4);
    const flexible = messages.request.isFlexible(version);
    writeRequestHeader(writer, messages.key, version, correlationId, this.clientId, flexible);
    messages.request.write(version, writer, body);
    writer.bytes.writeInt32BE(writer.at - start - 4, start);
    return correlationId;
  }

  private flush(): void {
    if (this.ended === undefined && !this.outbox.flush()) this.socket.terminate();
  }

  private onData(bytes: Buffer): void {
    this.decoder.push(bytes);
    try {
      for (let frame = this.decoder.next(); frame; frame = this.decoder.next()) this.onReply(frame);
    } catch (error) {
      this.end(error as Error);
      this.socket.terminate();
    }
  }

  private onReply(frame: Buffer): void {
    const reader = new Reader(frame);
    const correlationId = reader.int32();
    const waiting = this.waiting.get(correlationId);
    if (waiting === undefined) throw new VoikError("unsupported", "a reply that nobody asked for");
    this.waiting.delete(correlationId);
    const { messages, version } = waiting;
    if (messages.reply.isFlexible(version) && messages.key !== ApiVersions.key) skipTags(reader);
    waiting.resolve(messages.reply.read(version, reader));
  }

  private end(reason: Error): void {
    if (this.ended) return;
    this.ended = reason;
    for (const { reject } of this.waiting.values()) reject(reason);
    this.waiting.clear();
    this.onClosed(reason);
  }
}
