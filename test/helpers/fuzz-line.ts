/** A fuzzer's connection: bytes out, whole replies in, and a login with SCRAM that costs the client no key derivation. */
import { clientProof, type ScramMechanism, saltedPassword } from "../../src/access/scram.ts";
import { FrameDecoder } from "../../src/kafka/frame.ts";
import { SaslHandshake } from "../../src/kafka/messages/17-sasl-handshake.ts";
import { SaslAuthenticate, SaslAuthenticateResponse } from "../../src/kafka/messages/36-sasl-authenticate.ts";
import { Reader } from "../../src/kafka/codec/reader.ts";
import { frameOf } from "./kafka.ts";

const REPLY_BYTES_MIN = 4;
const REPLY_BYTES_MAX = 128 << 20;
const CORRELATION_BYTES = 4;
const MECHANISM: ScramMechanism = "SCRAM-SHA-256";

export interface FuzzLogin {
  user: string;
  password: string;
}

/** Salted passwords by user and salt: half a million logins derive a key once. */
const salted = new Map<string, Promise<Buffer>>();

export class FuzzLine {
  isClosed = false;
  /** It was this side that closed it. */
  hasLeft = false;
  /** Called for every reply, without its size. */
  onReply: (reply: Buffer) => void = () => {};
  private readonly decoder = new FrameDecoder({
    frameBytesMin: REPLY_BYTES_MIN,
    frameBytesMax: REPLY_BYTES_MAX,
    trusted: true,
  });
  private unsent: Buffer = Buffer.alloc(0);
  private wake: () => void = () => {};
  private socket!: Bun.Socket;

  private constructor() {}

  static async open(port: number, login?: FuzzLogin): Promise<FuzzLine> {
    const line = new FuzzLine();
    line.socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        data: (_socket, bytes) => line.onData(bytes),
        drain: () => line.flush(),
        close: () => line.onClose(),
        error: () => line.onClose(),
      },
    });
    line.socket.setNoDelay(true);
    if (login) await line.logIn(login);
    return line;
  }

  send(bytes: Buffer): void {
    this.unsent = this.unsent.length > 0 ? Buffer.concat([this.unsent, bytes]) : bytes;
    this.flush();
  }

  /** Resolves when bytes come or the connection is closed, or after `ms`. */
  async event(ms: number): Promise<void> {
    if (this.isClosed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    this.wake = resolve;
    await promise;
    clearTimeout(timer);
  }

  /** Goes at once, whatever is under way. */
  leave(): void {
    this.isClosed = this.hasLeft = true;
    this.socket.terminate();
  }

  private async logIn({ user, password }: FuzzLogin): Promise<void> {
    await this.ask(frameOf(SaslHandshake, 1, { mechanism: MECHANISM }));
    const say = async (text: string) => {
      const reply = await this.ask(frameOf(SaslAuthenticate, 1, { authBytes: Buffer.from(text) }));
      const { errorCode, errorMessage, authBytes } = SaslAuthenticateResponse.read(
        1,
        new Reader(reply, CORRELATION_BYTES),
      );
      if (errorCode !== 0) throw new Error(`login: error ${errorCode}, ${errorMessage}`);
      return authBytes.toString();
    };
    const first = `n=${user},r=${Math.random()}`;
    const challenge = await say(`n,,${first}`);
    const [, nonce, salt = "", rounds] = /^r=([^,]+),s=([^,]+),i=(\d+)/.exec(challenge) ?? [];
    let key = salted.get(user + salt);
    if (key === undefined) {
      key = saltedPassword(MECHANISM, password, Buffer.from(salt, "base64"), Number(rounds));
      salted.set(user + salt, key);
    }
    const withoutProof = `c=biws,r=${nonce}`;
    const proof = clientProof(MECHANISM, await key, `${first},${challenge},${withoutProof}`);
    await say(`${withoutProof},p=${proof.toString("base64")}`);
  }

  private async ask(frame: Buffer): Promise<Buffer> {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    this.onReply = resolve;
    const closed = this.wake;
    this.wake = () => this.isClosed && reject(new Error("closed during the login"));
    this.send(frame);
    const reply = await promise;
    this.wake = closed;
    return reply;
  }

  private flush(): void {
    const written = this.socket.write(this.unsent);
    if (written > 0) this.unsent = this.unsent.subarray(written);
  }

  private onData(bytes: Buffer): void {
    this.decoder.push(bytes);
    for (let frame = this.decoder.next(); frame; frame = this.decoder.next()) this.onReply(frame);
    this.wake();
  }

  private onClose(): void {
    this.isClosed = true;
    this.wake();
  }
}
