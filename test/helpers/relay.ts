/**
 * A way to a broker that a test can cut: a client that dials the relay gets what listens at `targetPort` at that time, and
 * the broker may come back at another port without the client's knowing.
 */
import { connect, createServer, type Server, type Socket } from "node:net";

export class Relay implements AsyncDisposable {
  /** While set, what the broker says is lost on the way. */
  mute = false;
  private readonly sockets = new Set<Socket>();
  private readonly server: Server;

  private constructor(public targetPort: number) {
    this.server = createServer((client) => this.join(client));
  }

  static async start(targetPort: number): Promise<Relay> {
    const relay = new Relay(targetPort);
    await new Promise<void>((resolve) => relay.server.listen(0, "127.0.0.1", resolve));
    return relay;
  }

  /** host:port, for clients. */
  get address(): string {
    const address = this.server.address();
    return `127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  }

  /** Ends all connections; new ones may be made. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private join(client: Socket): void {
    const broker = connect(this.targetPort, "127.0.0.1");
    client.on("data", (bytes) => broker.write(bytes));
    broker.on("data", (bytes) => this.mute || client.write(bytes));
    for (const [socket, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      this.sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        this.sockets.delete(socket);
        other.destroy();
      });
    }
  }
}
