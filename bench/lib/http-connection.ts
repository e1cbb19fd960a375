/**
 * One HTTP/1.1 connection of a load generator: a request goes out as the bytes it was made of, and a reply is looked at
 * no closer than finding its end takes. fetch() costs several times as much, which on two cores would be measured as
 * the service's own. One request at a time; a reply with a length or in chunks.
 *
 *   POST / HTTP/1.1 | headers | empty line | body
 */
import type { Socket } from "bun";

const END_OF_HEADERS = "\r\n\r\n";
const BYTES_MIN = 64 * 1024;

/** Not checked by the services measured here, but demanded by one of them. */
export const AUTHORIZATION =
  "AWS4-HMAC-SHA256 Credential=bench/20260101/us-east-1/kinesis/aws4_request, " +
  "SignedHeaders=host;x-amz-date, Signature=00";

/** The bytes of a request for `operation` of the service at `url`. */
export function requestBytes(url: string, operation: string, body: string): Buffer {
  const head = [
    "POST / HTTP/1.1",
    `host: ${new URL(url).host}`,
    "content-type: application/x-amz-json-1.1",
    `x-amz-target: Kinesis_20131202.${operation}`,
    "x-amz-date: 20260101T000000Z",
    `authorization: ${AUTHORIZATION}`,
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.from(`${head.join("\r\n")}${END_OF_HEADERS}${body}`);
}

export class HttpConnection {
  private socket!: Socket;
  /** What is left to be sent. */
  private unsent: Buffer = Buffer.alloc(0);
  /** Serves every reply: what came of the one that is awaited. */
  private received = Buffer.allocUnsafe(BYTES_MIN);
  private bytes = 0;
  /** Where the body begins; 0 until the headers are in. */
  private bodyAt = 0;
  /** Where the reply ends, or its next chunk begins. */
  private endAt = 0;
  private chunked = false;
  /** Where the body ends so far; chunks are moved together. */
  private bodyEnd = 0;
  private answered: { resolve: (body: Buffer) => void; reject: (error: Error) => void } | undefined;

  static async open(url: string): Promise<HttpConnection> {
    const { hostname, port } = new URL(url);
    const connection = new HttpConnection();
    connection.socket = await Bun.connect({
      hostname,
      port: Number(port),
      socket: {
        data: (_, piece) => connection.take(piece),
        drain: () => connection.flush(),
        close: () => connection.fail(new Error("the service closed the connection")),
        error: (_, error) => connection.fail(error),
      },
    });
    return connection;
  }

  close(): void {
    this.socket.end();
  }

  /** Sends `request`; the body of its reply, good until the next one is sent. Rejects unless it is a 200. */
  call(request: Buffer): Promise<Buffer> {
    this.bytes = this.bodyAt = this.endAt = this.bodyEnd = 0;
    this.unsent = request;
    const answer = new Promise<Buffer>((resolve, reject) => (this.answered = { resolve, reject }));
    this.flush();
    return answer;
  }

  private flush(): void {
    while (this.unsent.length > 0) {
      const written = this.socket.write(this.unsent);
      if (written <= 0) return;
      this.unsent = this.unsent.subarray(written);
    }
  }

  private take(piece: Buffer): void {
    if (this.bytes + piece.length > this.received.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.received.length * 2, this.bytes + piece.length));
      this.received.copy(grown, 0, 0, this.bytes);
      this.received = grown;
    }
    this.received.set(piece, this.bytes);
    this.bytes += piece.length;
    if (this.bodyAt === 0 && !this.readHeaders()) return;
    if (this.chunked ? this.readChunks() : this.bytes >= (this.bodyEnd = this.endAt)) this.finish();
  }

  private readHeaders(): boolean {
    const end = this.received.subarray(0, this.bytes).indexOf(END_OF_HEADERS);
    if (end < 0) return false;
    const headers = this.received.toString("latin1", 0, end);
    this.bodyAt = this.bodyEnd = this.endAt = end + END_OF_HEADERS.length;
    const length = /\r\ncontent-length: *(\d+)/i.exec(headers)?.[1];
    this.chunked = length === undefined;
    this.endAt += Number(length ?? 0);
    return true;
  }

  /** Takes the chunks that are whole; true when the last one was there. */
  private readChunks(): boolean {
    for (;;) {
      const lineEnd = this.received
        .subarray(this.endAt, Math.min(this.bytes, this.endAt + 20))
        .indexOf("\r\n");
      if (lineEnd < 0) return false;
      const bytes = Number.parseInt(this.received.toString("latin1", this.endAt, this.endAt + lineEnd), 16);
      const start = this.endAt + lineEnd + 2;
      if (start + bytes + 2 > this.bytes) return false;
      if (bytes === 0) return true;
      this.received.copyWithin(this.bodyEnd, start, start + bytes);
      this.bodyEnd += bytes;
      this.endAt = start + bytes + 2;
    }
  }

  private finish(): void {
    const body = this.received.subarray(this.bodyAt, this.bodyEnd);
    const ok = this.received.toString("latin1", 0, 12) === "HTTP/1.1 200";
    if (ok) this.answered?.resolve(body);
    else this.fail(new Error(this.received.toString("latin1", 0, Math.min(this.bodyEnd, 800))));
  }

  private fail(error: Error): void {
    this.answered?.reject(error);
  }
}
