/**
 * Clients that come and go at once: each connects, says something or nothing, and leaves in the middle of it. Half of them
 * close as TCP asks for, half reset the connection.
 */

export interface Visit {
  /** What is sent; nothing if undefined. */
  bytes?: () => Uint8Array;
  /** Leaves when the first bytes come back, not at once. */
  untilAnswered?: boolean;
  /** What the first bytes have to begin with. */
  answer?: string;
}

const AT_ONCE = 20;

/** Makes `count` visits, of all kinds in turn. Throws on an answer that is not as it has to be. */
export async function makeVisits(port: number, kinds: readonly Visit[], count: number): Promise<void> {
  let made = 0;
  const visitor = async () => {
    while (made < count) {
      const number = made++;
      const kind = kinds[number % kinds.length] as Visit;
      await visit(port, kind, Math.floor(number / kinds.length) % 2 === 0);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, visitor));
}

async function visit(port: number, { bytes, untilAnswered, answer }: Visit, resets: boolean): Promise<void> {
  const { promise: answered, resolve, reject } = Promise.withResolvers<void>();
  let text = "";
  const closed = Promise.withResolvers<void>();
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data(_socket, got) {
        text += got.toString("latin1");
        if (text.length >= (answer?.length ?? 1)) resolve();
      },
      close() {
        closed.resolve();
        reject(new Error("closed without an answer"));
      },
      error: (_socket, error) => reject(error),
    },
  });
  answered.catch(() => {}); // asked for below, or not at all
  if (bytes) socket.write(bytes());
  if (untilAnswered) {
    await answered;
    if (answer !== undefined && !text.startsWith(answer)) throw new Error(`answered: ${text.slice(0, 400)}`);
  }
  if (resets) socket.terminate();
  else socket.end();
  await closed.promise;
}
