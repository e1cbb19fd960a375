/** Very many connections of one process, each as cheap as Bun makes them, which say nothing unless they are told to. */

type CrowdSocket = Bun.Socket<{ closed: boolean }>;

/** Connections that are opened at once. */
const OPENING_MAX = 200;

export class Crowd {
  private readonly sockets: CrowdSocket[] = [];
  /** Opens `count` connections to a port of this machine; resolves when each is open or was refused. */
  static async gather(port: number, count: number): Promise<Crowd> {
    const crowd = new Crowd();
    for (let asked = 0; asked < count; asked += OPENING_MAX) {
      const more = Math.min(OPENING_MAX, count - asked);
      for (const opened of await Promise.allSettled(Array.from({ length: more }, () => openSocket(port)))) {
        if (opened.status === "fulfilled") crowd.sockets.push(opened.value);
        // Refused before it was there.
        else if ((opened.reason as { code?: string }).code !== "ECONNRESET") throw opened.reason;
      }
    }
    return crowd;
  }

  /** Connections that the other side has not closed. */
  get open(): number {
    return this.sockets.filter(({ data }) => !data.closed).length;
  }

  leave(): void {
    for (const socket of this.sockets) socket.terminate();
  }
}

/** One connection that reads and forgets. */
function openSocket(port: number): Promise<CrowdSocket> {
  return Bun.connect<{ closed: boolean }>({
    hostname: "127.0.0.1",
    port,
    data: { closed: false },
    socket: {
      data() {},
      close: ({ data }) => void (data.closed = true),
      error() {},
    },
  });
}
